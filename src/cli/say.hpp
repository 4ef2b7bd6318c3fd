#pragma once
// The two ways out of the program to the person: everything on standard error, and results on standard output. A
// terminal that is gone, a full disk or a closed descriptor ends no work.

#include <string_view>

namespace itm::cli {

/// First of all in main(): descriptors 0, 1 and 2 that the caller closed are taken, so that no result file gets one of
/// them. They lead to /dev/null the wrong way round: writing to them still fails.
void open_standard_descriptors() noexcept;

/// One line on standard error, "itm: " and the sentence, with control characters spelled out. Lost where it cannot be
/// written.
void say(std::string_view sentence) noexcept;

/// Text as it is on standard error, for what moves the cursor.
void draw(std::string_view text) noexcept;

/// All of a result on standard output. Throws InputError where it cannot be written.
void write_to_stdout(std::string_view text);

/// From now on spdlog speaks through say(): warnings, with `verbose` remarks too, with `quiet` neither.
void open_log(bool quiet, bool verbose);

}  // namespace itm::cli
