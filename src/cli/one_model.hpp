#pragma once
// One model given as files, for the commands that look at a single one.

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "core/text.hpp"
#include "itm/error.hpp"
#include "itm/zoo.hpp"

namespace itm::cli {

/// "zoo/vgg_pets_feature.npy" -> "vgg_pets". ITM's initial parameters depend on it.
[[nodiscard]] inline std::string model_of(const std::filesystem::path& feature) {
  std::string name = feature.stem().string();
  constexpr std::string_view ending = "_feature";
  if (name.size() > ending.size() && name.ends_with(ending)) {
    name.resize(name.size() - ending.size());
  }
  return name;
}

/// --label, else the labels inside the archive that --feature is. Throws InputError when there are none.
[[nodiscard]] inline ArrayRef labels_beside(const std::filesystem::path& feature, const std::filesystem::path& label) {
  const bool archive = feature.extension() == ".npz" || feature.extension() == ".safetensors";
  if (label.empty() && !archive) {
    throw InputError(fmt::format("{}: has no labels beside it; pass --label FILE", path_text(feature)));
  }
  return {label.empty() ? feature : label, "label"};
}

}  // namespace itm::cli
