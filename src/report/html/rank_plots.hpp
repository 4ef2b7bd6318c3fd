#pragma once
// The plots of one data set and method.

#include "itm/report.hpp"
#include "report/html/details.hpp"
#include "report/html/page.hpp"

namespace itm::html {

/// Whether any model has a fine-tuned accuracy.
[[nodiscard]] bool has_truth(const RankedDataset& result);

/// Truth against score, validation curves, scores over seeds, dispersion, eta, feature mean and variance: each where
/// the models have what it shows. `table` is the ranked table, whose columns they plot; that of the details is expected
/// under its name and "-details".
void add_plots(Page& page, const RankedDataset& result, const ModelDetails& details, const Table& table);

}  // namespace itm::html
