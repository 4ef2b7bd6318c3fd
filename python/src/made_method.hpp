#pragma once
// Methods that are written in Python.

#include <nanobind/nanobind.h>

#include "itm/estimator.hpp"

namespace itm::python {

/// Adds a method that calls function(features, labels, output, source, seed) -> (score, details) for every model:
/// arrays of NumPy, None for what was not asked for, details a dict of numbers and texts. Throws as
/// register_estimator().
void register_method(Estimator traits, nanobind::object function);

}  // namespace itm::python
