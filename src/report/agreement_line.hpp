#pragma once
// Figures as they stand in tables.

#include <optional>
#include <string>
#include <string_view>

#include "itm/report.hpp"
#include "report/paint.hpp"

namespace itm {

/// Three decimals, or "-" when undefined.
[[nodiscard]] std::string figure(std::optional<double> value);

/// "0.712 ± 0.041", without a spread where there is none.
[[nodiscard]] std::string figure(std::optional<double> mean, std::optional<double> spread);

/// Whether the method's score is an accuracy, a fraction that is shown in percent; other scores have no unit.
[[nodiscard]] bool is_accuracy(std::string_view method);
/// What the method says of its scores; a number where nobody knows the method.
[[nodiscard]] ScoreUnit unit_of(std::string_view method);

/// A score as it stands in a table; "-" when it is not a number.
[[nodiscard]] std::string score_text(std::string_view method, double score);

/// The error of such a score.
[[nodiscard]] std::string error_text(std::string_view method, double error);

/// Models that cannot be told apart share a letter: a, b, ... z, then numbers.
[[nodiscard]] std::string group_letter(int group);

/// "tau_w 0.741 [0.40, 0.92]  scipy 0.812  Kendall ...".
[[nodiscard]] std::string agreement_line(const Agreement& agreement, Paint paint);

}  // namespace itm
