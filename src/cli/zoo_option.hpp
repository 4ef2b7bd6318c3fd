#pragma once
// The folder to work on and the data sets in it, for every command that takes a zoo.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace itm::cli {

/// Adds the positional `zoo` and --dataset. In `itm rank --dataset pets ZOO` the folder would be swallowed as a second
/// data set, because --dataset takes several: the last of them is the zoo when no other was named.
inline void add_zoo(CLI::App& app, std::filesystem::path& zoo, std::vector<std::string>& datasets,
                    const std::string& dataset_help) {
  app.add_option("zoo", zoo, "Folder with {model}_{dataset}_feature.npy and ..._label.npy")->type_name("ZOO");
  app.add_option("--dataset", datasets, dataset_help)->type_name("NAME")->delimiter(',');
  app.parse_complete_callback([&zoo, &datasets] {
    if (zoo.empty() && datasets.size() > 1) {
      zoo = datasets.back();
      datasets.pop_back();
    }
    if (zoo.empty()) {
      throw CLI::RequiredError("zoo");
    }
  });
}

}  // namespace itm::cli
