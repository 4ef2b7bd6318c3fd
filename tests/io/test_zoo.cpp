// Zoo discovery: which files belong together, by name.

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "files.hpp"
#include "itm/zoo.hpp"

namespace itm {
namespace {

class ZooFolder : public test::FileTest {
 protected:
  /// Discovery reads no .npy file, so an empty one will do.
  void touch(const std::string& name) const { write(name, ""); }
  void touch_pair(const std::string& stem) const {
    touch(stem + "_feature.npy");
    touch(stem + "_label.npy");
  }
  static std::vector<std::string> models(const Zoo& zoo, const std::string& dataset) {
    std::vector<std::string> names;
    for (const ZooEntry& entry : zoo.entries(dataset)) {
      EXPECT_EQ(entry.dataset, dataset);
      names.push_back(entry.model);
    }
    return names;
  }
  using Names = std::vector<std::string>;
};

TEST_F(ZooFolder, PairsAreFoundInOrder) {
  touch_pair("vgg_pets");
  touch_pair("alexnet_pets");
  touch_pair("vgg_cars");
  touch("vgg_pets_output.npy");
  touch("README.md");
  touch(".hidden_pets_feature.npy");
  std::filesystem::create_directory(folder / "sub_pets_feature.npy");
  const Zoo zoo = discover_zoo(folder);
  EXPECT_EQ(zoo.directory, folder);
  EXPECT_EQ(zoo.dataset_names(), (Names{"cars", "pets"}));
  EXPECT_EQ(models(zoo, "pets"), (Names{"alexnet", "vgg"}));
  const ZooEntry& vgg = zoo.entries("pets")[1];
  EXPECT_EQ(vgg.feature.file, folder / "vgg_pets_feature.npy");
  EXPECT_EQ(vgg.feature.key, "feature");
  EXPECT_EQ(vgg.label.file, folder / "vgg_pets_label.npy");
  ASSERT_TRUE(vgg.output.has_value());
  EXPECT_EQ(vgg.output->file, folder / "vgg_pets_output.npy");
  EXPECT_FALSE(zoo.entries("pets")[0].output.has_value());
  EXPECT_FALSE(vgg.source.has_value());
}

TEST_F(ZooFolder, AnUnknownDatasetNamesThoseThatExist) {
  touch_pair("vgg_pets");
  touch_pair("vgg_cars");
  const Zoo zoo = discover_zoo(folder);
  EXPECT_REFUSED(zoo.entries("birds"), "has no data set 'birds'; it has cars, pets");
}

TEST_F(ZooFolder, SourceFeaturesBelongToTheModelNotToADataset) {
  touch_pair("vgg_pets");
  touch_pair("resnet_50_pets");
  touch_pair("both_pets");
  touch("vgg_source_feature.npy");
  touch("resnet_50_imagenet_feature.npy");
  touch("both_source_feature.npy");
  touch("both_imagenet_feature.npy");
  touch("stranger_source_feature.npy");  // a model that is not in the zoo
  for (const Names& known : {Names{}, Names{"pets"}, Names{"source", "imagenet"}}) {
    const Zoo zoo = discover_zoo(folder, known);
    EXPECT_EQ(zoo.dataset_names(), Names{"pets"});
    const auto& entries = zoo.entries("pets");
    ASSERT_EQ(models(zoo, "pets"), (Names{"both", "resnet_50", "vgg"}));
    EXPECT_EQ(entries[0].source.value().file, folder / "both_source_feature.npy");
    EXPECT_EQ(entries[1].source.value().file, folder / "resnet_50_imagenet_feature.npy");
    EXPECT_EQ(entries[2].source.value().file, folder / "vgg_source_feature.npy");
  }
}

TEST_F(ZooFolder, UnderscoresAreResolvedByKnownDatasets) {
  touch_pair("model_a_stanford_cars");
  touch_pair("model_b_cars");
  // Without a list the data set is what follows the last underscore.
  Zoo zoo = discover_zoo(folder);
  EXPECT_EQ(models(zoo, "cars"), (Names{"model_a_stanford", "model_b"}));
  // With one, the longest name wins; files of other data sets keep the last underscore.
  zoo = discover_zoo(folder, {"cars", "stanford_cars"});
  EXPECT_EQ(models(zoo, "stanford_cars"), Names{"model_a"});
  EXPECT_EQ(models(zoo, "cars"), Names{"model_b"});
  zoo = discover_zoo(folder, {"stanford_cars"});
  EXPECT_EQ(zoo.dataset_names(), (Names{"cars", "stanford_cars"}));
}

TEST_F(ZooFolder, AKnownDatasetMayEndInImagenet) {
  touch_pair("vgg_tiny_imagenet");
  const Zoo zoo = discover_zoo(folder, {"tiny_imagenet"});
  EXPECT_EQ(models(zoo, "tiny_imagenet"), Names{"vgg"});
}

TEST_F(ZooFolder, ArchivesHoldFeatureLabelAndOutput) {
  const std::string members = test::zip({{"feature.npy", test::npy_features(3, 2)},
                                         {"label.npy", test::npy_labels({0, 1, 2})},
                                         {"output.npy", test::npy_features(3, 5)}},
                                        test::Packing::deflated);
  write("vgg_pets.npz", members);
  write("bert_pets.safetensors", test::safetensors(R"({"feature":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                                                   R"("label":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                                                   "\x01\x02\x03\x04"));
  write("vgg_source.npz", test::zip({{"feature.npy", test::npy_features(7, 2)}}, test::Packing::stored));
  write("statistics.npz", members);  // no data set in its name: no part of the zoo
  const Zoo zoo = discover_zoo(folder);
  ASSERT_EQ(models(zoo, "pets"), (Names{"bert", "vgg"}));
  const ZooEntry& vgg = zoo.entries("pets")[1];
  EXPECT_EQ(vgg.feature.read().cols(), 2U);
  EXPECT_EQ(vgg.label.read().to_integers(), (std::vector<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(vgg.output.value().read().cols(), 5U);
  EXPECT_EQ(vgg.source.value().read().rows(), 7U);
  const ZooEntry& bert = zoo.entries("pets")[0];
  EXPECT_EQ(bert.feature.read().to_integers(), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(bert.label.read().to_integers(), (std::vector<std::int64_t>{3, 4}));
  EXPECT_FALSE(bert.output.has_value());
}

TEST_F(ZooFolder, LabelsMayLieBesideAnArchiveOfFeatures) {
  write("vgg_pets.npz", test::zip({{"feature.npy", test::npy_features(3, 2)}}, test::Packing::stored));
  touch("vgg_pets_label.npy");
  EXPECT_EQ(discover_zoo(folder).entries("pets")[0].label.file, folder / "vgg_pets_label.npy");
}

TEST_F(ZooFolder, LabelsAloneAreNoModel) {
  touch_pair("vgg_pets");
  touch("vgg_cars_label.npy");
  EXPECT_EQ(discover_zoo(folder).dataset_names(), Names{"pets"});
}

TEST_F(ZooFolder, AFeatureWithoutLabelsNamesTheMissingFile) {
  touch("vgg_pets_feature.npy");
  EXPECT_REFUSED(discover_zoo(folder),
                 "vgg_pets_feature.npy: has no labels; put them into " + (folder / "vgg_pets_label.npy").string());
}

TEST_F(ZooFolder, TheSamePairTwiceIsRefused) {
  touch_pair("vgg_pets");
  write("vgg_pets.npz", test::zip({{"feature.npy", test::npy_features(3, 2)}}, test::Packing::stored));
  EXPECT_REFUSED(discover_zoo(folder), "holds the array 'feature' that vgg_pets.npz holds too");
}

TEST_F(ZooFolder, AnArchiveWithOtherKeysIsRefused) {
  write("vgg_pets.npz", test::zip({{"x.npy", test::npy_features(3, 2)}}, test::Packing::stored));
  EXPECT_REFUSED(discover_zoo(folder), "vgg_pets.npz: has no array 'feature' (it holds x)");
}

TEST_F(ZooFolder, ADamagedArchiveIsNamed) {
  write("vgg_pets.npz", "PK, but no archive");
  EXPECT_REFUSED(discover_zoo(folder), "vgg_pets.npz: is not a readable .npz archive");
}

TEST_F(ZooFolder, NamesWithoutAModelOrADatasetAreRefused) {
  touch("pets_feature.npy");
  EXPECT_REFUSED(discover_zoo(folder), "pets_feature.npy: does not name a model and a data set");
}

TEST_F(ZooFolder, FoldersThatAreNoZooAreRefused) {
  EXPECT_REFUSED(discover_zoo(folder), "holds no feature file; name the files {model}_{dataset}_feature.npy");
  EXPECT_REFUSED(discover_zoo(folder / "absent"), "absent: no such directory");
  touch("plain");
  EXPECT_REFUSED(discover_zoo(folder / "plain"), "plain: is not a directory");
}

TEST_F(ZooFolder, TenThousandFilesAreQuick) {
  for (int model = 0; model < 500; ++model) {
    for (int dataset = 0; dataset < 10; ++dataset) {
      touch_pair("model_" + std::to_string(model) + "_data_" + std::to_string(dataset));
    }
  }
  std::vector<std::string> known;
  known.reserve(10);
  for (int dataset = 0; dataset < 10; ++dataset) known.push_back("data_" + std::to_string(dataset));
  const auto start = std::chrono::steady_clock::now();
  const Zoo zoo = discover_zoo(folder, known);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(zoo.datasets.size(), 10U);
  EXPECT_EQ(zoo.entries("data_3").size(), 500U);
  EXPECT_LT(seconds.count(), 5.0);  // measured: 0.06 s; the room is for busy machines and sanitizers
}

}  // namespace
}  // namespace itm
