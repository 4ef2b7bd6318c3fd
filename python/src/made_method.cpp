#include "made_method.hpp"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <mutex>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "array_view.hpp"
#include "itm/error.hpp"

namespace nb = nanobind;

namespace itm::python {
namespace {

Details details_of(const nb::handle& given) {
  Details details;
  for (const auto [key, value] : nb::cast<nb::dict>(given)) {
    const auto name = nb::cast<std::string>(nb::str(key));
    if (nb::isinstance<nb::bool_>(value)) {
      details[name] = nb::cast<bool>(value);
    } else if (nb::isinstance<nb::int_>(value)) {
      details[name] = nb::cast<std::int64_t>(value);
    } else if (nb::isinstance<nb::float_>(value)) {
      details[name] = nb::cast<double>(value);
    } else {
      details[name] = nb::cast<std::string>(nb::str(value));
    }
  }
  return details;
}

/// One model after the other: Python holds its lock anyway.
class PythonSession final : public Session {
 public:
  PythonSession(std::string method, const nb::object& function, bool seeded, DatasetTask task, RankOptions options)
      : method_(std::move(method)),
        function_(function),
        repeats_(seeded ? options.repeats : 1),
        task_(std::move(task)),
        options_(std::move(options)) {}

  std::vector<Outcome> score(Executor& executor) override {
    std::vector<Outcome> outcomes(task_.entries.size());
    std::mutex guard;
    executor.for_each_model(repeats_, [&](std::size_t model, std::size_t repeat) {
      Scored scored;
      std::string failure;
      try {
        executor.read(model, [&] { scored = score_one(task_.entries[model], options_.seed + repeat); });
      } catch (const InputError& error) {
        if (!executor.keeps_going()) {
          throw;
        }
        failure = error.what();
      }
      {
        const std::lock_guard lock(guard);
        Outcome& outcome = outcomes[model];
        outcome.scored.model = task_.entries[model].model;
        outcome.scored.score += scored.score / static_cast<double>(repeats_);
        outcome.scored.seconds += scored.seconds;
        outcome.scored.details = std::move(scored.details);
        if (!failure.empty()) {
          outcome.failure = failure;
        }
      }
      executor.advance(model, 1 / static_cast<double>(repeats_));
    });
    return outcomes;
  }

 private:
  struct Scored {
    double score = 0;
    double seconds = 0;
    Details details;
  };

  [[nodiscard]] Scored score_one(const ZooEntry& entry, std::uint64_t seed) const {
    const Array feature = entry.feature.read();
    const std::vector<std::uint32_t> bad = find_bad_rows(feature);
    std::vector<std::uint32_t> rows = task_.rows;  // empty: all
    std::vector<std::int32_t> labels = task_.labels.values;
    if (!bad.empty()) {
      leave_out(bad, feature, rows, labels);
    }
    const auto start = std::chrono::steady_clock::now();
    Scored scored;
    const nb::gil_scoped_acquire locked;
    try {
      const nb::tuple result =
          nb::cast<nb::tuple>(function_(scored_rows(to_numpy(feature), rows), labels_of(entry, labels, rows),
                                        entry.output ? scored_rows(to_numpy(entry.output->read()), rows) : nb::none(),
                                        entry.source ? to_numpy(entry.source->read()) : nb::none(), seed));
      scored.score = nb::cast<double>(result[0]);
      scored.details = details_of(result[1]);
    } catch (const nb::python_error& error) {
      if (!error.matches(PyExc_Exception)) {
        throw;  // Ctrl-C
      }
      throw InputError(entry.model + ": " + method_ + " failed: " + first_line(error));
    }
    if (std::isnan(scored.score)) {
      throw InputError(entry.model + ": " + method_ + " gives no number (NaN)");
    }
    scored.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return scored;
  }

  /// Takes the bad rows out of `rows` and `labels`, or refuses them.
  void leave_out(const std::vector<std::uint32_t>& bad, const Array& feature, std::vector<std::uint32_t>& rows,
                 std::vector<std::int32_t>& labels) const {
    std::vector<std::uint32_t> all = rows;
    if (all.empty()) {
      all.resize(feature.rows());
      std::iota(all.begin(), all.end(), 0U);
    }
    std::vector<std::uint32_t> left;
    std::vector<std::int32_t> of_left;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!std::binary_search(bad.begin(), bad.end(), all[i])) {
        left.push_back(all[i]);
        if (!labels.empty()) {
          of_left.push_back(labels[i]);
        }
      } else if (!options_.drop_bad_rows) {
        throw InputError(feature.source().string() + ": row " + std::to_string(all[i]) +
                         " holds a NaN or an infinity; extract the features again, or pass drop_bad_rows=True");
      }
    }
    if (left.size() < all.size()) {
      rows = std::move(left);
      labels = std::move(of_left);
    }
  }

  /// An array of its own: the method may keep it.
  [[nodiscard]] static nb::object labels_of(const ZooEntry& entry, const std::vector<std::int32_t>& labels,
                                            const std::vector<std::uint32_t>& rows) {
    if (entry.target) {
      return scored_rows(to_numpy(entry.target->read()), rows);
    }
    const auto* data = reinterpret_cast<const std::byte*>(labels.data());
    return to_numpy({"labels", DType::i32, false, {labels.size()}, false, data, nullptr}).attr("copy")();
  }

  /// Some rows; all of them without a copy.
  [[nodiscard]] static nb::object scored_rows(nb::object array, const std::vector<std::uint32_t>& rows) {
    if (rows.empty()) {
      return array;
    }
    const auto* data = reinterpret_cast<const std::byte*>(rows.data());
    return array.attr("__getitem__")(to_numpy({"rows", DType::u32, false, {rows.size()}, false, data, nullptr}));
  }

  /// "ValueError: what it said".
  static std::string first_line(const nb::python_error& error) {
    const auto type = nb::cast<std::string>(error.type().attr("__name__"));
    const auto text = nb::cast<std::string>(nb::str(error.value()));
    return type + ": " + text.substr(0, text.find('\n'));
  }

  std::string method_;
  const nb::object& function_;
  std::size_t repeats_;
  DatasetTask task_;
  RankOptions options_;
};

}  // namespace

void register_method(Estimator traits, nb::object function) {
  // The registry outlives the interpreter, whose objects may not be touched then: this one is never released.
  const nb::object& kept = *new nb::object(std::move(function));
  traits.open = [method = traits.name, &kept, seeded = traits.seeded](DatasetTask task, const RankOptions& options) {
    return std::make_unique<PythonSession>(method, kept, seeded, std::move(task), options);
  };
  register_estimator(std::move(traits));
}

}  // namespace itm::python
