// The ground-truth CSV: what spreadsheets and scripts write, and the line number of what is wrong.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "files.hpp"
#include "itm/zoo.hpp"

namespace itm {
namespace {

class Truth : public test::FileTest {
 protected:
  GroundTruth read(const std::string& text) const { return read_ground_truth(write("truth.csv", text)); }
  using Names = std::vector<std::string>;
};

TEST_F(Truth, IsATableOfModelsAndDatasets) {
  const GroundTruth truth = read("model,pets,cars\nvgg,93.5,80\nalexnet,71.25,\n");
  EXPECT_EQ(truth.file, folder / "truth.csv");
  EXPECT_EQ(truth.models, (Names{"vgg", "alexnet"}));
  EXPECT_EQ(truth.datasets, (Names{"pets", "cars"}));
  EXPECT_EQ(truth.accuracy.at("pets").at("vgg"), 93.5);
  EXPECT_EQ(truth.accuracy.at("pets").at("alexnet"), 71.25);
  EXPECT_EQ(truth.accuracy.at("cars").at("vgg"), 80);
  EXPECT_FALSE(truth.accuracy.at("cars").contains("alexnet"));  // an empty cell is unknown
}

TEST_F(Truth, ReadsWhatSpreadsheetsWrite) {
  const GroundTruth expected = read("model,pets\nvgg,93.5\n\"a, \"\"b\"\"\",1\n");
  EXPECT_EQ(expected.models, (Names{"vgg", "a, \"b\""}));
  for (const std::string text : {
           "\xEF\xBB\xBFmodel,pets\r\nvgg,93.5\r\n\"a, \"\"b\"\"\",1\r\n",  // byte order mark, CRLF
           "\n\nmodel,pets\n\n  \nvgg,93.5\n\"a, \"\"b\"\"\",1",            // blank lines, no newline at the end
           " model ,\tpets\n vgg , 93.5 \n \"a, \"\"b\"\"\" , \" 1 \" \n",  // spaces
           "Model,pets\rvgg,93.50\r\"a, \"\"b\"\"\",1e0\r",                 // CR alone
       }) {
    const GroundTruth truth = read(text);
    EXPECT_EQ(truth.models, expected.models) << text;
    EXPECT_EQ(truth.datasets, expected.datasets) << text;
    EXPECT_EQ(truth.accuracy, expected.accuracy) << text;
  }
}

TEST_F(Truth, BoundsAreAllowed) {
  const GroundTruth truth = read("model,pets\na,0\nb,100\n");
  EXPECT_EQ(truth.accuracy.at("pets").at("a"), 0);
  EXPECT_EQ(truth.accuracy.at("pets").at("b"), 100);
}

}  // namespace
}  // namespace itm
