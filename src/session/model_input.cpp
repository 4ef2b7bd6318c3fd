#include "session/model_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include "core/check_features.hpp"
#include "core/text.hpp"
#include "itm/error.hpp"

namespace itm {
namespace {

/// Rows that fit a core's cache together with what is computed from them.
std::size_t block_rows(std::size_t cols) {
  constexpr std::size_t block_bytes = std::size_t{512} << 10U;
  constexpr std::size_t unit = 32;  // products want whole tiles
  const std::size_t rows = block_bytes / (std::max<std::size_t>(cols, 1) * sizeof(double));
  return std::clamp<std::size_t>((rows + unit / 2) / unit * unit, 64, 8192);
}

}  // namespace

ModelInput::ModelInput(Device& device, const Estimator& estimator, const RankOptions& options, const DatasetTask& task,
                       const ZooEntry& entry, std::uint64_t seed, const std::optional<LeaveOut>& left_out)
    : device_(device),
      estimator_(estimator),
      options_(options),
      labels_(task.labels),
      seed_(seed),
      feature_(entry.feature.read()),
      kept_{task.rows, std::nullopt} {
  if (options.drop_bad_rows) {
    const std::size_t before = rows();
    kept_ = drop_bad_rows(feature_, task);
    dropped_ = before - rows();
  }
  if (entry.target) {
    target_ = entry.target->read();
    check_row_count(*target_, {}, feature_.rows());
    check_finite(*target_, {});
  } else {
    check_row_count(feature_, kept_.rows, this->labels().values.size());
  }
  if (left_out) {
    kept_ = leave_out(kept_, labels_, feature_.rows(), *left_out);
  }
  if (estimator.inputs.features) {
    check_finite(feature_, kept_.rows);
  }
  if (estimator.inputs.output) {
    output_ = entry.output->read();
    check_row_count(*output_, {}, feature_.rows());
    check_finite(*output_, kept_.rows);
  }
  if (estimator.inputs.source) {
    source_ = entry.source->read();
    check_finite(*source_, {});
    if (source_->cols() != feature_.cols()) {
      throw InputError(fmt::format("{}: has {} columns, but {} has {}; extract both from the same layer",
                                   path_text(source_->source()), with_commas(source_->cols()), file(),
                                   with_commas(feature_.cols())));
    }
  }
}

std::size_t ModelInput::rows() const { return kept_.rows.empty() ? feature_.rows() : kept_.rows.size(); }

SettingValue ModelInput::setting(const std::string& name) const {
  const auto given = options_.settings.find(estimator_.name + "-" + name);
  if (given != options_.settings.end()) {
    return given->second;
  }
  const auto& known = estimator_.settings;
  return std::find_if(known.begin(), known.end(), [&](const Setting& s) { return s.name == name; })->standard;
}

void ModelInput::displace(Matrix displacement) { displacement_ = std::move(displacement); }

std::vector<std::uint32_t> ModelInput::file_rows(std::span<const std::uint32_t> rows) const {
  if (rows.empty()) {
    return kept_.rows;
  }
  std::vector<std::uint32_t> map(rows.begin(), rows.end());
  if (!kept_.rows.empty()) {
    std::transform(map.begin(), map.end(), map.begin(), [this](std::uint32_t row) { return kept_.rows[row]; });
  }
  return map;
}

void ModelInput::for_each_centred_block(std::span<const std::uint32_t> rows, View centres, const Block& block) const {
  const std::vector<std::uint32_t> map = file_rows(rows);
  const bool is_displaced = displacement_.rows() > 0;
  if (!is_displaced && centres.rows() == 0) {
    walk(feature_, map, block);
    return;
  }
  const double sign = is_displaced ? 1 : -1;
  View shift = centres;
  Matrix both;
  if (is_displaced) {
    both = device_.matrix(displacement_.rows(), displacement_.cols());
    device_.copy(displacement_, both);
    if (centres.rows() == 1) {
      device_.add_to_rows(-1, centres, both);
    } else if (centres.rows() > 0) {
      device_.add(-1, centres, both);
    }
    shift = both;
  }
  Index index;
  if (shift.rows() > 1) {
    std::vector<std::int32_t> class_of = labels().values;
    if (!rows.empty()) {
      class_of.resize(rows.size());
      std::transform(rows.begin(), rows.end(), class_of.begin(), [this](auto row) { return labels().values[row]; });
    }
    index = device_.index(class_of);
  }
  walk(
      map.empty() ? feature_.rows() : map.size(), dims(),
      [&](std::size_t first, View x) {
        const IndexView mine = shift.rows() > 1 ? index.view().columns(first, x.rows()) : IndexView();
        device_.load_shifted(feature_, map, first, sign, shift, mine, x);
      },
      block);
}

void ModelInput::for_each_block_of(const Array& array, const Block& block) const {
  check_row_count(array, {}, feature_.rows());
  check_finite(array, kept_.rows);
  walk(array, kept_.rows, block);
}

void ModelInput::walk(std::size_t rows, std::size_t cols, const std::function<void(std::size_t first, View x)>& load,
                      const Block& block) const {
  const std::size_t step = std::min(rows, block_rows(cols));
  const Matrix buffer = device_.scratch(step, cols);
  for (std::size_t first = 0; first < rows; first += step) {
    check_cancelled();
    const View x = buffer.rows(0, std::min(step, rows - first));
    load(first, x);
    block(x, first);
  }
}

void ModelInput::walk(const Array& array, std::span<const std::uint32_t> map, const Block& block) const {
  walk(
      map.empty() ? array.rows() : map.size(), array.cols(),
      [&](std::size_t first, View x) { device_.load(array, map, first, x); }, block);
}

Matrix ModelInput::features(std::span<const std::uint32_t> wanted) const {
  Matrix x = device_.scratch(wanted.empty() ? rows() : wanted.size(), dims());
  for_each_block(wanted, [&](View block, std::size_t first) { device_.copy(block, x.rows(first, block.rows())); });
  return x;
}

void ModelInput::add_sums(std::span<const std::uint32_t> map, IndexView index, View sums) const {
  constexpr std::size_t step = 4096;  // rows between two looks at the person
  for (std::size_t first = 0; first < index.size(); first += step) {
    check_cancelled();
    device_.add_class_sums_of(feature_, map, first, index.columns(first, std::min(step, index.size() - first)), sums);
  }
}

Matrix ModelInput::class_sums() const {
  Matrix sums = device_.matrix(classes(), dims());
  add_sums(kept_.rows, label_index(), sums);
  if (displacement_.rows() > 0) {
    const Matrix moved = device_.scratch(classes(), dims());
    device_.copy(displacement_, moved);
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
    add_sums(file_rows(wanted), device_.index(std::vector<std::int32_t>(count)), means);
  }
  device_.scale(1 / static_cast<double>(count), means);
  return means;
}

bool ModelInput::has_constant_rows() const {
  const auto row_of = [this](std::size_t i) { return kept_.rows.empty() ? i : std::size_t{kept_.rows[i]}; };
  std::vector<double> first(dims());
  std::vector<double> other(dims());
  feature_.read_row<double>(row_of(0), first);
  for (std::size_t i = 1; i < rows(); ++i) {
    feature_.read_row<double>(row_of(i), other);
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

Matrix ModelInput::targets() const {
  Matrix y = device_.matrix(rows(), target_->cols());
  device_.load(*target_, kept_.rows, 0, y);
  return y;
}

void ModelInput::check_cancelled() const {
  if (options_.cancelled && options_.cancelled()) {
    throw Interrupted();
  }
}

}  // namespace itm
