// Finds the (model, data set) pairs of a folder: by its manifest, else by the names of its files (spec 5).

#include "itm/zoo.hpp"

#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "io/manifest_zoo.hpp"
#include "io/where.hpp"
#include "io/zoo_names.hpp"

namespace itm {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view remedy = "name the files {model}_{dataset}_feature.npy and {model}_{dataset}_label.npy";
constexpr int deepest_folder = 8;  ///< subfolders of subfolders

/// {model}_source_feature.npy and {model}_imagenet_feature.npy hold the source domain, where they have no labels. Where
/// a model has both, the first one counts.
constexpr std::array<std::string_view, 2> source_names{"source", "imagenet"};

/// What one file says by its name.
struct NamedFile {
  fs::path file;
  std::string folder;    ///< name of the subfolder that it lies in; empty in the zoo's folder itself
  std::string_view key;  ///< feature, label, output, target, split or classes; empty for an archive
  std::string stem;      ///< {model}_{dataset}, {dataset}, or nothing

  [[nodiscard]] bool has_features() const { return key.empty() || key == "feature"; }
};

/// {stem}_{key}.npy, {key}.npy, {stem}.npz, {stem}.safetensors; labels, splits and classes also as .txt.
std::optional<NamedFile> parse_name(const fs::path& file, const std::string& folder) {
  const std::string name = file.filename().string();
  if (name.starts_with('.')) return std::nullopt;  // temporary files, and what macOS leaves behind
  const std::string_view text = name;
  for (const std::string_view suffix : {".npz", ".safetensors"}) {
    if (text.ends_with(suffix)) {
      return NamedFile{file, folder, {}, std::string(text.substr(0, text.size() - suffix.size()))};
    }
  }
  struct Kind {
    std::string_view ending;
    std::string_view key;
  };
  static constexpr Kind kinds[] = {{"feature.npy", "feature"}, {"label.npy", "label"},    {"label.txt", "label"},
                                   {"output.npy", "output"},   {"target.npy", "target"},  {"split.npy", "split"},
                                   {"split.txt", "split"},     {"classes.txt", "classes"}};
  for (const Kind& kind : kinds) {
    if (text == kind.ending && kind.key != "feature") return NamedFile{file, folder, kind.key, {}};
    if (text.size() > kind.ending.size() + 1 && text.ends_with(kind.ending) &&
        text[text.size() - kind.ending.size() - 1] == '_') {
      return NamedFile{file, folder, kind.key, std::string(text.substr(0, text.size() - kind.ending.size() - 1))};
    }
  }
  return std::nullopt;
}

void list_folder(const fs::path& directory, const std::string& folder, int depth, std::vector<NamedFile>& files) {
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::error_code broken_link;
    const fs::path& path = entries->path();
    const std::string name = path.filename().string();
    // A link to a folder may lead back here.
    if (entries->is_directory(broken_link) && !entries->is_symlink(broken_link)) {
      if (depth < deepest_folder && !name.starts_with('.')) list_folder(path, name, depth + 1, files);
      continue;
    }
    if (!entries->is_regular_file(broken_link)) continue;
    if (auto named = parse_name(path, folder)) files.push_back(*std::move(named));
  }
  if (error) io::refuse({directory, {}}, "cannot be listed ({}); check its permissions", error.message());
}

void require_folder(const fs::path& directory) {
  const io::Where where{directory, {}};
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (!fs::exists(status)) io::refuse(where, "no such directory; name the folder that holds the feature files");
  if (!fs::is_directory(status)) io::refuse(where, "is not a directory; name the folder that holds the feature files");
}

std::vector<NamedFile> list_files(const fs::path& directory) {
  std::vector<NamedFile> files;
  list_folder(directory, {}, 0, files);
  // The order in which a directory lists its files differs between machines; errors should not.
  std::sort(files.begin(), files.end(), [](const NamedFile& a, const NamedFile& b) { return a.file < b.file; });
  return files;
}

/// The arrays of one model on one data set, or of a data set for all models.
struct Found {
  std::optional<ArrayRef> feature;
  std::optional<ArrayRef> label;
  std::optional<ArrayRef> output;
  std::optional<ArrayRef> target;
  std::optional<ArrayRef> split;
  std::optional<ArrayRef> classes;
};

void put(std::optional<ArrayRef>& slot, ArrayRef ref) {
  if (slot) {
    const auto& [first, second] = std::minmax(slot->file, ref.file);
    io::refuse({second, {}}, "holds the array {} that {} holds too; remove one of the two files", in_quotes(ref.key),
               path_text(first.parent_path() == second.parent_path() ? first.filename() : first));
  }
  slot = std::move(ref);
}

void add_array(Found& found, const fs::path& file, std::string_view key) {
  std::optional<ArrayRef>* slot = key == "feature"   ? &found.feature
                                  : key == "label"   ? &found.label
                                  : key == "output"  ? &found.output
                                  : key == "target"  ? &found.target
                                  : key == "split"   ? &found.split
                                  : key == "classes" ? &found.classes
                                                     : nullptr;
  if (slot != nullptr) put(*slot, {file, std::string(key)});
}

/// Feature, label, output, target and split of a file, whichever it holds.
void add_file(Found& found, const fs::path& file, std::string_view key, const std::string& feature_key) {
  if (!key.empty()) {
    add_array(found, file, key);
    return;
  }
  const std::vector<std::string> keys = array_keys(file);
  if (std::find(keys.begin(), keys.end(), feature_key) == keys.end()) {
    io::refuse({file, {}},
               "has no array {} (it holds {}); pass --feature-key, or write it with the keys feature and label",
               in_quotes(feature_key),
               keys.empty() ? std::string("nothing") : printable(fmt::format("{}", fmt::join(keys, ", "))));
  }
  put(found.feature, {file, feature_key});
  for (const std::string& key_of_file : keys) {
    if (key_of_file != "feature" && key_of_file != feature_key) add_array(found, file, key_of_file);
  }
}

/// A zoo by the names of its files.
class NamedZoo {
 public:
  NamedZoo(const fs::path& directory, const ZooOptions& options)
      : directory_(directory), options_(options), files_(list_files(directory)) {}

  Zoo make() {
    find_dataset_folders();
    divide();
    for (const NamedFile& named : files_) place(named);
    Zoo zoo{directory_, {}, std::move(remarks_)};
    for (auto& [dataset, models] : pairs_) {
      for (auto& [model, found] : models) {
        if (found.feature) zoo.datasets[dataset].push_back(entry_of(model, dataset, found));
      }
    }
    for (const std::string& dataset : two_to_predict_) {
      if (!options_.targets) {
        zoo.remarks.push_back(
            fmt::format("{} has labels and targets: its labels are scored; pass --targets for the others",
                        printable(dataset, 200)));
      }
    }
    if (zoo.datasets.empty()) io::refuse({directory_, {}}, "holds no feature file; {}", remedy);
    return zoo;
  }

 private:
  /// A folder whose name is that of a data set: it holds {model}_feature.npy, or the labels of all its models.
  void find_dataset_folders() {
    for (const NamedFile& named : files_) {
      const bool short_name = named.key == "feature" && named.stem.find('_') == std::string::npos;
      const bool shared = is_to_predict(named) && (named.stem.empty() || named.stem == named.folder);
      if (!named.folder.empty() && (short_name || shared)) dataset_folders_.insert(named.file.parent_path());
    }
  }

  static bool is_to_predict(const NamedFile& named) { return named.key == "label" || named.key == "target"; }

  [[nodiscard]] bool in_dataset_folder(const NamedFile& named) const {
    return dataset_folders_.contains(named.file.parent_path());
  }

  /// The model of a file in a folder that has its data set's name.
  static std::string model_in_folder(const NamedFile& named) {
    const std::string ending = "_" + named.folder;
    return named.stem.size() > ending.size() && named.stem.ends_with(ending)
               ? named.stem.substr(0, named.stem.size() - ending.size())
               : named.stem;
  }

  /// Reads the names of all feature files outside such folders together.
  void divide() {
    std::unordered_set<std::string> known(options_.datasets.begin(), options_.datasets.end());
    for (const std::string_view name : source_names) known.erase(std::string(name));
    std::set<std::string> labelled;
    for (const NamedFile& named : files_) {
      if (is_to_predict(named)) labelled.insert(named.stem);
    }
    // Labels and targets that are no model's own are those of a data set, and say what it is called.
    std::set<std::string> shared = labelled;
    for (const NamedFile& named : files_) {
      if (named.has_features()) shared.erase(named.stem);
    }
    std::vector<std::string> stems;
    for (const NamedFile& named : files_) {
      if (!named.has_features() || in_dataset_folder(named) || is_source(named, labelled)) continue;
      if (named.stem.find('_') == std::string::npos || named.stem.starts_with('_') || named.stem.ends_with('_')) {
        if (named.key.empty()) continue;  // an archive of something else
        io::refuse({named.file, {}}, "does not name a model and a data set; {}", remedy);
      }
      stems.push_back(named.stem);
      for (std::size_t at = named.stem.find('_'); at != std::string::npos; at = named.stem.find('_', at + 1)) {
        const std::string rest = named.stem.substr(at + 1);
        if (at > 0 && shared.contains(rest)) known.insert(rest);
      }
    }
    io::NameReading reading = io::divide_names(stems, known);
    if (!reading.question.empty()) io::refuse({directory_, {}}, "{}", reading.question);
    if (!reading.remark.empty()) remarks_.push_back(std::move(reading.remark));
    for (std::size_t i = 0; i < stems.size(); ++i) pair_of_[stems[i]] = reading.pairs[i];
    known_ = std::move(known);
  }

  /// {model}_source_feature.npy; a data set of that name has labels.
  [[nodiscard]] bool is_source(const NamedFile& named, const std::set<std::string>& labelled) {
    for (std::size_t rank = 0; rank < source_names.size(); ++rank) {
      const std::string ending = "_" + std::string(source_names[rank]);
      if (!named.stem.ends_with(ending) || named.stem.size() == ending.size()) continue;
      const bool is_known = std::any_of(options_.datasets.begin(), options_.datasets.end(), [&](const std::string& d) {
        return d != source_names[rank] && named.stem.ends_with("_" + d);
      });
      if (is_known || labelled.contains(named.stem)) return false;
      if (!named.key.empty()) {
        add_file(sources_[rank][named.stem.substr(0, named.stem.size() - ending.size())], named.file, named.key,
                 options_.feature_key);
      } else {
        Found found;
        add_file(found, named.file, {}, options_.feature_key);
        if (found.label) return false;
        put(sources_[rank][named.stem.substr(0, named.stem.size() - ending.size())].feature, *found.feature);
      }
      return true;
    }
    return false;
  }

  /// Gives a file to the pair, or to the data set, that it belongs to.
  void place(const NamedFile& named) {
    if (in_dataset_folder(named)) {
      const bool shared = named.stem.empty() || (named.stem == named.folder && !named.has_features());
      Found& found = shared ? shared_[named.folder] : pairs_[named.folder][model_in_folder(named)];
      add_file(found, named.file, named.key, options_.feature_key);
      return;
    }
    const auto pair = pair_of_.find(named.stem);
    if (pair != pair_of_.end()) {
      add_file(pairs_[pair->second.dataset][pair->second.model], named.file, named.key, options_.feature_key);
    } else if (!named.has_features()) {
      add_array(shared_[named.stem], named.file, named.key);  // of a data set, or of nothing
    }
  }

  ZooEntry entry_of(const std::string& model, const std::string& dataset, Found& found) {
    const auto shared = shared_.find(dataset);
    const Found none;
    const Found& all = shared == shared_.end() ? none : shared->second;
    ZooEntry entry;
    entry.model = model;
    entry.dataset = dataset;
    entry.feature = *found.feature;
    entry.output = found.output;
    const std::optional<ArrayRef>& label = found.label ? found.label : all.label;
    const std::optional<ArrayRef>& target = found.target ? found.target : all.target;
    if (target && (options_.targets || !label)) {
      entry.target = target;
    } else if (label) {
      entry.label = *label;
    }
    if (target && label) two_to_predict_.insert(dataset);
    entry.split = found.split ? found.split : all.split;
    const auto everywhere = shared_.find("");
    if (found.classes || all.classes) {
      entry.classes = (found.classes ? found.classes : all.classes)->file;
    } else if (everywhere != shared_.end() && everywhere->second.classes) {
      entry.classes = everywhere->second.classes->file;
    }
    for (auto& source : sources_) {
      const auto at = source.find(model);
      if (at != source.end() && at->second.feature && !entry.source) entry.source = at->second.feature;
    }
    return entry;
  }

  const fs::path& directory_;
  const ZooOptions& options_;
  std::vector<NamedFile> files_;
  std::set<fs::path> dataset_folders_;
  std::unordered_set<std::string> known_;
  std::unordered_map<std::string, io::NamedPair> pair_of_;     ///< by the stem of a feature file
  std::map<std::string, std::map<std::string, Found>> pairs_;  ///< data set -> model
  std::map<std::string, Found> shared_;                        ///< by data set; "": for all
  std::set<std::string> two_to_predict_;                       ///< data sets with labels and targets
  std::array<std::map<std::string, Found>, source_names.size()> sources_;
  std::vector<std::string> remarks_;
};

bool fits(const std::string& model, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), model.c_str(), 0) == 0; });
}

/// --split: one file for all.
void set_split(Zoo& zoo, const ZooOptions& options) {
  for (auto& [dataset, entries] : zoo.datasets) {
    for (ZooEntry& entry : entries) {
      if (!options.split.empty()) entry.split = ArrayRef{options.split, "split"};
    }
  }
}

/// --models and --exclude. A pattern that fits nothing is a mistake.
void choose_models(Zoo& zoo, const ZooOptions& options) {
  std::set<std::string> all;
  for (const auto& [dataset, entries] : zoo.datasets) {
    for (const ZooEntry& entry : entries) all.insert(entry.model);
  }
  for (const auto* patterns : {&options.models, &options.exclude}) {
    for (const std::string& pattern : *patterns) {
      if (std::none_of(all.begin(), all.end(), [&](const std::string& model) { return fits(model, {pattern}); })) {
        io::refuse({zoo.directory, {}}, "no model fits {}; there are {}", in_quotes(pattern),
                   printable(fmt::format("{}", fmt::join(all, ", ")), 1000));
      }
    }
  }
  for (auto& [dataset, entries] : zoo.datasets) {
    std::erase_if(entries, [&](const ZooEntry& entry) {
      return (!options.models.empty() && !fits(entry.model, options.models)) || fits(entry.model, options.exclude);
    });
  }
  std::erase_if(zoo.datasets, [](const auto& dataset) { return dataset.second.empty(); });
  if (zoo.datasets.empty()) io::refuse({zoo.directory, {}}, "--models and --exclude leave no model; relax them");
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

Zoo discover_zoo(const fs::path& directory, const ZooOptions& options) {
  require_folder(directory);
  fs::path manifest = options.manifest;
  std::error_code ignored;
  if (manifest.empty() && fs::exists(directory / "zoo.csv", ignored)) manifest = directory / "zoo.csv";
  Zoo zoo = manifest.empty() ? NamedZoo(directory, options).make() : io::read_manifest(directory, manifest, options);
  choose_models(zoo, options);
  set_split(zoo, options);
  return zoo;
}

}  // namespace itm
