#include "cli/bench_zoo.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "core/made_features.hpp"
#include "core/text.hpp"
#include "itm/array.hpp"
#include "itm/error.hpp"

namespace itm::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t source_classes = 1000;
constexpr std::size_t source_rows = 5000;

std::vector<float> decaying_features(std::size_t rows, std::size_t dims, std::size_t classes, std::uint64_t seed,
                                     const std::string& name) {
  std::vector<float> values = make_features({rows, dims, classes, 0.15, seed, name});
  std::vector<float> scale(dims);
  for (std::size_t d = 0; d < dims; ++d) {
    scale[d] = 1.0F / std::sqrt(static_cast<float>(d + 1));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] *= scale[i % dims];
  }
  return values;
}

void write_matrix(const fs::path& file, const std::vector<float>& values, std::size_t cols) {
  const std::size_t shape[] = {values.size() / cols, cols};
  write_npy<float>(file, values, shape);
}

/// Labels and logits are the same for all models: one file, several names.
void link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code refused;
  fs::create_hard_link(from, to, refused);
  if (refused) {
    fs::copy_file(from, to);
  }
}

}  // namespace

BenchFolder::BenchFolder() {
  std::string pattern = (fs::temp_directory_path() / "itm-bench-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw InputError(fmt::format("{}: cannot be created; set TMPDIR to a writable folder", path_text(pattern)));
  }
  folder_ = pattern;
}

BenchFolder::~BenchFolder() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::vector<std::span<const paper::Model>> BenchFolder::groups(std::span<const paper::Model> models,
                                                               const BenchShape& shape) const {
  const auto memory =
      static_cast<std::uintmax_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uintmax_t>(sysconf(_SC_PAGESIZE));
  const std::uintmax_t budget = std::min(fs::space(folder_).available, memory) / 2;
  const std::uintmax_t common = shape.inputs.output ? shape.rows * source_classes * sizeof(float) : 0;
  std::vector<std::span<const paper::Model>> all;
  std::uintmax_t used = common;
  std::size_t first = 0;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const std::uintmax_t bytes =
        (shape.rows + (shape.inputs.source ? source_rows : 0)) * models[i].dims * sizeof(float);
    if (i > first && used + bytes > budget) {
      all.push_back(models.subspan(first, i - first));
      first = i;
      used = common;
    }
    used += bytes;
  }
  all.push_back(models.subspan(first));
  return all;
}

Zoo BenchFolder::stock(std::span<const paper::Model> models, const BenchShape& shape, std::uint64_t seed) const {
  for (const auto& old : fs::directory_iterator(folder_)) {
    fs::remove_all(old.path());
  }
  const auto file = [&](const paper::Model& model, const char* what) {
    return folder_ / fmt::format("{}_{}.npy", model.name, what);
  };
  for (const paper::Model& model : models) {
    write_matrix(file(model, "made_feature"),
                 decaying_features(shape.rows, model.dims, shape.classes, seed, "bench/" + model.name), model.dims);
    if (shape.inputs.source) {
      write_matrix(file(model, "source_feature"),
                   decaying_features(source_rows, model.dims, source_classes, seed, "bench/source/" + model.name),
                   model.dims);
    }
    if (&model != &models.front()) {
      link_or_copy(file(models.front(), "made_label"), file(model, "made_label"));
      if (shape.inputs.output) {
        link_or_copy(file(models.front(), "made_output"), file(model, "made_output"));
      }
      continue;
    }
    const Labels labels = made_labels(shape.rows, shape.classes);
    const std::vector<std::int64_t> wide(labels.values.begin(), labels.values.end());
    const std::size_t length[] = {shape.rows};
    write_npy<std::int64_t>(file(model, "made_label"), wide, length);
    if (shape.inputs.output) {
      write_matrix(file(model, "made_output"),
                   make_features({shape.rows, source_classes, shape.classes, 0.5, seed, "bench/logits"}),
                   source_classes);
    }
  }
  return discover_zoo(folder_, {"made"});
}

}  // namespace itm::cli
