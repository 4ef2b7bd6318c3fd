#pragma once

#include <string>

#include "itm/report.hpp"
#include "report/paint.hpp"

namespace itm {

/// "12 models, 2 data sets, 1.0 s on 2 threads; best: sup_resnet_l (first in 1 of 2)".
[[nodiscard]] std::string summary_line(const RankReport& report, Paint paint);

}  // namespace itm
