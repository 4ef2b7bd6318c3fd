// itm_rank._core: the library for the Python package, which gives it its manners (python/itm_rank).

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "itm/all.hpp"
#include "made_method.hpp"
#include "ranking.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace itm::python {
namespace {

/// Python's own kinds of exceptions: ValueError for input, RuntimeError for devices, OSError for files.
void translate(const std::exception_ptr& thrown, void* /*payload*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Interrupted&) {
    PyErr_SetNone(PyExc_KeyboardInterrupt);
  } catch (const InputError& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  } catch (const Error& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    PyErr_SetString(PyExc_OSError, error.what());
  }
}

nb::dict described(const Setting& setting) {
  nb::dict description;
  description["name"] = setting.name;
  description["standard"] = setting.standard;
  description["help"] = setting.help;
  description["words"] = setting.words;
  return description;
}

nb::dict described(const Estimator& estimator) {
  nb::dict description;
  description["name"] = estimator.name;
  description["description"] = estimator.description;
  description["citation"] = estimator.citation;
  description["features"] = estimator.inputs.features;
  description["output"] = estimator.inputs.output;
  description["source"] = estimator.inputs.source;
  description["regression"] = estimator.inputs.regression;
  description["seeded"] = estimator.seeded;
  description["on_gpu"] = estimator.on_gpu;
  description["of_company"] = estimator.of_company;
  nb::list settings;
  for (const Setting& setting : estimator.settings) {
    settings.append(described(setting));
  }
  description["settings"] = settings;
  return description;
}

nb::list methods() {
  nb::list all;
  for (const Estimator& estimator : estimators()) {
    all.append(described(estimator));
  }
  return all;
}

void add_method(const std::string& name, nb::object function, const std::string& description,
                const std::string& citation, bool output, bool source, bool regression, bool seeded) {
  Estimator traits;
  traits.name = name;
  traits.description = description;
  traits.citation = citation;
  traits.inputs = {true, output, source, regression, regression};
  traits.seeded = seeded;
  register_method(std::move(traits), std::move(function));
}

nb::dict agreement(const std::vector<double>& score, const std::vector<double>& truth, std::size_t bootstrap,
                   std::uint64_t seed) {
  const Agreement measured = measure_agreement(score, score, truth, {bootstrap, 0.95, seed});
  nb::dict result;
  result["models"] = measured.models;
  result["tau_w"] = measured.tau_w;
  result["tau_w_scipy"] = measured.tau_w_scipy;
  result["kendall"] = measured.kendall;
  result["spearman"] = measured.spearman;
  result["pearson"] = measured.pearson;
  result["rel_at_1"] = measured.rel_at_1;
  result["rel_at_3"] = measured.rel_at_3;
  result["tau_w_interval"] = nb::none();
  if (measured.tau_w_interval) {
    result["tau_w_interval"] = nb::make_tuple(measured.tau_w_interval->low, measured.tau_w_interval->high);
  }
  return result;
}

}  // namespace
}  // namespace itm::python

// NOLINTNEXTLINE: the macro's own
NB_MODULE(_core, module) {
  module.doc() = "The C++ library behind itm_rank.";
  nb::register_exception_translator(itm::python::translate);
  itm::python::bind_ranking(module);
  module.def("methods", &itm::python::methods, "What each method measures, reads and offers, as dicts.");
  module.def("add_method", &itm::python::add_method, "name"_a, "function"_a, "description"_a, "citation"_a, "output"_a,
             "source"_a, "regression"_a, "seeded"_a,
             "Adds function(features, labels, output, source, seed) -> (score, details) to the methods.");
  module.def("agreement", &itm::python::agreement, "score"_a, "truth"_a, "bootstrap"_a, "seed"_a,
             "Agreement of scores with the truth, model by model.");
}
