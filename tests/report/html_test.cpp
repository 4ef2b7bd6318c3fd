// The HTML page of a ranking: complete without its script, self-contained, and deaf to what names try to tell it.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <string>

#include "itm/report.hpp"
#include "report/agreement_line.hpp"
#include "report/details_json.hpp"
#include "report/page_data.hpp"

namespace itm {
namespace {

using testing::between;
using testing::column;
using testing::count;
using testing::data_of;
using testing::Json;
using testing::section;
using testing::static_part;

ScoredModel page_model(const std::string& model, double score, std::optional<double> truth = {},
                       const std::string& details = "{}") {
  ScoredModel m;
  m.model = model;
  m.score = score;
  m.seconds = 0.25;
  m.truth = truth;
  m.details = details_of(Json::parse(details));
  return m;
}

const char* const itm_details =
    R"({"eta":0.5123,"dispersion":14.018,"feature_mean":0.25,"feature_variance":1.5,"rows":1190,"classes":34,)"
    R"("recurrence":"factored","curve":[{"iteration":100,"accuracy":0.25,"loss":2.0},)"
    R"({"iteration":200,"accuracy":0.5,"loss":1.0}]})";

Agreement agreement_of(std::optional<double> tau_w) {
  Agreement agreement;
  agreement.models = 2;
  agreement.tau_w = tau_w;
  return agreement;
}

/// One data set and one method: two models with truth, one without.
RankReport one_result() {
  RankedDataset digits{"digits", "itm", 0.75, {}, {"vgg"}, agreement_of(0.875)};
  digits.models = {page_model("resnet", 0.9, 91.5, itm_details), page_model("vit", 0.5, 70.25, itm_details),
                   page_model("vgg", 1.0 / 3, {}, itm_details)};
  assign_ranks(digits);
  RankReport report;
  report.results = {digits};
  report.seconds = 1.26;
  report.threads = 2;
  return report;
}

/// Two methods on two data sets; the second method has no tau_w on the second data set.
RankReport two_by_two() {
  RankReport report = one_result();
  report.results[0].agreement->tau_w_interval = Interval{0.25, 0.97};
  const auto add = [&](const char* dataset, const char* method, std::optional<double> tau_w, double seconds) {
    RankedDataset result{dataset, method, seconds, {page_model("resnet", 1.5), page_model("vit", -0.5)}, {}, {}};
    result.agreement = agreement_of(tau_w);
    assign_ranks(result);
    report.results.push_back(result);
  };
  add("digits", "logme", 0.5, 1.25);
  add("math", "itm", 0.25, 2.25);
  add("math", "logme", std::nullopt, 3.25);
  return report;
}

TEST(HtmlPage, LoadsNothing) {
  const std::string page = to_html(two_by_two());
  EXPECT_EQ(page.rfind("<!DOCTYPE html>", 0), 0U);
  EXPECT_EQ(page.find("://"), std::string::npos) << "an address of somewhere else";
  for (const char* part : {" src=", "@import", "url(", "fetch(", "import(", "XMLHttpRequest"}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
  const std::regex link(R"re(href="([^"]*)")re");
  for (auto it = std::sregex_iterator(page.begin(), page.end(), link); it != std::sregex_iterator(); ++it) {
    const std::string target = (*it)[1];
    EXPECT_TRUE(target == "data:," || target.rfind('#', 0) == 0) << target;
    if (target.rfind('#', 0) == 0) {
      EXPECT_EQ(count(page, "id=\"" + target.substr(1) + "\""), 1U) << target;
    }
  }
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos) << "the browser is not told to load nothing";
}

TEST(HtmlPage, TheStaticTablesHoldEveryModelAndScore) {
  const RankReport report = two_by_two();
  const std::string text = static_part(to_html(report));
  for (std::size_t i = 0; i < report.results.size(); ++i) {
    const RankedDataset& result = report.results[i];
    const std::string table = between(text, fmt::format("<div class=\"table\" id=\"r{}\">", i + 1), "</table>");
    for (const ScoredModel& model : result.models) {
      const std::string row = between(table, "<th scope=\"row\">" + model.model + "</th>", "</tr>");
      EXPECT_EQ(row.rfind("<td>" + score_text(result.method, model.score) + "</td>", 0), 0U) << row;
      EXPECT_EQ(row.find("<td>91.50</td>") != std::string::npos, model.truth == 91.5) << row;
    }
    EXPECT_EQ(count(table, "<tr"), result.models.size() + 1);
  }
  EXPECT_NE(text.find("<td>0.512</td><td>14.02</td>"), std::string::npos) << "eta and dis";
  EXPECT_NE(text.find("No truth for vgg."), std::string::npos);
}

TEST(HtmlPage, BeginsWithWhatToFineTune) {
  const std::string header = between(static_part(to_html(two_by_two())), "<header>", "</header>");
  EXPECT_NE(
      header.find("<p class=\"summary\">digits: fine-tune resnet, vit, vgg first: the consensus of 2 methods<br>\n"
                  "math: fine-tune resnet, vit first: the consensus of 2 methods<br>\n"
                  "3 models, 2 data sets"),
      std::string::npos)
      << header;
}

TEST(HtmlPage, EveryRankingSaysWhereItWasComputed) {
  RankReport report = one_result();
  report.results[0].place = {"cuda", "NVIDIA H100", "tf32"};
  EXPECT_NE(static_part(to_html(report)).find("<small>itm, 1,190 rows, 34 classes, tf32 on NVIDIA H100</small>"),
            std::string::npos);
}

TEST(HtmlPage, EachConsensusNamesItsDataSetWhereThereAreSeveral) {
  RankReport report = two_by_two();
  const std::string both = between(static_part(to_html(report)), "<h2>Consensus</h2>", "</section>");
  EXPECT_LT(both.find("<h3>digits</h3>"), both.find("id=\"consensus1\""));
  EXPECT_LT(both.find("id=\"consensus1\""), both.find("<h3>math</h3>"));
  EXPECT_LT(both.find("<h3>math</h3>"), both.find("id=\"consensus2\""));
  report.results.resize(2);  // the first data set alone
  EXPECT_EQ(count(between(static_part(to_html(report)), "<h2>Consensus</h2>", "</section>"), "<h3>"), 0U);
}

TEST(HtmlPage, TruthAgainstScoreHasErrorsAndALine) {
  RankReport report = one_result();
  EXPECT_EQ(section(data_of(to_html(report)), "r1-truth")["data"]["fit"], true);
  EXPECT_FALSE(section(data_of(to_html(report)), "r1-truth")["data"]["x"].contains("error")) << "none is known";
  report.results[0].models[1].error = 0.125;
  const Json data = data_of(to_html(report));
  EXPECT_EQ(section(data, "r1-truth")["data"]["x"]["error"], Json({{"table", "r1"}, {"column", "error"}}));
  EXPECT_EQ(column(data, "r1", "error"), Json({nullptr, 0.125, nullptr}));
}

TEST(HtmlPage, TheJsonBlockHoldsTheNumbersOfTheReport) {
  const RankReport report = one_result();
  const Json data = data_of(to_html(report));
  EXPECT_EQ(data["schema"], "itm.page/1");
  EXPECT_EQ(data["threads"], 2);
  EXPECT_EQ(data["seconds"], 1.26);
  EXPECT_EQ(column(data, "r1", "model"), Json({"resnet", "vit", "vgg"}));
  EXPECT_EQ(column(data, "r1", "rank"), Json({1, 2, 3}));
  EXPECT_EQ(column(data, "r1", "score"), Json({0.9, 0.5, 1.0 / 3})) << "at full precision";
  EXPECT_EQ(column(data, "r1", "truth"), Json({91.5, 70.25, nullptr}));
  EXPECT_EQ(column(data, "r1", "eta"), Json({0.5123, 0.5123, 0.5123}));
  EXPECT_EQ(column(data, "r1", "dispersion"), Json({14.018, 14.018, 14.018}));
  EXPECT_EQ(column(data, "r1-details", "feature_variance"), Json({1.5, 1.5, 1.5}));
  EXPECT_EQ(column(data, "r1-details", "recurrence"), Json({"factored", "factored", "factored"}));

  const Json curve = section(data, "r1-curve");
  EXPECT_EQ(curve["kind"], "lines");
  EXPECT_EQ(curve["data"]["x"]["values"], Json({100, 200})) << "shared by all models";
  ASSERT_EQ(curve["data"]["series"].size(), 3U);
  EXPECT_EQ(curve["data"]["series"][1], Json({{"name", "vit"}, {"values", {0.25, 0.5}}}));
}

TEST(HtmlPage, EverySectionOfTheJsonBlockHasItsPlaceAndItsColumns) {
  const std::string page = to_html(two_by_two());
  const Json data = data_of(page);
  std::size_t plots = 0;
  for (const Json& one : data["sections"]) {
    EXPECT_EQ(count(page, fmt::format("id=\"{}\"", one["id"].get<std::string>())), 1U) << one["id"];
    plots += one["kind"] == "table" ? 0 : 1;
    for (const char* part : {"names", "x", "y"}) {
      if (!one["data"].contains(part)) continue;
      const Json& values = part == std::string("names") ? one["data"][part] : one["data"][part]["values"];
      if (values.is_object()) {
        EXPECT_TRUE(column(data, values["table"], values["column"]).is_array()) << one["id"] << " " << values;
      }
    }
  }
  EXPECT_EQ(count(page, "<figure"), plots);
}

TEST(HtmlPage, ComparesMethodsByDataSets) {
  const std::string page = to_html(two_by_two());
  const std::string table = between(page, "<div class=\"table\" id=\"comparison\">", "</table>");
  EXPECT_EQ(between(table, "<th scope=\"row\">itm</th>", "</tr>"),
            "<td><strong>0.875</strong><small>[0.25, 0.97]</small><small>0.75 s</small></td>"
            "<td><strong>0.250</strong><small>2.25 s</small></td>"
            "<td><strong>0.562</strong><small>1.50 s</small></td>");
  EXPECT_EQ(between(table, "<th scope=\"row\">logme</th>", "</tr>"),
            "<td>0.500<small>1.25 s</small></td>"
            "<td>-<small>3.25 s</small></td>"
            "<td>0.500<small>of 1</small><small>2.25 s</small></td>");
  const Json data = data_of(page);
  EXPECT_EQ(column(data, "comparison", "tau_w:digits"), Json({0.875, 0.5}));
  EXPECT_EQ(column(data, "comparison", "tau_w:math"), Json({0.25, nullptr}));
  EXPECT_EQ(column(data, "comparison", "tau_w"), Json({0.5625, 0.5}));
}

TEST(HtmlPage, ASingleRankingIsNotCompared) {
  EXPECT_EQ(to_html(one_result()).find("id=\"comparison\""), std::string::npos);
}

TEST(HtmlPage, WithoutTruthTheComparisonIsOfSeconds) {
  RankReport report = two_by_two();
  for (RankedDataset& result : report.results) {
    result.agreement.reset();
  }
  const std::string table = between(to_html(report), "<div class=\"table\" id=\"comparison\">", "</table>");
  EXPECT_NE(table.find("<td>0.75 s</td><td>2.25 s</td><td>1.50 s</td>"), std::string::npos) << table;
}

TEST(HtmlPage, HostileNamesStayText) {
  const std::string attack =
      "</script><script>alert('x')</script><img src=x onerror=\"alert(1)\">&\xE2\x80\xA8\xE2\x80\xA9";
  RankReport report = two_by_two();
  report.results[0].dataset = attack;
  report.results[0].method = attack;
  report.results[0].models[0].model = attack;
  report.results[0].models[1].details[attack] = attack;
  report.results[0].truth_missing = {attack};
  report.failures.push_back({attack, attack, attack, attack});
  HtmlOptions options;
  options.title = attack;
  options.facts = {{attack, attack}};
  const std::string page = to_html(report, options);

  EXPECT_EQ(count(page, "<script"), 2U) << "the data and the page's own program";
  EXPECT_EQ(count(page, "</script>"), 2U);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("onerror=\""), std::string::npos);
  const std::string block = between(page, R"(id="data">)", "</script>");
  for (const char* dangerous : {"<", ">", "&", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    EXPECT_EQ(block.find(dangerous), std::string::npos) << dangerous;
  }
  const std::string separators = "\xEF\xBF\xBD\xEF\xBF\xBD";  // what breaks lines unseen is shown as unknown
  EXPECT_EQ(column(data_of(page), "r1", "model")[0], attack.substr(0, attack.size() - 6) + separators);
}

TEST(HtmlPage, NamesThatAreNotUtf8AreRepaired) {
  RankReport report = one_result();
  report.results[0].models[0].model = "caf\xE9\x01";
  const std::string page = to_html(report);
  EXPECT_NE(static_part(page).find("<th scope=\"row\">caf\xEF\xBF\xBD\xEF\xBF\xBD</th>"), std::string::npos);
  EXPECT_EQ(column(data_of(page), "r1", "model")[0], "caf\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(HtmlPage, WhatIsUndefinedIsADashAndNull) {
  RankReport report = one_result();
  report.results[0].agreement = agreement_of(std::nullopt);
  report.results[0].models[2].score = std::nan("");
  report.results[0].models[2].details = {{"eta", std::nan("")}, {"dispersion", INFINITY}};
  const std::string page = to_html(report);
  EXPECT_NE(page.find("<dt>tau_w</dt><dd>-</dd>"), std::string::npos);
  EXPECT_NE(page.find("<th scope=\"row\">vgg</th><td>-</td><td>-</td><td>-</td><td>-</td>"), std::string::npos);
  EXPECT_EQ(column(data_of(page), "r1", "score")[2], nullptr);
  for (const char* word : {">nan", ">inf", ":nan", ":inf", ":NaN", ">-nan"}) {
    EXPECT_EQ(page.find(word), std::string::npos) << word;
  }
}

TEST(HtmlPage, DetailsOfAnyShapeAreTaken) {
  const DetailValue::Groups odd{{}, {{"iteration", "x"}}, {{"a", Details{{"b", Details{}}}}}};
  for (const Details& details :
       {Details{}, Details{{"curve", 7}, {"repeats", Details{{"a", 1}}}}, Details{{"curve", odd}, {"repeats", odd}},
        Details{{"eta", "fast"}, {"dispersion", std::vector<double>{1, 2}}},
        Details{{"rows", "many"}, {"classes", -1}}}) {
    RankReport report = one_result();
    report.results[0].models[1].details = details;
    const Json data = data_of(to_html(report));
    EXPECT_EQ(column(data, "r1", "score"), Json({0.9, 0.5, 1.0 / 3})) << to_json(details);
    EXPECT_EQ(column(data, "r1", "eta").size(), 3U) << to_json(details);
  }
}

TEST(HtmlPage, ScalarDetailsOfAMethodAreColumnsOfItsFoldOut) {
  RankReport report = one_result();
  report.results[0].method = "other";
  report.results[0].models[0].details = {{"evidence", -1.5}, {"solver", "svd"}, {"matrix", std::vector<double>{1}}};
  report.results[0].models[1].details = {{"evidence", 2}, {"converged", true}};
  report.results[0].models[2].details = {};
  const std::string page = to_html(report);
  const Json data = data_of(page);
  EXPECT_EQ(column(data, "r1-details", "evidence"), Json({-1.5, 2, nullptr}));
  EXPECT_EQ(column(data, "r1-details", "solver"), Json({"svd", nullptr, nullptr}));
  EXPECT_EQ(column(data, "r1-details", "converged"), Json({nullptr, true, nullptr}));
  EXPECT_EQ(column(data, "r1-details", "matrix"), nullptr);
  EXPECT_EQ(column(data, "r1", "eta"), nullptr) << "no model has it";
  EXPECT_NE(page.find("<details><summary>All details</summary>"), std::string::npos);
}

TEST(HtmlPage, ListsFailuresWhatWasLeftOutAndNotes) {
  RankReport report = one_result();
  report.results.front().models.front().note = "a <remark> on the score";
  report.skipped.push_back({"math", "", "leep", "no source logits"});
  report.failures.push_back({"math", "broken", "itm", "zoo/x.npy: row 3 is NaN; extract it again"});
  const std::string page = to_html(report);
  EXPECT_NE(page.find("<th scope=\"row\">broken</th><td class=\"t\">math</td><td class=\"t\">itm</td>"
                      "<td class=\"t\">zoo/x.npy: row 3 is NaN; extract it again</td>"),
            std::string::npos);
  EXPECT_NE(page.find("<th scope=\"row\">(all)</th><td class=\"t\">math</td><td class=\"t\">leep</td>"),
            std::string::npos);
  EXPECT_NE(page.find("<p class=\"note\">a &lt;remark&gt; on the score</p>"), std::string::npos);
  EXPECT_NE(page.find("1 not ranked"), std::string::npos);
  EXPECT_EQ(to_html(one_result()).find("id=\"failures\""), std::string::npos);
}

TEST(HtmlPage, AnEmptyReportIsAPageToo) {
  const Json data = data_of(to_html({}));
  EXPECT_TRUE(data["sections"].empty());
}

TEST(HtmlPage, SeedsAndLongCurves) {
  RankReport report = one_result();
  Json details = Json::parse(itm_details);
  details["repeats"] = {{{"accuracy", 0.25}, {"loss", 1}}, {{"accuracy", 0.75}, {"loss", 1}}};
  details["curve"] = Json::array();
  for (int i = 1; i <= 1001; ++i) {
    details["curve"].push_back({{"iteration", i}, {"accuracy", i / 2000.0}});
  }
  report.results[0].models[0].details = details_of(details);
  const Json data = data_of(to_html(report));
  EXPECT_EQ(section(data, "r1-repeats")["data"]["x"]["values"], Json({{0.25, 0.75}}));
  const Json curve = section(data, "r1-curve")["data"];
  EXPECT_LE(curve["x"]["values"].size(), 201U);
  EXPECT_EQ(curve["x"]["values"].back(), 1001) << "the last point stays";
  EXPECT_EQ(curve["series"][0]["values"].size(), curve["x"]["values"].size());
  EXPECT_EQ(curve["series"][1]["x"], Json({100, 200})) << "its own iterations";
}

TEST(HtmlPage, AThousandModelsStaySmall) {
  RankReport report;
  RankedDataset big{"big", "itm", 1, {}, {}, agreement_of(0.5)};
  for (int i = 0; i < 1000; ++i) {
    Json details = Json::parse(itm_details);
    details["eta"] = 1.0 / (i + 3);
    details["curve"] = Json::array();
    for (int k = 1; k <= 20; ++k) {
      details["curve"].push_back({{"iteration", 100 * k}, {"accuracy", k / (i + 30.0)}});
    }
    big.models.push_back(
        page_model(fmt::format("some_model_of_a_zoo_{}", i), i / 1001.0, 50 + i / 30.0, details.dump()));
  }
  assign_ranks(big);
  report.results = {big};
  const std::string page = to_html(report);
  EXPECT_LT(page.size(), 1'500'000U);
  EXPECT_EQ(column(data_of(page), "r1", "model").size(), 1000U);
}

}  // namespace
}  // namespace itm
