#include "session/model_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "core/check_features.hpp"
#include "core/text.hpp"
#include "engine/itm_inputs.hpp"
#include "itm/error.hpp"

namespace itm {
ModelInput::ModelInput(Device& device, const Estimator& estimator, const RankOptions& options, const DatasetTask& task,
                       const ZooEntry& entry, std::uint64_t seed, const std::optional<LeaveOut>& left_out)
    : device_(device),
      estimator_(estimator),
      options_(options),
      task_(task),
      seed_(seed),
      feature_{entry.feature.read(), {}},
      kept_{task.rows, std::nullopt} {
  const Array& feature = feature_.array;
  if (options.drop_bad_rows) {
    const std::size_t before = rows();
    kept_ = drop_bad_rows(feature, task);
    dropped_ = before - rows();
  }
  if (task.targets) {
    check_row_count(feature, {}, task.targets->rows());
  } else {
    check_row_count(feature, kept_.rows, this->labels().values.size());
  }
  if (left_out) {
    kept_ = leave_out(kept_, task.labels, feature.rows(), *left_out);
  }
  if (estimator.inputs.features) {
    check_finite(feature, kept_.rows);
  }
  if (estimator.inputs.output) {
    output_.array = entry.output->read();
    check_row_count(output_.array, {}, feature.rows());
    check_finite(output_.array, kept_.rows);
  }
  if (estimator.inputs.source) {
    source_.array = entry.source->read();
    check_finite(source_.array, {});
    if (source_.array.cols() != feature.cols()) {
      throw InputError(fmt::format("{}: has {} columns, but {} has {}; extract both from the same layer",
                                   path_text(source_.array.source()), with_commas(source_.array.cols()), file(),
                                   with_commas(feature.cols())));
    }
  }
  open_on_device(entry);
}

void ModelInput::open_on_device(const ZooEntry& entry) {
  std::vector<StoredFeatures> wanted;
  std::vector<Opened*> opened;
  const auto want = [&](Opened& one, const ArrayRef& ref) {
    wanted.push_back({&one.array, resident_key(ref)});
    opened.push_back(&one);
  };
  if (estimator_.inputs.features) {
    want(feature_, entry.feature);
  }
  if (estimator_.inputs.output) {
    want(output_, *entry.output);
  }
  if (estimator_.inputs.source) {
    want(source_, *entry.source);
  }
  const double classes_or_targets = static_cast<double>(task_.targets ? target_count() : classes());
  const Workload work{static_cast<double>(rows()), static_cast<double>(dims()), classes_or_targets, 0};
  std::vector<FeaturesOnDevice> found =
      device_.open(wanted, static_cast<std::size_t>(estimator_.cost_of(work, options_).bytes));
  for (std::size_t i = 0; i < opened.size(); ++i) {
    opened[i]->device = std::move(found[i]);
  }
  if (!kept_.rows.empty()) {
    map_ = device_.index(std::vector<std::int32_t>(kept_.rows.begin(), kept_.rows.end()));
  }
  if (kind() == TargetKind::classes) {
    class_rows_ = device_.classes(device_.index(labels().values), classes());
  }
}

std::size_t ModelInput::rows() const { return kept_.rows.empty() ? feature_.array.rows() : kept_.rows.size(); }

SettingValue ModelInput::setting(const std::string& name) const {
  const auto given = options_.settings.find(estimator_.name + "-" + name);
  if (given != options_.settings.end()) {
    return given->second;
  }
  const auto& known = estimator_.settings;
  return std::find_if(known.begin(), known.end(), [&](const Setting& s) { return s.name == name; })->standard;
}

void ModelInput::displace(Matrix displacement) { displacement_ = std::move(displacement); }

ConstIndexView ModelInput::file_rows(std::span<const std::uint32_t> rows, Index& made) const {
  if (rows.empty()) {
    return map_;
  }
  std::vector<std::int32_t> map(rows.begin(), rows.end());
  if (!kept_.rows.empty()) {
    std::transform(rows.begin(), rows.end(), map.begin(),
                   [this](std::uint32_t row) { return static_cast<std::int32_t>(kept_.rows[row]); });
  }
  made = device_.index(map);
  return made;
}

void ModelInput::for_each_centred_block(std::span<const std::uint32_t> rows, ConstView centres,
                                        const Block& block) const {
  Index made;
  const ConstIndexView map = file_rows(rows, made);
  const bool is_displaced = displacement_.rows() > 0;
  if (!is_displaced && centres.rows() == 0) {
    walk(*feature_.device, map, block);
    return;
  }
  const double sign = is_displaced ? 1 : -1;
  ConstView shift = centres;
  Matrix both;
  if (is_displaced) {
    both = device_.copy_of(displacement_);
    if (centres.rows() == 1) {
      device_.add_to_rows(-1, centres, both);
    } else if (centres.rows() > 0) {
      device_.add(-1, centres, both);
    }
    shift = both;
  }
  Index some;
  ConstIndexView index = shift.rows() > 1 ? class_rows_.labels() : ConstIndexView();
  if (shift.rows() > 1 && !rows.empty()) {
    std::vector<std::int32_t> class_of(rows.size());
    std::transform(rows.begin(), rows.end(), class_of.begin(), [this](auto row) { return labels().values[row]; });
    some = device_.index(class_of);
    index = some;
  }
  walk(
      rows.empty() ? this->rows() : rows.size(), dims(),
      [&](std::size_t first, View x) {
        const ConstIndexView mine = shift.rows() > 1 ? index.columns(first, x.rows()) : ConstIndexView();
        device_.load_shifted(*feature_.device, map, first, sign, shift, mine, x);
      },
      block);
}

void ModelInput::for_each_block_of(const Array& array, const Block& block) const {
  check_row_count(array, {}, feature_.array.rows());
  check_finite(array, kept_.rows);
  const StoredFeatures wanted{&array, {}};
  const std::vector<FeaturesOnDevice> opened = device_.open(std::span(&wanted, 1), 0);
  walk(*opened.front(), map_, block);
}

void ModelInput::walk(std::size_t rows, std::size_t cols, const std::function<void(std::size_t first, View x)>& load,
                      const Block& block) const {
  const std::size_t step = std::min(rows, device_.block_rows(cols));
  const Matrix buffer = device_.scratch(step, cols);
  for (std::size_t first = 0; first < rows; first += step) {
    check_cancelled();
    const View x = buffer.rows(0, std::min(step, rows - first));
    load(first, x);
    block(x, first);
  }
}

void ModelInput::walk(const Features& features, ConstIndexView map, const Block& block) const {
  walk(
      map.size() == 0 ? features.rows() : map.size(), features.cols(),
      [&](std::size_t first, View x) { device_.load(features, map, first, x); }, block);
}

Matrix ModelInput::features(std::span<const std::uint32_t> wanted) const {
  Matrix x = device_.scratch(wanted.empty() ? rows() : wanted.size(), dims());
  for_each_block(wanted, [&](View block, std::size_t first) { device_.copy(block, x.rows(first, block.rows())); });
  return x;
}

namespace {

/// Calls use(first, count) for pieces of so many rows that the person who waits is looked at now and then.
template <typename Use>
void in_pieces(const ModelInput& input, std::size_t rows, const Use& use) {
  const std::size_t step = std::max<std::size_t>(4096, input.device().block_rows(input.dims()));
  for (std::size_t first = 0; first < rows; first += step) {
    input.check_cancelled();
    use(first, std::min(step, rows - first));
  }
}

}  // namespace

Matrix ModelInput::class_sums() const {
  Matrix sums = device_.matrix(classes(), dims());
  in_pieces(*this, rows(), [&](std::size_t first, std::size_t count) {
    device_.add_class_sums_of(*feature_.device, map_, class_rows_.rows(first, count), sums);
  });
  if (displacement_.rows() > 0) {
    const Matrix moved = device_.copy_of(displacement_);
    device_.scale_rows(device_.matrix_of(class_sizes(), 1, classes()), moved);
    device_.add(1, moved, sums);
  }
  return sums;
}

Matrix ModelInput::column_means(std::span<const std::uint32_t> wanted) const {
  const std::size_t count = wanted.empty() ? rows() : wanted.size();
  Matrix means = device_.matrix(1, dims());
  if (displacement_.rows() > 0) {
    for_each_block(wanted, [&](View x, std::size_t) { device_.add_column_sums(x, means); });
  } else {
    Index made;
    const ConstIndexView map = file_rows(wanted, made);
    in_pieces(*this, count, [&](std::size_t first, std::size_t some) {
      device_.add_column_sums_of(*feature_.device, map, first, some, means);
    });
  }
  device_.scale(1 / static_cast<double>(count), means);
  return means;
}

bool ModelInput::has_constant_rows() const {
  std::vector<double> first(dims());
  std::vector<double> other(dims());
  feature_.array.read_row<double>(file_row(0), first);
  for (std::size_t i = 1; i < rows(); ++i) {
    feature_.array.read_row<double>(file_row(i), other);
    if (other != first) {
      return false;
    }
  }
  return true;
}

std::vector<double> ModelInput::class_sizes() const {
  std::vector<double> sizes(classes());
  for (const std::int32_t label : labels().values) {
    sizes[static_cast<std::size_t>(label)] += 1;
  }
  return sizes;
}

std::size_t ModelInput::validated_rows() const {
  std::size_t count = 0;
  for (std::size_t row = 0; row < rows(); ++row) {
    count += !has_split() || is_held_out(row) ? 1 : 0;
  }
  return count;
}

std::vector<double> ModelInput::target_values(std::span<const std::uint32_t> wanted) const {
  const std::size_t count = target_count();
  std::vector<double> values;
  const std::size_t n = wanted.empty() ? rows() : wanted.size();
  values.reserve(n * count);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row =
        task_.targets->values.begin() + static_cast<std::ptrdiff_t>(file_row(wanted.empty() ? i : wanted[i]) * count);
    values.insert(values.end(), row, row + static_cast<std::ptrdiff_t>(count));
  }
  return values;
}

void ModelInput::check_cancelled() const {
  if (options_.cancelled && options_.cancelled()) {
    throw Interrupted();
  }
}

}  // namespace itm
