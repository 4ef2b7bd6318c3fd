#pragma once
// Rankings as Python asks for them: of arrays and of folders.

#include <nanobind/nanobind.h>

namespace itm::python {

/// Adds rank_arrays(), rank_folder() and the class Report.
void bind_ranking(nanobind::module_& module);

}  // namespace itm::python
