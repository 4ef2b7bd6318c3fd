#pragma once
// The manifest of a zoo: a CSV that names every file, so that no name has to be guessed.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace itm::io {

/// One line. Paths are as they are to be opened; empty: not named.
struct ManifestLine {
  std::size_t line = 0;
  std::string model;  ///< "resnet50", or "resnet50.layer3" where the line names a layer
  std::string dataset;
  std::filesystem::path feature;
  std::filesystem::path label;
  std::filesystem::path output;
  std::filesystem::path source;
  std::filesystem::path target;
  std::filesystem::path split;
  std::filesystem::path classes;
  std::map<std::string, std::string> facts;  ///< every other column with a value
};

/// Columns model, dataset, feature (all three needed), label, output, source, target, split, classes, layer, in any
/// order; others are facts about the model. Paths count from the manifest's folder. Throws InputError with the line for
/// what is missing or there twice and, where `inside` is set, for a path that leads out of that folder: a zoo that was
/// downloaded must not name files of the person who ranks it.
[[nodiscard]] std::vector<ManifestLine> parse_manifest(const std::filesystem::path& file, std::string_view text,
                                                       bool inside);

}  // namespace itm::io
