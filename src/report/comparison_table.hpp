#pragma once
// Several methods on one zoo at a glance: the paper's Table 1 for that zoo.

#include <string>

#include "itm/report.hpp"
#include "report/paint.hpp"

namespace itm {

/// Methods by data sets with an average column: tau_w where a truth is known, and seconds.
[[nodiscard]] std::string comparison_table(const RankReport& report, Paint paint);

/// Without a truth there is nothing to compare methods by: per data set, the rank that each method gives each model,
/// best on average first.
[[nodiscard]] std::string rank_tables(const RankReport& report, Paint paint);

}  // namespace itm
