#include "io/manifest_zoo.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "io/input_file.hpp"
#include "io/manifest.hpp"
#include "io/where.hpp"

namespace itm::io {

namespace fs = std::filesystem;

namespace {

/// `name` beside a feature file, where it exists.
std::optional<ArrayRef> beside(const fs::path& feature, const std::string& name, const char* key) {
  fs::path file = feature.parent_path() / name;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::nullopt;
  return ArrayRef{std::move(file), key};
}

}  // namespace

Zoo read_manifest(const fs::path& directory, const fs::path& manifest, const ZooOptions& options) {
  const bool inside = options.manifest.empty();
  Zoo zoo{directory, {}, {}};
  for (const ManifestLine& line : parse_manifest(manifest, read_text(manifest, TextKind::manifest), inside)) {
    ZooEntry entry;
    entry.model = line.model;
    entry.dataset = line.dataset;
    const bool archive = line.feature.extension() == ".npz" || line.feature.extension() == ".safetensors";
    entry.feature = {line.feature, archive ? options.feature_key : "feature"};
    const bool two = !line.target.empty() && !line.label.empty();
    if (!line.target.empty() && (options.targets || !two)) entry.target = ArrayRef{line.target, "target"};
    if (!line.split.empty()) entry.split = ArrayRef{line.split, "split"};
    if (!line.output.empty()) entry.output = ArrayRef{line.output, "output"};
    if (!line.source.empty()) entry.source = ArrayRef{line.source, "feature"};
    entry.classes = line.classes;
    std::optional<ArrayRef> label;
    if (!line.label.empty()) {
      label = ArrayRef{line.label, "label"};
    } else if (archive) {
      label = ArrayRef{line.feature, "label"};
    }
    for (const std::string& name :
         {line.model + "_" + line.dataset + "_label.npy", line.dataset + "_label.npy", line.dataset + "_label.txt"}) {
      if (!label && !entry.target) label = beside(line.feature, name, "label");
    }
    if (!label && !entry.target) {
      refuse({manifest, {}}, "line {}: {} on {} has no labels; name them in a column label", line.line,
             in_quotes(line.model), in_quotes(line.dataset));
    }
    if (label && !entry.target) entry.label = *std::move(label);
    entry.facts = line.facts;
    zoo.datasets[line.dataset].push_back(std::move(entry));
  }
  for (auto& [dataset, entries] : zoo.datasets) {
    std::sort(entries.begin(), entries.end(), [](const ZooEntry& a, const ZooEntry& b) { return a.model < b.model; });
  }
  return zoo;
}

}  // namespace itm::io
