#pragma once

#include <string>

#include "itm/report.hpp"
#include "report/paint.hpp"

namespace itm {

/// What to fine-tune, a line a data set where there are several rankings: by the consensus of their methods, else the
/// models that cannot be told apart from the best. Empty with a single ranking, whose summary says it.
[[nodiscard]] std::string verdicts(const RankReport& report, Paint paint);

/// "12 models, 1 data set, 1.0 s on 2 threads; best: sup_resnet_l". With several rankings the verdicts stand above it.
[[nodiscard]] std::string summary_line(const RankReport& report, Paint paint);

}  // namespace itm
