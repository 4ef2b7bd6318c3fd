#pragma once
// Figures as they stand in tables.

#include <optional>
#include <string>
#include <string_view>

#include "itm/agreement.hpp"
#include "report/paint.hpp"

namespace itm {

/// Three decimals, or "-" when undefined.
[[nodiscard]] std::string figure(std::optional<double> value);

/// ITM's score is an accuracy and shown in percent; those of other methods have no unit.
[[nodiscard]] std::string score_text(std::string_view method, double score);

/// "tau_w 0.741 [0.40, 0.92]  scipy 0.812  Kendall ...".
[[nodiscard]] std::string agreement_line(const Agreement& agreement, Paint paint);

}  // namespace itm
