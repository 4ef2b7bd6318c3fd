#include "report/html/rank_plots.hpp"

#include <algorithm>

#include "report/agreement_line.hpp"

namespace itm::html {
namespace {

constexpr std::size_t most_curve_points = 200;  ///< a plot is not wider; longer curves are thinned
constexpr int curves_shown = 10;                ///< at first; the reader adds others

std::string score_axis(const RankedDataset& result) {
  return is_accuracy(result.method) ? result.method + " score (%)" : result.method + " score";
}

void add_scatter(Page& page, const std::string& id, const char* caption, const Table& table, Json x, Json y) {
  page.add_plot("scatter", id, caption,
                {{"names", values_of(table, "model")}, {"x", std::move(x)}, {"y", std::move(y)}});
}

/// Every k-th point and the last.
std::vector<Json> thinned(const std::vector<Json>& points) {
  const std::size_t step = points.size() / most_curve_points + 1;
  std::vector<Json> kept;
  for (std::size_t i = 0; i < points.size(); i += step) {
    kept.push_back(points[i]);
  }
  if (!points.empty() && (points.size() - 1) % step != 0) {
    kept.push_back(points.back());
  }
  return kept;
}

/// Models mostly share their iterations: these then stand once, on the axis.
void add_curves(Page& page, const RankedDataset& result, const ModelDetails& details, const std::string& id) {
  std::vector<std::vector<Json>> x(details.size());
  std::vector<Json> shared;
  for (std::size_t m = 0; m < details.size(); ++m) {
    x[m] = thinned(details.series(m, "curve", "iteration"));
    if (shared.empty()) {
      shared = x[m];
    }
  }
  if (shared.empty()) {
    return;
  }
  Json series = Json::array();
  for (std::size_t m = 0; m < details.size(); ++m) {
    Json one{{"name", result.models[m].model}, {"values", thinned(details.series(m, "curve", "accuracy"))}};
    if (x[m] != shared) {
      one["x"] = x[m];
    }
    series.push_back(std::move(one));
  }
  const bool repeated = details.size() > 0 && details.series(0, "repeats", "accuracy").size() > 1;
  page.add_plot("lines", id + "-curve",
                repeated ? "Validation accuracy while it trains, first seed" : "Validation accuracy while it trains",
                {{"x", axis("iteration", shared)},
                 {"y", axis("validation accuracy (%)", Json::array(), true)},
                 {"shown", curves_shown},
                 {"series", std::move(series)}});
}

/// How far the scores of one model lie apart between seeds.
void add_repeats(Page& page, const RankedDataset& result, const ModelDetails& details, const std::string& id) {
  Json names = Json::array();
  Json values = Json::array();
  for (std::size_t m = 0; m < details.size(); ++m) {
    std::vector<Json> scores = details.series(m, "repeats", "accuracy");
    if (scores.size() > 1) {
      names.push_back(result.models[m].model);
      values.push_back(std::move(scores));
    }
  }
  if (!names.empty()) {
    page.add_plot("box", id + "-repeats", "Score over seeds",
                  {{"names", std::move(names)}, {"x", axis("validation accuracy (%)", std::move(values), true)}});
  }
}

void add_dots(Page& page, const std::string& id, const char* caption, const Table& table, const char* label,
              const char* key) {
  page.add_plot("dots", id, caption, {{"names", values_of(table, "model")}, {"x", axis(label, values_of(table, key))}});
}

}  // namespace

bool has_truth(const RankedDataset& result) {
  return std::any_of(result.models.begin(), result.models.end(),
                     [](const ScoredModel& m) { return m.truth.has_value(); });
}

void add_plots(Page& page, const RankedDataset& result, const ModelDetails& details, const Table& table) {
  const std::string& id = table.id;
  page.add("<div class=\"plots\">\n");
  if (has_truth(result)) {
    Json score = axis(score_axis(result), values_of(table, "score"), unit_of(result.method) == ScoreUnit::accuracy);
    if (std::any_of(table.columns.begin(), table.columns.end(), [](const Column& c) { return c.key == "error"; })) {
      score["error"] = values_of(table, "error");
    }
    page.add_plot("scatter", id + "-truth", "Truth against score",
                  {{"names", values_of(table, "model")},
                   {"x", std::move(score)},
                   {"y", axis("accuracy after fine-tuning (%)", values_of(table, "truth"))},
                   {"fit", true}});
  }
  add_curves(page, result, details, id);
  add_repeats(page, result, details, id);
  if (details.has_number("dispersion")) {
    add_dots(page, id + "-dis", "Dispersion", table, "dis: mean distance to the class means", "dispersion");
  }
  if (details.has_number("eta")) {
    add_dots(page, id + "-eta", "Rate", table, "eta (per step)", "eta");
  }
  if (details.has_number("feature_mean") && details.has_number("feature_variance")) {
    const auto from_details = [&](const char* key) { return Json{{"table", id + "-details"}, {"column", key}}; };
    Json variance = axis("variance of the features", from_details("feature_variance"));
    variance["log"] = true;
    add_scatter(page, id + "-features", "Feature mean and variance", table,
                axis("mean of the features", from_details("feature_mean")), std::move(variance));
  }
  page.add("</div>\n");
}

}  // namespace itm::html
