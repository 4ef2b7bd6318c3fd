#pragma once

#include <string>

#include "itm/report.hpp"
#include "report/paint.hpp"

namespace itm {

/// "12 models, 1 data set, 1.0 s on 2 threads; best: sup_resnet_l". With several rankings the verdicts stand above it.
[[nodiscard]] std::string summary_line(const RankReport& report, Paint paint);

}  // namespace itm
