// Names of models and folders that try to run formulas, move cursors or break encodings.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "run_itm.hpp"

namespace itm::testing {
namespace {

const std::vector<std::string> formulas{"=cmd|'calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "=1,2"};

/// One of each kind: ESC, CSI of C1, a bidi override, an isolate, a line separator, DEL, a tab, a line break, no UTF-8.
const std::vector<std::string> unseen{"\x1b[31mred",
                                      "\xC2\x9B"
                                      "2J",
                                      "\xE2\x80\xAE"
                                      "gnp",
                                      "\xE2\x81\xA6iso",
                                      "\xE2\x80\xA8line",
                                      "de\x7Fl",
                                      "\ttab",
                                      "two\nlines",
                                      "\xFF\xC3"};

class HostileNames : public ::testing::Test {
 protected:
  void stock(const std::vector<std::string>& names) {
    std::string truth = "model,made\n";
    int accuracy = 50;
    for (const std::string& name : names) {
      write_entry(folder_.path(), name, "made", made_data(60, 8, 3, 1.0, static_cast<unsigned>(accuracy)));
      truth += "\"" + name + "\"," + std::to_string(accuracy++) + "\n";
    }
    write_text(folder_ / "truth.csv", truth);
    write_text(folder_ / "spec.json", R"({"schema": "itm.sweep/1", "zoo": ".", "methods": ["knn"]})");
  }
  std::vector<std::vector<std::string>> commands() const {
    const std::string zoo = folder_.path().string();
    return {{"rank", zoo, "--method", "knn,logme"},
            {"inspect", zoo},
            {"sweep", zoo + "/spec.json"},
            {"verify", zoo, "--iterations", "5"}};
  }
  TemporaryFolder folder_;
};

std::vector<std::string> with(std::vector<std::string> command, const std::vector<std::string>& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

TEST_F(HostileNames, NoCellOfACsvFileIsAFormula) {
  stock(formulas);
  for (const auto& command : commands()) {
    const Finished run = run_itm(with(command, {"--format", "csv"}));
    ASSERT_EQ(run.status, 0) << run.err;
    for (const std::string& name : formulas) {
      EXPECT_NE(run.out.find("'" + name), std::string::npos) << command.front() << " lacks " << name << "\n" << run.out;
      for (const char* before : {",", "\n", "\""}) {
        EXPECT_EQ(run.out.find(before + name), std::string::npos) << command.front() << "\n" << run.out;
      }
    }
  }
}

TEST_F(HostileNames, RawCsvKeepsThem) {
  stock(formulas);
  for (const auto& command : commands()) {
    const Finished run = run_itm(with(command, {"--format", "csv", "--raw-csv"}));
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_NE(run.out.find(",+1+1,"), std::string::npos) << run.out;
    EXPECT_EQ(run.out.find("'+1+1"), std::string::npos) << run.out;
  }
}

TEST_F(HostileNames, OurOwnCsvReadsBackWithItsGuards) {
  stock(formulas);
  const std::string csv = folder_ / "ranking.csv";
  ASSERT_EQ(run_itm({"rank", folder_.path().string(), "--method", "knn", "--out", csv}).status, 0);
  const Finished run = run_itm({"correlate", "--scores", csv, "--truth", folder_ / "truth.csv", "--format", "json"});
  ASSERT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(nlohmann::json::parse(run.out)["results"][0]["agreement"]["models"], formulas.size());
}

void expect_visible(const std::string& text, const std::string& of) {
  std::string without_breaks = text;
  std::replace(without_breaks.begin(), without_breaks.end(), '\n', ' ');
  const std::string visible = printable(without_breaks, text.size() + 1);
  const auto differ = std::mismatch(visible.begin(), visible.end(), without_breaks.begin(), without_breaks.end());
  EXPECT_TRUE(visible == without_breaks) << of << ": " << std::string(differ.first, visible.end()).substr(0, 40);
}

TEST_F(HostileNames, NothingUnseenReachesATerminalATableOrACsvFile) {
  stock(unseen);
  for (const auto& command : commands()) {
    for (const std::string format : {"table", "csv", "json"}) {
      const Finished run = run_itm(with(command, {"--format", format, "--verbose"}));
      ASSERT_TRUE(run.status == 0 || (command.front() == "verify" && run.status == 1)) << run.err;
      expect_visible(run.out, command.front() + " --format " + format);
      expect_visible(run.err, command.front() + " --format " + format);
      if (format == "json") {
        EXPECT_TRUE(nlohmann::json::accept(run.out)) << command.front();
      }
    }
  }
}

TEST_F(HostileNames, SentencesSpellThemOut) {
  for (const std::string& name : unseen) {
    expect_visible(run_itm({"rank", (folder_ / name).string()}).err, name);
    expect_visible(run_itm({"rank", folder_.path().string(), name}).err, name);
    expect_visible(run_itm({"replay", (folder_ / name).string()}).err, name);
    expect_visible(run_itm({"score", "--feature", (folder_ / name).string()}).err, name);
    expect_visible(run_itm({"sweep", (folder_ / name).string()}).err, name);
    expect_visible(run_itm({"rank", folder_.path().string(), "--method", name}).err, name);
    expect_visible(run_itm({"rank", folder_.path().string(), "--out", folder_ / (name + "/x")}).err, name);
  }
}

TEST_F(HostileNames, AFailureNamesItsFileVisibly) {
  stock(unseen);
  write_text(folder_ / ("\x1b]0;title\x07_made_feature.npy"), "no array");
  std::filesystem::copy(folder_ / "de\x7Fl_made_label.npy", folder_ / "\x1b]0;title\x07_made_label.npy");
  for (const std::string format : {"table", "csv", "json"}) {
    const Finished run =
        run_itm({"rank", folder_.path().string(), "--method", "knn", "--keep-going", "--format", format});
    ASSERT_EQ(run.status, 0) << run.err;
    expect_visible(run.out, format);
    expect_visible(run.err, format);
  }
}

TEST_F(HostileNames, PagesHoldWholeUtf8AndNothingUnseen) {
  stock(unseen);
  const std::string page = folder_ / "page.html";
  ASSERT_EQ(run_itm({"rank", folder_.path().string(), "--method", "knn", "--html", page}).status, 0);
  const std::string all = text_of(page);
  for (const char* bytes : {"\x1b", "\xC2\x9B", "\xE2\x80\xAE", "\xE2\x81\xA6", "\xFF"}) {
    EXPECT_EQ(all.find(bytes), std::string::npos) << printable(bytes);
  }
}

}  // namespace
}  // namespace itm::testing
