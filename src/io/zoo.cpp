// Finds the (model, data set) pairs of a directory by file name (spec 5).

#include "itm/zoo.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "io/where.hpp"

namespace itm {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view remedy = "name the files {model}_{dataset}_feature.npy and {model}_{dataset}_label.npy";

/// {model}_source_feature.npy and {model}_imagenet_feature.npy hold the source domain; neither is a data set. Where a
/// model has both, the first one counts.
constexpr std::array<std::string_view, 2> source_names{"source", "imagenet"};

bool is_source_name(std::string_view dataset) {
  return std::find(source_names.begin(), source_names.end(), dataset) != source_names.end();
}

/// What one file says by its name.
struct NamedFile {
  fs::path file;
  std::string_view key;  ///< feature, label or output; empty for an archive
  std::string stem;      ///< {model}_{dataset}
};

/// {model}_{dataset}_{key}.npy, {model}_{dataset}.npz, {model}_{dataset}.safetensors; a stem without a name is no part
/// of a zoo.
std::optional<NamedFile> parse_name(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.starts_with('.')) return std::nullopt;  // temporary files, and what macOS leaves behind
  const std::string_view text = name;
  for (const std::string_view suffix : {".npz", ".safetensors"}) {
    if (text.ends_with(suffix)) {
      std::string stem(text.substr(0, text.size() - suffix.size()));
      if (stem.find('_') == std::string::npos) return std::nullopt;
      return NamedFile{file, {}, std::move(stem)};
    }
  }
  struct Kind {
    std::string_view ending;
    std::string_view key;
  };
  static constexpr Kind kinds[] = {{"_feature.npy", "feature"}, {"_label.npy", "label"}, {"_output.npy", "output"}};
  for (const Kind& kind : kinds) {
    if (text.ends_with(kind.ending)) {
      return NamedFile{file, kind.key, std::string(text.substr(0, text.size() - kind.ending.size()))};
    }
  }
  return std::nullopt;
}

struct Pair {
  std::string model;
  std::string dataset;
};

/// The first underscore that leaves a known data set behind it gives the longest match; otherwise the last one counts.
Pair split_stem(const std::string& stem, const std::unordered_set<std::string_view>& known) {
  const std::string_view text = stem;
  for (std::size_t at = text.find('_'); at != std::string_view::npos; at = text.find('_', at + 1)) {
    if (at > 0 && known.contains(text.substr(at + 1))) return {stem.substr(0, at), stem.substr(at + 1)};
  }
  const std::size_t last = stem.rfind('_');
  if (last == std::string::npos) return {stem, {}};
  return {stem.substr(0, last), stem.substr(last + 1)};
}

/// All files of one pair.
struct Found {
  std::optional<ArrayRef> feature;
  std::optional<ArrayRef> label;
  std::optional<ArrayRef> output;
};

/// data set -> model -> files, both in lexicographic order.
using FoundPairs = std::map<std::string, std::map<std::string, Found>>;

void put(std::optional<ArrayRef>& slot, ArrayRef ref) {
  if (slot) {
    const auto& [first, second] = std::minmax(slot->file, ref.file);
    io::refuse({second, {}}, "holds the array {} that {} holds too; remove one of the two files", in_quotes(ref.key),
               path_text(first.filename()));
  }
  slot = std::move(ref);
}

void add_file(Found& pair, const NamedFile& named) {
  const auto add = [&](std::string_view key) {
    std::optional<ArrayRef>* slot = key == "feature"  ? &pair.feature
                                    : key == "label"  ? &pair.label
                                    : key == "output" ? &pair.output
                                                      : nullptr;
    if (slot != nullptr) put(*slot, {named.file, std::string(key)});
  };
  if (!named.key.empty()) {
    add(named.key);
    return;
  }
  const std::vector<std::string> keys = array_keys(named.file);
  for (const std::string& key : keys) add(key);
  if (std::find(keys.begin(), keys.end(), "feature") == keys.end()) {
    io::refuse({named.file, {}}, "has no array 'feature' (it holds {}); write it with the keys feature and label",
               keys.empty() ? std::string("nothing") : printable(fmt::format("{}", fmt::join(keys, ", "))));
  }
}

std::vector<NamedFile> list_files(const fs::path& directory) {
  const io::Where where{directory, {}};
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (!fs::exists(status)) io::refuse(where, "no such directory; name the folder that holds the feature files");
  if (!fs::is_directory(status)) io::refuse(where, "is not a directory; name the folder that holds the feature files");
  std::vector<NamedFile> files;
  fs::directory_iterator entries(directory, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::error_code broken_link;
    if (!entries->is_regular_file(broken_link)) continue;
    if (auto named = parse_name(entries->path())) files.push_back(*std::move(named));
  }
  if (error) io::refuse(where, "cannot be listed ({}); check its permissions", error.message());
  // The order in which a directory lists its files differs between machines; errors should not.
  std::sort(files.begin(), files.end(), [](const NamedFile& a, const NamedFile& b) { return a.file < b.file; });
  return files;
}

/// The label file that belongs beside a feature file.
fs::path expected_label(const fs::path& feature, const std::string& model, const std::string& dataset) {
  return feature.parent_path() / (model + "_" + dataset + "_label.npy");
}

}  // namespace

std::vector<std::string> Zoo::dataset_names() const {
  std::vector<std::string> names;
  for (const auto& [name, entries] : datasets) names.push_back(name);
  return names;
}

const std::vector<ZooEntry>& Zoo::entries(const std::string& dataset) const {
  const auto found = datasets.find(dataset);
  if (found == datasets.end()) {
    io::refuse({directory, {}}, "has no data set {}; it has {}", in_quotes(dataset),
               printable(fmt::format("{}", fmt::join(dataset_names(), ", ")), 1000));
  }
  return found->second;
}

Zoo discover_zoo(const fs::path& directory, const std::vector<std::string>& known_datasets) {
  std::unordered_set<std::string_view> known(known_datasets.begin(), known_datasets.end());
  for (const std::string_view name : source_names) known.erase(name);

  FoundPairs pairs;
  std::array<std::map<std::string, Found>, source_names.size()> sources;
  for (const NamedFile& named : list_files(directory)) {
    Pair pair = split_stem(named.stem, known);
    if (pair.model.empty() || pair.dataset.empty()) {
      io::refuse({named.file, {}}, "does not name a model and a data set; {}", remedy);
    }
    if (!is_source_name(pair.dataset)) {
      add_file(pairs[std::move(pair.dataset)][std::move(pair.model)], named);
      continue;
    }
    const std::size_t rank = pair.dataset == source_names[0] ? 0 : 1;
    add_file(sources[rank][std::move(pair.model)], named);
  }

  Zoo zoo{directory, {}};
  for (auto& [dataset, models] : pairs) {
    for (auto& [model, found] : models) {
      if (!found.feature) continue;  // labels alone: nothing was extracted with this model
      if (!found.label) {
        io::refuse({found.feature->file, {}}, "has no labels; put them into {}",
                   path_text(expected_label(found.feature->file, model, dataset)));
      }
      ZooEntry entry{model, dataset, *std::move(found.feature), *std::move(found.label), std::move(found.output),
                     {},    {}};
      for (auto& source : sources) {
        const auto at = source.find(model);
        if (at != source.end() && at->second.feature && !entry.source) entry.source = at->second.feature;
      }
      zoo.datasets[dataset].push_back(std::move(entry));
    }
  }
  if (zoo.datasets.empty()) io::refuse({directory, {}}, "holds no feature file; {}", remedy);
  return zoo;
}

}  // namespace itm
