#include "check/trace.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "io/json.hpp"
#include "io/shape.hpp"
#include "io/where.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

using nlohmann::json;

constexpr std::string_view again = "write the trace again";
// As the settings of the same names allow.
constexpr std::uint64_t most_iterations = 100'000;
constexpr std::uint64_t most_steps = 10'000;
constexpr std::uint64_t most_classes = 1'000'000;

class Checker {
 public:
  Checker(const std::filesystem::path& folder, const json& meta, const TraceArrays& arrays)
      : folder_(folder), meta_(meta), arrays_(arrays), where_{folder / "trace.json", {}} {}

  [[nodiscard]] Trace check() const {
    if (!meta_.is_object()) {
      io::refuse(where_, "holds no JSON object; {}", again);
    }
    Trace trace;
    trace.feature = array("feature");
    const std::size_t rows = trace.feature.rows();
    const std::size_t dims = trace.feature.cols();
    const std::size_t classes = count("C", 1, std::min<std::uint64_t>(rows, most_classes));
    expect("N", rows);
    expect("D", dims);

    ItmPlan& plan = trace.plan;
    plan.labels.classes = classes;
    plan.labels.values = numbers<std::int32_t>("label", {rows}, classes);
    plan.train = indices("train_index", rows);
    plan.validation = indices("val_index", rows);
    plan.iterations = count("iterations", 1, most_iterations);
    const Array batches = array("batches");
    plan.batch = batches.size() / plan.iterations;
    if (plan.batch == 0 || plan.batch > rows || plan.batch * plan.iterations != batches.size()) {
      refuse("batches", "has {} row numbers; {} iterations need as many times 1 to {} (rows); {}",
             with_commas(batches.size()), with_commas(plan.iterations), with_commas(rows), again);
    }
    plan.batches = numbers<std::uint32_t>("batches", batches, rows);
    expect("B", plan.batch);
    trace.initial = parameters("init_", classes, dims);  // before C x C values are made of a mere number
    plan.centres =
        arrays_("centres") ? doubles("centres", {classes, classes}) : make_centres(CentreKind::onehot, classes, 0);

    trace.steps = count("n", 1, most_steps);
    trace.eta = number(meta_, "eta", 0, 1);
    const ItmOptions standard;
    trace.learning_rate = standard.learning_rate;
    trace.weight_decay = standard.weight_decay;
    if (meta_.contains("optimizer")) {
      const json& optimizer = meta_["optimizer"];
      if (!optimizer.is_object()) {
        io::refuse(where_, "'optimizer' is no JSON object; {}", again);
      }
      if (optimizer.contains("lr")) {
        trace.learning_rate = number(optimizer, "lr", 0, 1e6);
      }
      if (optimizer.contains("weight_decay")) {
        trace.weight_decay = number(optimizer, "weight_decay", 0, 1e6);
      }
    }
    if (meta_.contains("dispersion")) {
      trace.dispersion = number(meta_, "dispersion", 0, largest);
    }
    trace.losses = losses(plan.iterations);
    trace.curve = curve(plan.iterations);
    add_references(trace, classes, dims);
    return trace;
  }

 private:
  static constexpr double largest = std::numeric_limits<double>::max();

  [[nodiscard]] std::filesystem::path path(const std::string& name) const { return folder_ / (name + ".npy"); }

  template <typename... Args>
  [[noreturn]] void refuse(const std::string& name, fmt::format_string<Args...> sentence, Args&&... args) const {
    io::refuse({path(name), {}}, sentence, std::forward<Args>(args)...);
  }

  [[nodiscard]] const json& member(const json& object, const char* key) const {
    const auto found = object.find(key);
    if (found == object.end()) {
      io::refuse(where_, "key '{}' is missing; {}", key, again);
    }
    return *found;
  }

  [[nodiscard]] std::uint64_t whole(const json& object, const char* key, std::uint64_t low, std::uint64_t high) const {
    const json& value = member(object, key);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() < low || value.get<std::uint64_t>() > high) {
      io::refuse(where_, "'{}' is {}, not a whole number from {} to {}; {}", key, printable(value.dump()), low,
                 with_commas(high), again);
    }
    return value.get<std::uint64_t>();
  }
  [[nodiscard]] std::size_t count(const char* key, std::uint64_t low, std::uint64_t high) const {
    return static_cast<std::size_t>(whole(meta_, key, low, high));
  }

  [[nodiscard]] double finite(const json& value, const char* key, double low, double high) const {
    const double number = value.is_number() ? value.get<double>() : std::nan("");
    if (!(number >= low && number <= high)) {
      if (high == largest) {
        io::refuse(where_, "'{}' holds {}, not a number; {}", key, printable(value.dump()), again);
      }
      io::refuse(where_, "'{}' is {}, not a number from {} to {}; {}", key, printable(value.dump()), low, high, again);
    }
    return number;
  }
  [[nodiscard]] double number(const json& object, const char* key, double low, double high) const {
    return finite(member(object, key), key, low, high);
  }

  /// A size that the trace may repeat.
  void expect(const char* key, std::size_t size) const {
    if (meta_.contains(key) && meta_[key] != size) {
      io::refuse(where_, "'{}' is {}, but the arrays have {}; {}", key, printable(meta_[key].dump()), size, again);
    }
  }

  [[nodiscard]] Array array(const std::string& name) const {
    std::optional<Array> found = arrays_(name);
    if (!found) {
      refuse(name, "no such file; a trace needs it, {}", again);
    }
    return *std::move(found);
  }

  /// Checked before a value is widened: what a header claims costs nothing.
  void check_shape(const std::string& name, const Array& array, const std::vector<std::size_t>& shape) const {
    if (array.shape() != shape) {
      const auto text = [](const std::vector<std::size_t>& extents) {
        return io::shape_text({extents.begin(), extents.end()});
      };
      refuse(name, "has shape {}, not {}; {}", text(array.shape()), text(shape), again);
    }
  }
  [[nodiscard]] std::vector<double> doubles(const std::string& name, const std::vector<std::size_t>& shape) const {
    return doubles(name, array(name), shape);
  }
  [[nodiscard]] std::vector<double> doubles(const std::string& name, const Array& array,
                                            const std::vector<std::size_t>& shape) const {
    check_shape(name, array, shape);
    std::vector<double> values = array.to_doubles();
    if (!std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); })) {
      refuse(name, "holds a NaN or an infinity; {}", again);
    }
    return values;
  }

  /// Whole numbers in [0, end).
  template <typename T>
  [[nodiscard]] std::vector<T> numbers(const std::string& name, const Array& array, std::size_t end) const {
    std::vector<T> out;
    out.reserve(array.size());
    for (const std::int64_t value : array.to_integers()) {
      if (value < 0 || static_cast<std::uint64_t>(value) >= end) {
        refuse(name, "holds {}, which is outside 0..{}; {}", value, end - 1, again);
      }
      out.push_back(static_cast<T>(value));
    }
    return out;
  }
  template <typename T>
  [[nodiscard]] std::vector<T> numbers(const std::string& name, const std::vector<std::size_t>& shape,
                                       std::size_t end) const {
    const Array found = array(name);
    check_shape(name, found, shape);
    return numbers<T>(name, found, end);
  }
  [[nodiscard]] std::vector<std::uint32_t> indices(const std::string& name, std::size_t rows) const {
    const Array found = array(name);
    if (found.cols() != 1 || found.rows() > rows) {
      refuse(name, "has {} row numbers of {} rows; {}", with_commas(found.size()), with_commas(rows), again);
    }
    return numbers<std::uint32_t>(name, found, rows);
  }

  [[nodiscard]] ItmParameters parameters(const std::string& start, std::size_t classes, std::size_t dims) const {
    return {doubles(start + "psi_w", {classes, dims}), doubles(start + "psi_b", {classes}),
            doubles(start + "head_w", {classes, classes}), doubles(start + "head_b", {classes})};
  }

  [[nodiscard]] const json& list(const char* key) const {
    const json& values = member(meta_, key);
    if (!values.is_array()) {
      io::refuse(where_, "'{}' is no list; {}", key, again);
    }
    return values;
  }

  [[nodiscard]] std::vector<double> losses(std::size_t iterations) const {
    std::vector<double> out;
    for (const json& value : list("losses")) {
      out.push_back(finite(value, "losses", -largest, largest));
    }
    if (out.size() != iterations) {
      io::refuse(where_, "'losses' has {} numbers for {} iterations; {}", with_commas(out.size()),
                 with_commas(iterations), again);
    }
    return out;
  }

  [[nodiscard]] std::vector<Checkpoint> curve(std::size_t iterations) const {
    std::vector<Checkpoint> points;
    for (const json& point : list("validation")) {
      if (!point.is_object()) {
        io::refuse(where_, "a point of 'validation' is no JSON object; {}", again);
      }
      const std::size_t after = points.empty() ? 1 : points.back().iteration + 1;
      points.push_back({static_cast<std::size_t>(whole(point, "iteration", after, iterations)),
                        number(point, "accuracy", 0, 1), number(point, "loss", -largest, largest)});
    }
    if (points.empty()) {
      io::refuse(where_, "'validation' has no point; {}", again);
    }
    return points;
  }

  void add_references(Trace& trace, std::size_t classes, std::size_t dims) const {
    const std::size_t batch = trace.plan.batch;
    const std::vector<std::pair<std::string, std::vector<std::size_t>>> shapes{
        {"iter1_latent", {batch, classes}},        {"iter1_recurrence", {batch, batch}},
        {"iter1_evolved", {batch, classes}},       {"iter1_logits", {batch, classes}},
        {"iter1_grad_psi_w", {classes, dims}},     {"iter1_grad_psi_b", {classes}},
        {"iter1_grad_head_w", {classes, classes}}, {"iter1_grad_head_b", {classes}},
        {"final_psi_w", {classes, dims}},          {"final_psi_b", {classes}},
        {"final_head_w", {classes, classes}},      {"final_head_b", {classes}}};
    for (const auto& [name, shape] : shapes) {
      if (const std::optional<Array> found = arrays_(name)) {
        trace.references.emplace_back(name, doubles(name, *found, shape));
      }
    }
  }

  const std::filesystem::path& folder_;
  const json& meta_;
  const TraceArrays& arrays_;
  io::Where where_;
};

}  // namespace

Trace check_trace(const std::filesystem::path& folder, const json& meta, const TraceArrays& arrays) {
  return Checker(folder, meta, arrays).check();
}

Trace read_trace(const std::filesystem::path& folder) {
  const auto meta = io::read_json<json>(folder / "trace.json", io::TextKind::trace, again);
  return check_trace(folder, meta, [&](const std::string& name) -> std::optional<Array> {
    const std::filesystem::path file = folder / (name + ".npy");
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
      return std::nullopt;
    }
    return read_array(file);
  });
}

}  // namespace itm
