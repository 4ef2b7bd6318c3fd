// What a journal survives, and what it refuses.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <regex>

#include "made_sweep.hpp"

namespace itm::testing {
namespace {

/// Six units of a few milliseconds.
class Journal : public ::testing::Test {
 protected:
  Journal() {
    write_small_zoo(zoo(), "first");
    write_small_zoo(zoo(), "second");
    spec_.zoo = zoo();
    spec_.methods = {"itm", "logme"};
    spec_.settings = {{"iterations", {20.0}}, {"seed", {0.0, 1.0}}};
    options_.journal = folder_ / "journal";
  }
  [[nodiscard]] std::filesystem::path zoo() const { return zoo_.path(); }
  [[nodiscard]] const std::filesystem::path& file() const { return options_.journal; }
  SweepReport run() { return run_sweep(plan_sweep(spec_), options_); }
  std::string refused() {
    return refusal([&] { (void)run(); });
  }

  TemporaryFolder zoo_;
  TemporaryFolder folder_;
  SweepSpec spec_;
  SweepOptions options_;
};

TEST_F(Journal, HoldsAHeaderAndALinePerUnitInPlanOrder) {
  const SweepReport report = run();
  ASSERT_EQ(report.rows.size(), 6U);
  EXPECT_EQ(report.resumed, 0U);
  const std::vector<std::string> lines = lines_of(file());
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(Json::parse(lines[0])["schema"], "itm.journal/1");
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(Json::parse(lines[i + 1])["unit"], i);
  }
}

TEST_F(Journal, GivesBackEveryScoreBitByBit) {
  const SweepReport first = run();
  const std::string text = text_of(file());
  const SweepReport second = run();
  EXPECT_EQ(text_of(file()), text) << "nothing was left to do";
  ASSERT_EQ(second.resumed, 6U);
  for (std::size_t i = 0; i < first.rows.size(); ++i) {
    const std::vector<ScoredModel>& a = first.rows[i].result.models;
    const std::vector<ScoredModel>& b = second.rows[i].result.models;
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t m = 0; m < a.size(); ++m) {
      EXPECT_EQ(a[m].model, b[m].model);
      EXPECT_EQ(a[m].score, b[m].score);
      EXPECT_EQ(a[m].tie_break, b[m].tie_break);
      EXPECT_EQ(a[m].rank, b[m].rank);
      EXPECT_EQ(a[m].details, b[m].details);
    }
  }
}

TEST_F(Journal, ScoresAreThoseOfARanking) {
  const SweepReport report = run();
  RankOptions options;
  options.datasets = {"second"};
  options.itm.iterations = 20;
  options.seed = 1;
  const RankReport ranking = rank_zoo(discover_zoo(zoo()), options);
  const RankedDataset& swept = report.rows[4].result;
  ASSERT_EQ(report.rows[4].unit.key, R"({"dataset":"second","method":"itm","settings":{"iterations":20,"seed":1}})");
  for (std::size_t m = 0; m < swept.models.size(); ++m) {
    EXPECT_EQ(swept.models[m].model, ranking.results[0].models[m].model);
    EXPECT_EQ(swept.models[m].score, ranking.results[0].models[m].score);
  }
}

TEST_F(Journal, KeepsNumbersThatJsonHasNot) {
  const SweepPlan plan = plan_sweep(spec_);
  SweepRow row;
  row.unit = plan.units[2];
  row.failures = {{"first", "poor", "logme", "a \"sentence\"\n"}};
  for (const double score : {-std::numeric_limits<double>::infinity(), 0.1 + 0.2, 5e-324, -0.0}) {
    ScoredModel& model = row.result.models.emplace_back();
    model.model = "m";
    model.score = score;
    model.tie_break = std::nan("");
  }
  const SweepRow read = read_journal_line(plan, to_journal_line(row));
  EXPECT_EQ(to_journal_line(row).find('\n'), std::string::npos);
  EXPECT_EQ(read.unit.key, row.unit.key);
  EXPECT_EQ(read.failures.at(0).message, "a \"sentence\"\n");
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(read.result.models[i].score, row.result.models[i].score);
    EXPECT_EQ(std::signbit(read.result.models[i].score), std::signbit(row.result.models[i].score));
    EXPECT_TRUE(std::isnan(read.result.models[i].tie_break));
  }
}

/// A kill may leave any beginning of the file: each leads to the same journal, and no whole line is written again.
TEST_F(Journal, GoesOnFromAnyBeginningOfItself) {
  (void)run();
  const std::string whole = text_of(file());
  const std::vector<Json> expected = contents_of(file());
  std::mt19937 random(1);
  std::vector<std::size_t> cuts{0, 1, whole.find('\n'), whole.find('\n') + 1, whole.size() - 1, whole.size()};
  for (int i = 0; i < 20; ++i) {
    cuts.push_back(random() % whole.size());
  }
  for (const std::size_t cut : cuts) {
    write_text(file(), whole.substr(0, cut));
    const std::vector<std::string> kept = lines_of(file());
    const SweepReport report = run();
    EXPECT_EQ(report.resumed, kept.empty() ? 0 : kept.size() - 1);
    const std::vector<std::string> now = lines_of(file());
    EXPECT_TRUE(std::equal(kept.begin(), kept.end(), now.begin())) << "after " << cut << " bytes";
    EXPECT_EQ(contents_of(file()), expected) << "after " << cut << " bytes";
  }
}

TEST_F(Journal, TellsAnEditedScoreByItsChecksum) {
  (void)run();
  const std::string whole = text_of(file());
  for (const std::size_t line : {0U, 1U, 4U}) {
    std::string damaged = whole;
    std::size_t at = 0;
    for (std::size_t i = 0; i < line; ++i) {
      at = damaged.find('\n', at) + 1;
    }
    at = damaged.find(line == 0 ? "\"units\":6" : "\"rank\":1", at) + (line == 0 ? 8 : 7);
    damaged[at] = '9';  // still JSON, and still what it should be by its looks
    write_text(file(), damaged);
    EXPECT_PRED2(says, refused(), fmt::format("line {} is damaged (its checksum does not fit)", line + 1));
    EXPECT_EQ(text_of(file()), damaged) << "it is left alone";
  }
}

/// A journal as versions without checksums wrote it.
std::string without_checksums(const std::string& journal) {
  return std::regex_replace(journal, std::regex(",\"xxh3\":\"[0-9a-f]{16}\""), "");
}

TEST_F(Journal, ReadsThoseFromBeforeThereWereChecksums) {
  (void)run();
  const std::string whole = text_of(file());
  const std::string old = without_checksums(whole);
  ASSERT_EQ(old.size(), whole.size() - 7 * 26);
  write_text(file(), old);
  const SweepReport report = run();
  EXPECT_EQ(report.resumed, 6U);
  EXPECT_EQ(report.unchecked, 6U);
  EXPECT_EQ(text_of(file()), old);

  write_text(file(), old.substr(0, old.rfind('{', old.find("\"unit\":5"))));
  EXPECT_EQ(run().resumed, 5U) << "and goes on in one";
  EXPECT_EQ(run().unchecked, 5U);
}

TEST_F(Journal, MissesTheChecksumOfALineAmongOthers) {
  (void)run();
  const std::vector<std::string> lines = lines_of(file());
  write_text(file(), lines[0] + "\n" + without_checksums(lines[1]) + "\n" + lines[2] + "\n");
  EXPECT_PRED2(says, refused(), "line 2 is damaged (it has no checksum)");
}

TEST_F(Journal, IsARegularFile) {
  ASSERT_EQ(mkfifo(file().c_str(), 0600), 0);
  EXPECT_PRED2(says, refused(), "journal: is not a regular file");
  std::filesystem::remove(file());
  std::filesystem::create_symlink("/dev/null", file());
  EXPECT_PRED2(says, refused(), "journal: is not a regular file");
}

TEST_F(Journal, OfDeepDetailsIsDamaged) {
  (void)run();
  const std::vector<std::string> lines = lines_of(file());
  std::string deep = without_checksums(lines[1]);
  const std::size_t at = deep.find("\"details\":{") + 10;
  deep.insert(at + 1, "\"x\":" + std::string(200'000, '[') + std::string(200'000, ']') + ",");
  write_text(file(), without_checksums(lines[0]) + "\n" + deep + "\n" + without_checksums(lines[2]) + "\n");
  EXPECT_PRED2(says, refused(), "line 2 is damaged (it is nested deeper than 32 levels)");
}

TEST_F(Journal, CutsOffALastLineThatIsNoUnit) {
  (void)run();
  const std::vector<Json> expected = contents_of(file());
  const std::string whole = text_of(file());
  write_text(file(), whole.substr(0, whole.rfind('{', whole.size() - 10)) + "\n");
  EXPECT_EQ(run().resumed, 5U);
  EXPECT_EQ(contents_of(file()), expected);
}

TEST_F(Journal, PutsUnitsThatEndedInAnotherOrderInPlanOrder) {
  (void)run();
  const std::vector<Json> expected = contents_of(file());
  std::filesystem::remove(file());
  const SweepPlan plan = plan_sweep(spec_);
  SweepOptions scoring;
  options_.workers = [&](const std::vector<SweepUnit>& missing, const std::function<void(SweepRow)>& finished) {
    for (auto unit = missing.rbegin(); unit != missing.rend(); ++unit) {
      finished(score_unit(plan, *unit, scoring));
      EXPECT_EQ(lines_of(file()).size(), 2U + static_cast<std::size_t>(unit - missing.rbegin())) << "kept as they come";
    }
  };
  (void)run();
  EXPECT_EQ(contents_of(file()), expected);
}

TEST_F(Journal, RefusesDamageInTheMiddle) {
  (void)run();
  std::string text = text_of(file());
  text[text.find("\"models\"", text.find('\n')) + 1] = '"';
  write_text(file(), text);
  EXPECT_PRED2(says, refused(), "journal: line 2 is damaged");
  EXPECT_EQ(text_of(file()), text);
}

TEST_F(Journal, RefusesAnotherSweep) {
  (void)run();
  const std::string text = text_of(file());
  spec_.settings[0].second = {30.0};
  EXPECT_PRED2(says, refused(), "journal: belongs to another sweep than this spec");
  EXPECT_PRED2(says, refusal([&] { (void)estimate_sweep(plan_sweep(spec_), options_); }), "belongs to another sweep");
  EXPECT_EQ(text_of(file()), text);
}

TEST_F(Journal, OfAFinishedSweepTakesFurtherSeedsAndMethods) {
  const SweepReport before = run();
  spec_.settings[1].second = {2.0, 0.0, 1.0};
  spec_.methods = {"knn", "logme", "itm"};
  EXPECT_EQ(estimate_sweep(plan_sweep(spec_), options_).finished, 6U);
  std::vector<std::string> scored;
  const SweepPlan plan = plan_sweep(spec_);
  SweepOptions scoring;
  options_.workers = [&](const std::vector<SweepUnit>& missing, const std::function<void(SweepRow)>& finished) {
    for (const SweepUnit& unit : missing) {
      scored.push_back(unit.key);
      finished(score_unit(plan, unit, scoring));
    }
  };
  const SweepReport grown = run();
  EXPECT_EQ(grown.resumed, 6U);
  EXPECT_EQ(scored.size(), 4U) << "on each data set one seed of ITM, and kNN";
  ASSERT_EQ(grown.rows.size(), 10U);
  for (const SweepRow& old : before.rows) {
    const auto same = std::find_if(grown.rows.begin(), grown.rows.end(),
                                   [&](const SweepRow& row) { return row.unit.key == old.unit.key; });
    ASSERT_NE(same, grown.rows.end()) << old.unit.key;
    EXPECT_EQ(same->result.models.front().score, old.result.models.front().score);
    EXPECT_EQ(same->seconds, old.seconds) << "it did not run again";
  }
  // The journal is that of a run with all of them, and the shorter spec no longer fits it.
  const std::vector<Json> contents = contents_of(file());
  std::filesystem::remove(file());
  options_.workers = nullptr;
  (void)run();
  EXPECT_EQ(contents_of(file()), contents);
  spec_.methods = {"itm"};
  EXPECT_PRED2(says, refused(), "it may gain methods and values of settings, and lose none");
}

TEST_F(Journal, GoesOnWhereGrowingWasInterrupted) {
  (void)run();
  spec_.settings[1].second = {0.0, 1.0, 2.0, 3.0};
  const SweepPlan plan = plan_sweep(spec_);
  SweepOptions scoring;
  options_.workers = [&](const std::vector<SweepUnit>& missing, const std::function<void(SweepRow)>& finished) {
    finished(score_unit(plan, missing.back(), scoring));
    throw Interrupted();
  };
  EXPECT_THROW((void)run(), Error);
  options_.workers = nullptr;
  const SweepReport report = run();
  EXPECT_EQ(report.resumed, 7U);
  EXPECT_EQ(report.rows.size(), 10U);
  EXPECT_EQ(run().resumed, 10U);
}

TEST_F(Journal, OfAShardDoesNotGrow) {
  options_.shard = {1, 2};
  (void)run();
  spec_.settings[1].second = {0.0, 1.0, 2.0};
  EXPECT_PRED2(says, refused(), "belongs to another sweep than this spec");
}

TEST_F(Journal, DoesNotTakeOtherDataSets) {
  spec_.datasets = {"first"};
  (void)run();
  spec_.datasets.clear();
  EXPECT_PRED2(says, refused(), "belongs to another sweep than this spec");
}

TEST_F(Journal, RefusesOtherFeaturesOrLabels) {
  (void)run();
  write_entry(zoo(), "fair", "second", made_data(150, 16, 5, 0.25, 99));
  EXPECT_PRED2(says, refused(), "was begun with other features or labels than ");
}

TEST_F(Journal, KeepsToItsDataSets) {
  spec_.datasets = {"first"};
  (void)run();
  write_entry(zoo(), "fair", "second", made_data(150, 16, 5, 0.25, 99));
  EXPECT_EQ(run().resumed, 3U) << "the second data set takes no part";
}

TEST_F(Journal, RefusesAnotherDevice) {
  (void)run();
  options_.backend = "cuda";
  EXPECT_PRED2(says, refused(), "was begun on cpu, this run is on cuda");
}

TEST_F(Journal, LeavesFilesAloneThatAreNone) {
  for (const std::string text : {"notes", "notes\nand more\n", "{\"schema\": \"itm.rank/1\"}\n"}) {
    write_text(file(), text);
    EXPECT_PRED2(says, refused(), "journal: is no journal of a sweep; name another file");
    EXPECT_EQ(text_of(file()), text);
  }
}

TEST_F(Journal, KeepsASecondProcessOut) {
  options_.progress = [&](std::size_t, std::size_t) {
    SweepOptions second = options_;
    second.progress = nullptr;
    EXPECT_PRED2(says, refusal([&] { (void)run_sweep(plan_sweep(spec_), second); }),
                 "journal: another process works on this sweep");
  };
  EXPECT_EQ(run().rows.size(), 6U);
}

TEST_F(Journal, KeepsFinishedUnitsWhenAUnitFails) {
  spec_.settings.emplace_back("precision", std::vector<SettingValue>{"float32", "tf32"});  // tf32 is for GPUs only
  EXPECT_PRED2(says, refused(), "first by itm: ");
  EXPECT_EQ(lines_of(file()).size(), 2U);
  options_.keep_going = true;
  const SweepReport report = run();
  EXPECT_EQ(report.resumed, 1U);
  ASSERT_EQ(report.rows.size(), 10U);
  EXPECT_TRUE(report.rows[1].result.models.empty());
  EXPECT_EQ(report.rows[1].failures.size(), 1U);
  EXPECT_EQ(report.rows[2].result.models.size(), 3U);
}

TEST_F(Journal, StopsAtAnInterruptAndSaysWhatItKeeps) {
  std::size_t done = 0;
  options_.progress = [&](std::size_t now, std::size_t) { done = now; };
  options_.cancelled = [&] { return done == 3; };
  try {
    (void)run();
    FAIL() << "not interrupted";
  } catch (const Error& error) {
    EXPECT_EQ(error.status(), ExitStatus::interrupted);
    EXPECT_PRED2(says, error.what(), "journal keeps the 3 finished units, and the same command goes on from there");
  }
  EXPECT_EQ(lines_of(file()).size(), 4U);
}

TEST_F(Journal, IsTheSameForAnyNumberOfThreads) {
  (void)run();
  const std::vector<Json> expected = contents_of(file());
  std::filesystem::remove(file());
  options_.threads = 4;
  (void)run();
  EXPECT_EQ(contents_of(file()), expected);
}

TEST_F(Journal, IsNotNeeded) {
  options_.journal.clear();
  EXPECT_EQ(run().rows.size(), 6U);
  EXPECT_TRUE(names_in(folder_.path()).empty());
}

}  // namespace
}  // namespace itm::testing
