#include "io/fingerprint.hpp"

#include <algorithm>

#include "core/work_pool.hpp"
#include "io/hash.hpp"

namespace itm::io {

std::vector<std::filesystem::path> files_of(const ZooEntry& entry) {
  std::vector<std::filesystem::path> files{entry.feature.file, entry.label.file};
  for (const auto& other : {entry.output, entry.source, entry.target, entry.split}) {
    if (other) {
      files.push_back(other->file);
    }
  }
  std::erase_if(files, [](const std::filesystem::path& file) { return file.empty(); });
  return files;
}

std::string fingerprint_of(std::vector<std::filesystem::path> files, Extent extent, int threads) {
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  std::vector<std::string> hashes(files.size());
  for_each_unit(files.size(), threads, [&](std::size_t i) {
    hashes[i] = extent == Extent::whole ? hash_of_file(files[i]) : hash_of_sample(files[i]);
  });
  std::string all;
  for (std::size_t i = 0; i < files.size(); ++i) {
    all += files[i].filename().native() + '\0' + hashes[i] + '\n';
  }
  return hash_of(all);
}

}  // namespace itm::io
