#include "cli/zoo_option.hpp"

#include <spdlog/spdlog.h>

#include "itm/error.hpp"

namespace itm::cli {

void add_zoo_folder(CLI::App& app, ZooChoice& choice) {
  const auto patterns = [&](const char* name, std::vector<std::string>& list, const std::string& help) {
    app.add_option(name, list, help)->delimiter(',')->type_name("PATTERN")->allow_extra_args(false);
  };
  app.add_option("zoo", choice.folder, "Folder with {model}_{dataset}_feature.npy and ..._label.npy")->type_name("ZOO");
  patterns("--models", choice.options.models, "Only models that fit one of these patterns: 'resnet*,vit_?'");
  patterns("--exclude", choice.options.exclude, "No models that fit one of these patterns");
  app.add_option("--manifest", choice.options.manifest,
                 "CSV model,dataset,feature,... that names the files; default: zoo.csv of the folder, if there")
      ->type_name("CSV");
  app.add_flag("--targets", choice.options.targets, "Predict the targets of data sets that have labels too");
  app.add_option("--split", choice.options.split,
                 "Rows to train on (0 or train) and to validate on (1 or val); default: ..._split.npy, if there")
      ->type_name("FILE");
  app.add_option("--feature-key", choice.options.feature_key, "Key of the features in .npz and .safetensors")
      ->type_name("KEY")
      ->capture_default_str();
}

void add_zoo(CLI::App& app, ZooChoice& choice, const std::string& dataset_help) {
  add_zoo_folder(app, choice);
  CLI::Option* zoo = app.get_option("zoo");
  CLI::Option* dataset = app.add_option("--dataset", choice.datasets, dataset_help)->delimiter(',')->type_name("NAME");
  // In `itm rank --dataset pets ZOO` the folder would be swallowed as a second data set, because --dataset takes
  // several: the last of them is the zoo when no other was named.
  app.parse_complete_callback([&choice, zoo, dataset] {
    if (choice.folder.empty() && choice.datasets.size() > 1) {
      choice.folder = choice.datasets.back();
      choice.datasets.pop_back();
      zoo->add_result(choice.folder.native());  // the record of the run names both as they are meant
      dataset->clear();
      dataset->add_result(choice.datasets);
    }
    if (choice.folder.empty()) {
      throw CLI::RequiredError("zoo");
    }
  });
}

void refuse_choice_of_nothing(const ZooChoice& choice) {
  const ZooOptions& options = choice.options;
  if (choice.folder.empty() && !(options.models.empty() && options.exclude.empty() && options.manifest.empty())) {
    throw InputError("--models, --exclude and --manifest choose from a zoo, which is missing; name its folder");
  }
}

Zoo find_zoo(const ZooChoice& choice, const std::vector<std::string>& known, const Context& context) {
  context.reads("the manifest", choice.options.manifest);
  context.reads("the file of --split", choice.options.split);
  ZooOptions options = choice.options;
  options.datasets = choice.datasets;
  options.datasets.insert(options.datasets.end(), known.begin(), known.end());
  const Zoo zoo = discover_zoo(choice.folder, options);
  context.reads("the manifest", choice.folder / "zoo.csv");
  context.reads(zoo);
  for (const std::string& remark : zoo.remarks) {
    spdlog::warn("{}", remark);
  }
  for (const std::string& dataset : choice.datasets) {
    (void)zoo.entries(dataset);  // says which there are when this is none of them
  }
  return zoo;
}

}  // namespace itm::cli
