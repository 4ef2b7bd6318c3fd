#pragma once
// Methods side by side over data sets, as in the paper's Table 1.

#include "itm/report.hpp"
#include "report/html/page.hpp"

namespace itm::html {

/// Adds the section "Methods compared": one row a method, one column a data set with tau_w, its interval and the
/// seconds, and the average. Without any truth the columns hold the seconds alone. Adds nothing for a single result.
void add_comparison(Page& page, const RankReport& report);

}  // namespace itm::html
