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
    const Zoo zoo = discover_zoo(folder, {.datasets = known});
    EXPECT_EQ(zoo.dataset_names(), Names{"pets"});
    const auto& entries = zoo.entries("pets");
    ASSERT_EQ(models(zoo, "pets"), (Names{"both", "resnet_50", "vgg"}));
    EXPECT_EQ(entries[0].source.value().file, folder / "both_source_feature.npy");
    EXPECT_EQ(entries[1].source.value().file, folder / "resnet_50_imagenet_feature.npy");
    EXPECT_EQ(entries[2].source.value().file, folder / "vgg_source_feature.npy");
  }
}

TEST_F(ZooFolder, WordsThatAllModelsShareBelongToTheDataset) {
  for (const char* model : {"resnet50", "vit_b16"}) {
    for (const char* dataset : {"oxford_pets", "stanford_cars"}) touch_pair(std::string(model) + "_" + dataset);
  }
  const Zoo zoo = discover_zoo(folder);
  EXPECT_EQ(zoo.dataset_names(), (Names{"oxford_pets", "stanford_cars"}));
  EXPECT_EQ(models(zoo, "oxford_pets"), (Names{"resnet50", "vit_b16"}));
  EXPECT_TRUE(zoo.remarks.empty()) << "fewer names: no guess";
}

TEST_F(ZooFolder, ModelsThatShareAWordKeepItWhereThatGivesFewerNames) {
  for (const char* model : {"sup_vit_b", "sup_resnet_l", "barlow_vit_b", "barlow_resnet_l"}) {
    for (const char* dataset : {"greek", "math"}) touch_pair(std::string(model) + "_" + dataset);
  }
  EXPECT_EQ(discover_zoo(folder).dataset_names(), (Names{"greek", "math"}));
}

TEST_F(ZooFolder, AGuessIsSaid) {
  touch_pair("resnet50_oxford_pets");
  touch_pair("vgg_oxford_pets");
  const Zoo zoo = discover_zoo(folder);
  EXPECT_EQ(models(zoo, "oxford_pets"), (Names{"resnet50", "vgg"}));
  EXPECT_EQ(zoo.remarks,
            Names{"read as oxford_pets with models resnet50, vgg; pass --dataset pets where the models are "
                  "resnet50_oxford, vgg_oxford"});
  EXPECT_EQ(models(discover_zoo(folder, {.datasets = {"pets"}}), "pets"), (Names{"resnet50_oxford", "vgg_oxford"}));
}

TEST_F(ZooFolder, AModelKnownFromOtherDatasetsKeepsItsName) {
  touch_pair("resnet50_pets");
  touch_pair("vgg_pets");
  touch_pair("resnet50_stanford_cars");
  EXPECT_EQ(models(discover_zoo(folder), "stanford_cars"), Names{"resnet50"});
}

TEST_F(ZooFolder, TwoReadingsAreAQuestion) {
  touch_pair("resnet50_oxford_pets");
  touch_pair("vit_b16_stanford_cars");
  EXPECT_REFUSED(discover_zoo(folder),
                 "is resnet50_oxford_pets model 'resnet50_oxford' on data set 'pets', or 'resnet50' on 'oxford_pets'? "
                 "Pass --dataset pets or --dataset oxford_pets, or write a manifest (zoo.csv)");
  EXPECT_EQ(discover_zoo(folder, {.datasets = {"oxford_pets", "stanford_cars"}}).dataset_names(),
            (Names{"oxford_pets", "stanford_cars"}));
}

TEST_F(ZooFolder, AWordThatSomeModelsHaveMayBeOfEither) {
  for (const char* stem : {"a_pets", "b_pets", "a_large_pets", "b_large_pets"}) touch_pair(stem);
  EXPECT_REFUSED(discover_zoo(folder), "is a_large_pets model 'a_large' on data set 'pets', or 'a' on 'large_pets'?");
  EXPECT_EQ(models(discover_zoo(folder, {.datasets = {"pets"}}), "pets"), (Names{"a", "a_large", "b", "b_large"}));
}

TEST_F(ZooFolder, OneLabelFileServesAllModelsAndNamesTheirDataset) {
  touch("resnet50_oxford_pets_feature.npy");
  touch("vit_b16_stanford_cars_feature.npy");
  touch("oxford_pets_label.npy");
  touch("stanford_cars_label.txt");
  touch("classes.txt");
  const Zoo zoo = discover_zoo(folder);
  ASSERT_EQ(models(zoo, "oxford_pets"), Names{"resnet50"});
  EXPECT_EQ(zoo.entries("oxford_pets")[0].label.file, folder / "oxford_pets_label.npy");
  EXPECT_EQ(zoo.entries("stanford_cars")[0].label.file, folder / "stanford_cars_label.txt");
  EXPECT_EQ(zoo.entries("stanford_cars")[0].classes, folder / "classes.txt");
}

TEST_F(ZooFolder, LabelsOfAModelAreNoDatasetsName) {
  touch_pair("vit_pets");
  touch_pair("sup_vit_pets");
  EXPECT_EQ(models(discover_zoo(folder), "pets"), (Names{"sup_vit", "vit"}));
}

TEST_F(ZooFolder, TargetsStandInForLabels) {
  touch("vgg_depth_feature.npy");
  touch("resnet_depth_feature.npy");
  touch("depth_target.npy");
  touch("vgg_depth_target.npy");
  const Zoo zoo = discover_zoo(folder);
  EXPECT_EQ(zoo.entries("depth")[0].target->file, folder / "depth_target.npy");
  EXPECT_EQ(zoo.entries("depth")[1].target->file, folder / "vgg_depth_target.npy");
}

TEST_F(ZooFolder, SubfoldersAreLookedThrough) {
  for (const char* name : {"resnet50", "pets", "cars/deep"}) std::filesystem::create_directories(folder / name);
  touch_pair("resnet50/resnet50_birds");  // a folder per model
  touch("pets/vit_b16_feature.npy");      // a folder per data set
  touch("pets/label.npy");
  touch_pair("cars/deep/vgg_cars");
  const Zoo zoo = discover_zoo(folder);
  EXPECT_EQ(zoo.dataset_names(), (Names{"birds", "cars", "pets"}));
  EXPECT_EQ(models(zoo, "pets"), Names{"vit_b16"});
  EXPECT_EQ(zoo.entries("pets")[0].label.file, folder / "pets/label.npy");
}

TEST_F(ZooFolder, ALinkToAFolderIsNotFollowed) {
  touch_pair("vgg_pets");
  std::filesystem::create_directory_symlink(folder, folder / "again");
  EXPECT_EQ(models(discover_zoo(folder), "pets"), Names{"vgg"});
}

TEST_F(ZooFolder, PatternsChooseModels) {
  for (const char* model : {"resnet18", "resnet50", "vit_b", "vit_l"}) touch_pair(std::string(model) + "_pets");
  EXPECT_EQ(models(discover_zoo(folder, {.models = {"resnet*", "vit_?"}, .exclude = {"*50"}}), "pets"),
            (Names{"resnet18", "vit_b", "vit_l"}));
  EXPECT_REFUSED(discover_zoo(folder, {.models = {"resnt*"}}),
                 "no model fits 'resnt*'; there are resnet18, resnet50, vit_b, vit_l");
  EXPECT_REFUSED(discover_zoo(folder, {.exclude = {"*"}}), "--models and --exclude leave no model");
}

TEST_F(ZooFolder, FeaturesMayHaveAnotherKey) {
  write("vgg_pets.npz",
        test::zip({{"embedding.npy", test::npy_features(3, 2)}, {"label.npy", test::npy_labels({0, 1, 2})}},
                  test::Packing::stored));
  EXPECT_REFUSED(discover_zoo(folder), "has no array 'feature' (it holds embedding, label); pass --feature-key");
  EXPECT_EQ(discover_zoo(folder, {.feature_key = "embedding"}).entries("pets")[0].feature.read().cols(), 2U);
}

TEST_F(ZooFolder, AManifestEndsAllGuessing) {
  std::filesystem::create_directory(folder / "sub");
  write("zoo.csv",
        "Model,dataset,feature,label,layer,kind,milliseconds\n"
        "resnet50,oxford_pets,sub/a.npy,sub/y.npy,layer3,cnn,4.5\n"
        "resnet50,oxford_pets,sub/b.npy,sub/y.npy,,cnn,\n"
        "vit,cars,v.npz,,,,\n");
  touch("ignored_pets_feature.npy");
  const Zoo zoo = discover_zoo(folder);
  EXPECT_EQ(zoo.dataset_names(), (Names{"cars", "oxford_pets"}));
  ASSERT_EQ(models(zoo, "oxford_pets"), (Names{"resnet50", "resnet50.layer3"}));
  const ZooEntry& layer = zoo.entries("oxford_pets")[1];
  EXPECT_EQ(layer.feature.file, folder / "sub/a.npy");
  EXPECT_EQ(layer.label.file, folder / "sub/y.npy");
  EXPECT_EQ(layer.facts, (std::map<std::string, std::string>{{"kind", "cnn"}, {"milliseconds", "4.5"}}));
  EXPECT_EQ(zoo.entries("cars")[0].label.key, "label") << "inside the archive";
}

TEST_F(ZooFolder, AManifestThatCannotBeIsRefusedByLine) {
  const auto refused = [&](const std::string& text, const std::string& sentence) {
    write("zoo.csv", text);
    EXPECT_REFUSED(discover_zoo(folder), sentence);
  };
  refused("model,feature\n", "zoo.csv: line 1: there is no column dataset; model, dataset and feature are needed");
  refused("model,dataset,feature\n", "zoo.csv: names no file");
  refused("model,dataset,feature\nvgg,pets\n", "zoo.csv: line 2: 2 cells where the header has 3");
  refused("model,dataset,feature\nvgg,,a.npy\n", "zoo.csv: line 2: model, dataset or feature is empty");
  refused("model,dataset,feature\nvgg,pets,a.npy\n", "zoo.csv: line 2: 'vgg' on 'pets' has no labels");
  refused("model,dataset,feature,label\nvgg,pets,a.npy,l.npy\nvgg,pets,b.npy,l.npy\n",
          "zoo.csv: line 3: model 'vgg' is there twice for 'pets'");
}

TEST_F(ZooFolder, AManifestThatCameWithTheZooStaysInside) {
  for (const std::string path : {"/etc/passwd", "../secret.npy", "sub/../../secret.npy"}) {
    write("zoo.csv", "model,dataset,feature,label\nvgg,pets," + path + ",l.npy\n");
    EXPECT_REFUSED(discover_zoo(folder), "line 2: '" + path + "' lies outside the zoo's folder; pass --manifest");
    EXPECT_EQ(discover_zoo(folder, {.manifest = folder / "zoo.csv"}).entries("pets")[0].feature.file, folder / path);
  }
}

TEST_F(ZooFolder, UnderscoresAreResolvedByKnownDatasets) {
  touch_pair("model_a_stanford_cars");
  touch_pair("model_b_cars");
  // Without a list the data set is what follows the last underscore.
  Zoo zoo = discover_zoo(folder);
  EXPECT_EQ(models(zoo, "cars"), (Names{"model_a_stanford", "model_b"}));
  // With one, the longest name wins; files of other data sets keep the last underscore.
  zoo = discover_zoo(folder, {.datasets = {"cars", "stanford_cars"}});
  EXPECT_EQ(models(zoo, "stanford_cars"), Names{"model_a"});
  EXPECT_EQ(models(zoo, "cars"), Names{"model_b"});
  zoo = discover_zoo(folder, {.datasets = {"stanford_cars"}});
  EXPECT_EQ(zoo.dataset_names(), (Names{"cars", "stanford_cars"}));
}

TEST_F(ZooFolder, AKnownDatasetMayEndInImagenet) {
  touch_pair("vgg_tiny_imagenet");
  const Zoo zoo = discover_zoo(folder, {.datasets = {"tiny_imagenet"}});
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
  EXPECT_REFUSED(read_entry_labels(discover_zoo(folder).entries("pets")[0]),
                 "vgg_pets_feature.npy: has no labels; put them into " + (folder / "vgg_pets_label.npy").string() +
                     " or, for all models, into " + (folder / "pets_label.npy").string());
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
  const Zoo zoo = discover_zoo(folder, {.datasets = known});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(zoo.datasets.size(), 10U);
  EXPECT_EQ(zoo.entries("data_3").size(), 500U);
  EXPECT_LT(seconds.count(), 5.0);  // measured: 0.06 s; the room is for busy machines and sanitizers
}

}  // namespace
}  // namespace itm
