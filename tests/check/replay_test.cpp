// The engine against float64 autograd traces: losses, first-iteration intermediates and gradients, final parameters and
// curve.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "itm/array.hpp"
#include "itm/error.hpp"
#include "itm/verify.hpp"
#include "made_zoo.hpp"
#include "paths.hpp"

namespace {

using itm::Precision;
using itm::Recurrence;

class Replay : public testing::TestWithParam<std::tuple<std::string, Precision, Recurrence>> {};

TEST_P(Replay, StaysWithinTolerance) {
  const auto& [name, precision, recurrence] = GetParam();
  const std::filesystem::path folder = std::filesystem::path(itm::testing::test_data()) / "itm_trace" / name;
  const std::vector<itm::Deviation> deviations = itm::replay_trace(folder, precision, recurrence);
  EXPECT_EQ(deviations.size(), 16U) << "dispersion, losses, two curves, eight iteration-1 arrays, four final arrays";
  for (const itm::Deviation& d : deviations) {
    EXPECT_TRUE(d.within) << d.name << ": relative " << d.relative << ", Frobenius " << d.frobenius << ", allowed "
                          << d.tolerance;
  }
}

INSTANTIATE_TEST_SUITE_P(Traces, Replay,
                         testing::Combine(testing::Values("small", "wide", "nstep", "classes_over_dims"),
                                          testing::Values(Precision::float64, Precision::float32),
                                          testing::Values(Recurrence::gram, Recurrence::factored)),
                         [](const auto& tested) {
                           return std::get<0>(tested.param) +
                                  (std::get<1>(tested.param) == Precision::float64 ? "_float64" : "_float32") +
                                  (std::get<2>(tested.param) == Recurrence::gram ? "_gram" : "_factored");
                         });

TEST(ReplayErrors, NameTheMissingTrace) {
  try {
    (void)itm::replay_trace("no/such/folder", Precision::float64, Recurrence::gram);
    FAIL() << "nothing was thrown";
  } catch (const itm::InputError& error) {
    EXPECT_NE(std::string(error.what()).find("no/such/folder/trace.json"), std::string::npos);
  }
}

// ---- Traces that contradict themselves ----------------------------------------------------------------------------

/// A copy of a good trace, to be spoilt.
class SpoiltTrace : public testing::Test {
 protected:
  SpoiltTrace() {
    std::filesystem::copy(std::filesystem::path(itm::testing::test_data()) / "itm_trace" / "small", folder_.path());
    std::ifstream(folder_ / "trace.json") >> meta_;
  }

  template <typename T>
  void write_array(const std::string& name, const std::vector<T>& values, const std::vector<std::size_t>& shape) {
    itm::write_npy<T>(folder_ / (name + ".npy"), values, shape);
  }

  /// The sentence that the trace is refused with.
  std::string refused() {
    std::ofstream(folder_ / "trace.json") << meta_;
    return sentence();
  }
  std::string sentence() {
    try {
      (void)itm::replay_trace(folder_.path(), Precision::float64, Recurrence::gram);
    } catch (const itm::InputError& error) {
      return error.what();
    }
    return "nothing was refused";
  }
  std::string refused(const char* key, const nlohmann::json& value) {
    const nlohmann::json before = std::exchange(meta_[key], value);
    std::string said = refused();
    meta_[key] = before;
    return said;
  }

  itm::testing::TemporaryFolder folder_;
  nlohmann::json meta_;
};

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_F(SpoiltTrace, HasLabelsBeyondItsClasses) {
  EXPECT_PRED2(says, refused("C", 2), "label.npy: holds ");
  EXPECT_PRED2(says, refused("C", 2), "which is outside 0..1; write the trace again");
  std::vector<std::int64_t> labels(160, 1);
  labels[7] = 65'536;
  write_array("label", labels, {160});
  EXPECT_PRED2(says, refused(), "label.npy: holds 65536, which is outside 0..4");
  labels[7] = -1;
  write_array("label", labels, {160});
  EXPECT_PRED2(says, refused(), "label.npy: holds -1, which is outside 0..4");
}

TEST_F(SpoiltTrace, HasNoSuchNumberOfClasses) {
  for (const nlohmann::json& classes : {nlohmann::json(-1), nlohmann::json(0), nlohmann::json(161), nlohmann::json(5.5),
                                        nlohmann::json("5"), nlohmann::json(18446744073709551615U)}) {
    EXPECT_PRED2(says, refused("C", classes),
                 "trace.json: 'C' is " + classes.dump() + ", not a whole number from 1 to 160");
  }
  EXPECT_PRED2(says, refused("C", 6), "init_psi_w.npy: has shape [5, 12], not [6, 12]");
}

TEST_F(SpoiltTrace, HasNumbersOutOfRange) {
  EXPECT_PRED2(says, refused("iterations", -1), "'iterations' is -1, not a whole number from 1 to 100,000");
  EXPECT_PRED2(says, refused("iterations", 1'000'000'000), "not a whole number from 1 to 100,000");
  EXPECT_PRED2(says, refused("iterations", 41), "batches.npy: has 1,280 row numbers; 41 iterations need");
  EXPECT_PRED2(says, refused("n", 1'000'000'000), "'n' is 1000000000, not a whole number from 1 to 10,000");
  EXPECT_PRED2(says, refused("eta", 2), "'eta' is 2, not a number from 0 to 1");
  EXPECT_PRED2(says, refused("eta", "much"), "'eta' is \"much\", not a number");
  EXPECT_PRED2(says, refused("N", 161), "'N' is 161, but the arrays have 160");
  EXPECT_PRED2(says, refused("B", 31), "'B' is 31, but the arrays have 32");
  EXPECT_PRED2(says, refused("optimizer", 1), "'optimizer' is no JSON object");
  EXPECT_PRED2(says, refused("optimizer", {{"lr", "x"}}), "'lr' is \"x\", not a number");
  EXPECT_PRED2(says, refused("losses", {1, 2}), "'losses' has 2 numbers for 40 iterations");
  EXPECT_PRED2(says, refused("losses", {1, "x"}), "'losses' holds \"x\", not a number");
  EXPECT_PRED2(says, refused("validation", nlohmann::json::array()), "'validation' has no point");
  EXPECT_PRED2(says, refused("validation", {{{"iteration", 0}, {"accuracy", 0}, {"loss", 0}}}),
               "'iteration' is 0, not a whole number from 1 to 40");
  EXPECT_PRED2(says, refused("validation", {{{"iteration", 41}, {"accuracy", 0}, {"loss", 0}}}),
               "'iteration' is 41, not a whole number from 1 to 40");
  meta_ = nlohmann::json::array();
  EXPECT_PRED2(says, refused(), "trace.json: holds no JSON object");
}

TEST_F(SpoiltTrace, HasArraysOfOtherShapes) {
  const struct {
    const char* name;
    std::vector<std::size_t> shape;
    const char* sentence;
  } cases[] = {{"init_psi_b", {4}, "init_psi_b.npy: has shape [4], not [5]"},
               {"init_head_w", {5, 4}, "init_head_w.npy: has shape [5, 4], not [5, 5]"},
               {"final_psi_w", {12, 5}, "final_psi_w.npy: has shape [12, 5], not [5, 12]"},
               {"iter1_recurrence", {5, 5}, "iter1_recurrence.npy: has shape [5, 5], not [32, 32]"},
               {"centres", {5}, "centres.npy: has shape [5], not [5, 5]"},
               {"label", {159}, "label.npy: has shape [159], not [160]"},
               {"val_index", {161}, "val_index.npy: has 161 row numbers of 160 rows"}};
  for (const auto& c : cases) {
    const std::filesystem::path file = folder_ / (std::string(c.name) + ".npy");
    const std::filesystem::path kept = folder_ / "kept";
    const bool is_there = std::filesystem::exists(file);
    if (is_there) std::filesystem::rename(file, kept);
    write_array(c.name, std::vector<double>(c.shape[0] * (c.shape.size() == 2 ? c.shape[1] : 1)), c.shape);
    EXPECT_PRED2(says, refused(), c.sentence);
    std::filesystem::remove(file);
    if (is_there) std::filesystem::rename(kept, file);
  }
}

TEST_F(SpoiltTrace, NamesRowsThatAreNot) {
  for (const char* name : {"train_index", "val_index", "batches"}) {
    const std::filesystem::path file = folder_ / (std::string(name) + ".npy");
    std::vector<std::int64_t> rows = itm::read_array(file).to_integers();
    const std::vector<std::int64_t> before = rows;
    rows.back() = 160;
    write_array(name, rows, {rows.size()});
    EXPECT_PRED2(says, refused(), std::string(name) + ".npy: holds 160, which is outside 0..159");
    write_array(name, before, {before.size()});
  }
  EXPECT_EQ(refused(), "nothing was refused");
}

TEST_F(SpoiltTrace, IsNoReadableText) {
  std::ofstream(folder_ / "trace.json") << std::string(400'000, '[');
  EXPECT_PRED2(says, sentence(), "trace.json: is nested deeper than 32 levels; write the trace again");
  std::ofstream(folder_ / "trace.json") << "{\"C\": 1e999}";
  EXPECT_PRED2(says, sentence(), "trace.json: holds the number 1e999, which is out of range");
  std::filesystem::remove(folder_ / "trace.json");
  ASSERT_EQ(mkfifo((folder_ / "trace.json").c_str(), 0600), 0);
  EXPECT_PRED2(says, sentence(), "trace.json: is not a regular file");
}

}  // namespace
