#include "cli/bench_zoo.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "core/made_features.hpp"
#include "core/text.hpp"
#include "itm/array.hpp"
#include "itm/error.hpp"

namespace itm::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* folder_name = "itm-bench-";
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

/// Gigabytes that a killed run left. A living one holds the lock of its folder; one that is just begun may not yet.
void remove_dead_folders() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(fs::temp_directory_path(), ignored)) {
    struct stat status {};
    if (!entry.path().filename().native().starts_with(folder_name) || ::lstat(entry.path().c_str(), &status) != 0 ||
        !S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || ::time(nullptr) - status.st_mtime < 60) {
      continue;
    }
    const int lock = ::open(entry.path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (lock < 0) {
      continue;
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) == 0) {
      fs::remove_all(entry.path(), ignored);
    }
    ::close(lock);
  }
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
  remove_dead_folders();
  std::string pattern = (fs::temp_directory_path() / (std::string(folder_name) + "XXXXXX")).string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw InputError(fmt::format("{}: cannot be created; set TMPDIR to a writable folder", path_text(pattern)));
  }
  folder_ = pattern;
  removal_.emplace(folder_, io::Temporary::Kind::folder_with_contents);
  lock_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ::flock(lock_, LOCK_EX | LOCK_NB);
}

BenchFolder::~BenchFolder() {
  if (lock_ >= 0) {
    ::close(lock_);
  }
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
  return discover_zoo(folder_, {.datasets = {"made"}});
}

}  // namespace itm::cli
