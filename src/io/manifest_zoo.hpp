#pragma once
// A zoo by its manifest.

#include <filesystem>

#include "itm/zoo.hpp"

namespace itm::io {

/// The entries that the lines of `manifest` name, data sets and models in lexicographic order. Throws InputError as
/// parse_manifest does, and for a line without anything to predict.
[[nodiscard]] Zoo read_manifest(const std::filesystem::path& directory, const std::filesystem::path& manifest,
                                const ZooOptions& options);

}  // namespace itm::io
