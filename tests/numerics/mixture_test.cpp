// Principal components, k-means and the Gaussian mixture by their properties.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <random>

#include "core/numpy_random.hpp"
#include "itm/error.hpp"
#include "made_zoo.hpp"
#include "numerics/gaussian_mixture.hpp"
#include "numerics/k_means.hpp"
#include "numerics/pca.hpp"

namespace {

using itm::ComponentChoice;
using itm::Matrix;
using itm::testing::made_data;
using itm::testing::MadeData;
using Numbers = std::vector<double>;

void nothing() {}

/// numpy.random.seed(7): randint(1000), randint(1), randint(300), random_sample() of numpy 1.24.
TEST(NumpyRandom, DrawsNumpysIntegers) {
  itm::NumpyRandom random(7);
  EXPECT_EQ(random.below(1000), 175U);
  EXPECT_EQ(random.below(1), 0U);
  EXPECT_EQ(random.below(300), 196U);
  EXPECT_EQ(random.uniform(), 0.7799187922401146);
}

class PrincipalComponents : public ::testing::Test {
 protected:
  /// The model's features on their components, row-major.
  struct Found {
    std::size_t dims = 0;
    double share = 0;
    Numbers projected;
  };
  Found find(const MadeData& data, const ComponentChoice& choice) {
    const itm::testing::TemporaryFolder folder;
    itm::testing::write_entry(folder.path(), "model", "made", data);
    itm::ZooEntry entry;
    entry.feature = {folder / "model_made_feature.npy", ""};
    const itm::DatasetTask task{"made", {}, data.labels};
    const itm::ModelInput input(*device, estimator, options, task, entry, 0);
    const itm::PrincipalComponents made = itm::principal_components(input, choice);
    return {made.projected.cols(), made.share, device->read(made.projected)};
  }
  /// sum_i x_ia x_ib.
  static double product(const Found& found, std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t at = 0; at < found.projected.size(); at += found.dims) {
      sum += found.projected[at + a] * found.projected[at + b];
    }
    return sum;
  }
  static double distance(const double* a, const double* b, std::size_t dims) {
    double sum = 0;
    for (std::size_t d = 0; d < dims; ++d) {
      sum += (a[d] - b[d]) * (a[d] - b[d]);
    }
    return sum;
  }

  std::unique_ptr<itm::Device> device = itm::make_cpu_device();
  itm::Estimator estimator;
  itm::RankOptions options;
};

/// All components are a rotation: distances stay, columns are uncorrelated and ordered by variance. For N > D and
/// N < D.
TEST_F(PrincipalComponents, AllOfThemAreARotationOrderedByVariance) {
  for (const std::size_t rows : {60U, 12U}) {
    const MadeData data = made_data(rows, 20, 3, 1, 5);
    const Found found = find(data, {});
    ASSERT_EQ(found.dims, std::min<std::size_t>(rows, 20));
    EXPECT_NEAR(found.share, 1, 1e-12);
    const Numbers x(data.values.begin(), data.values.end());
    for (std::size_t i = 1; i < rows; ++i) {
      EXPECT_NEAR(distance(&found.projected[0], &found.projected[i * found.dims], found.dims),
                  distance(&x[0], &x[i * 20], 20), 1e-10);
    }
    for (std::size_t a = 0; a < found.dims; ++a) {
      for (std::size_t b = 0; b < a; ++b) {
        EXPECT_NEAR(product(found, a, b), 0, 1e-9);
        EXPECT_GE(product(found, b, b), product(found, a, a) - 1e-9);
      }
    }
  }
}

TEST_F(PrincipalComponents, ShareAndCountChooseHowMany) {
  for (const std::size_t rows : {60U, 12U}) {
    const MadeData data = made_data(rows, 20, 3, 1, 5);
    const Found all = find(data, {});
    double total = 0;
    for (std::size_t a = 0; a < all.dims; ++a) {
      total += product(all, a, a);
    }
    std::size_t fewest = 0;
    double share = 0;
    while (share <= 0.8) {
      share += product(all, fewest, fewest) / total;
      ++fewest;
    }
    const Found most = find(data, {.share = 0.8});
    EXPECT_EQ(most.dims, fewest);
    EXPECT_NEAR(most.share, share, 1e-12);
    EXPECT_EQ(find(data, {.most = 2}).dims, 2U);
    EXPECT_EQ(find(data, {.most = 2, .share = 0.8}).dims, 2U);
    EXPECT_EQ(find(data, {.most = 0}).dims, 1U);
  }
}

TEST_F(PrincipalComponents, ConstantFeaturesAreOneColumnOfZeros) {
  MadeData data = made_data(9, 4, 3, 1, 5);
  std::fill(data.values.begin(), data.values.end(), 0.3F);
  const Found found = find(data, {.share = 0.8});
  EXPECT_EQ(found.dims, 1U);
  EXPECT_EQ(found.projected, Numbers(9));
}

/// Centred rows around `clusters` far-apart centres, in order of the centres.
Numbers clustered(std::size_t clusters, std::size_t per_cluster, std::size_t dims, double noise) {
  std::mt19937 generator(11);
  std::normal_distribution<double> normal;
  Numbers centres(clusters * dims);
  for (double& value : centres) {
    value = 20 * normal(generator);
  }
  Numbers x;
  for (std::size_t i = 0; i < clusters * per_cluster; ++i) {
    for (std::size_t d = 0; d < dims; ++d) {
      x.push_back(centres[i / per_cluster * dims + d] + noise * normal(generator));
    }
  }
  const std::size_t rows = clusters * per_cluster;
  for (std::size_t d = 0; d < dims; ++d) {
    double mean = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      mean += x[i * dims + d] / static_cast<double>(rows);
    }
    for (std::size_t i = 0; i < rows; ++i) {
      x[i * dims + d] -= mean;
    }
  }
  return x;
}

/// Every row has its nearest centre, every centre is the mean of its rows, and far-apart clusters are found whatever
/// the seed. More rows than a block.
TEST(KMeans, FindsClustersThatLieApart) {
  constexpr std::size_t dims = 3;
  constexpr std::size_t each = 400;
  const auto device = itm::make_cpu_device();
  const Numbers x = clustered(4, each, dims, 0.5);
  for (const std::uint32_t seed : {0U, 1U, 2U}) {
    itm::NumpyRandom random(seed);
    const auto found = itm::k_means(*device, device->matrix_of(x, 4 * each, dims), 4, random, nothing);
    const Numbers centres = device->read(found.centres);
    const std::vector<std::int32_t> labels = device->read(found.labels);
    Numbers means(4 * dims);
    for (std::size_t i = 0; i < 4 * each; ++i) {
      const auto mine = static_cast<std::size_t>(labels[i]);
      EXPECT_EQ(labels[i], labels[i / each * each]) << "row " << i;
      for (std::size_t d = 0; d < dims; ++d) {
        means[mine * dims + d] += x[i * dims + d] / each;
      }
    }
    for (std::size_t at = 0; at < means.size(); ++at) {
      EXPECT_NEAR(centres[at], means[at], 1e-9);
    }
  }
}

TEST(KMeans, FewerDistinctRowsThanClustersLeaveClustersEmpty) {
  const auto device = itm::make_cpu_device();
  Numbers x(20, -1.0);
  std::fill(x.begin(), x.begin() + 10, 1.0);
  itm::NumpyRandom random(0);
  const auto found = itm::k_means(*device, device->matrix_of(x, 20, 1), 5, random, nothing);
  const std::vector<std::int32_t> labels = device->read(found.labels);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(labels[i] == labels[0], i < 10);
  }
}

TEST(KMeans, StopsWhenAsked) {
  const auto device = itm::make_cpu_device();
  itm::NumpyRandom random(0);
  int calls = 0;
  const auto stop = [&] {
    if (++calls == 3) {
      throw itm::Interrupted();
    }
  };
  const Numbers x = clustered(4, 10, 2, 1);
  EXPECT_THROW((void)itm::k_means(*device, device->matrix_of(x, 40, 2), 4, random, stop), itm::Interrupted);
}

/// Responsibilities as a dense N x K table.
Numbers table(itm::Device& device, const itm::MixtureFit& fit, std::size_t rows, std::size_t components) {
  std::vector<std::int32_t> own(rows);
  std::iota(own.begin(), own.end(), 0);
  const Matrix p = device.matrix(rows, components);
  fit.mixture->add_class_sums(device.classes(device.index(own), rows), p);
  return device.read(p);
}

/// One component is a normal distribution, whose likelihood has a closed form: mean log p(x) with the maximum
/// likelihood covariance S is -(d log 2 pi + log |S| + d) / 2, here with S diagonal by symmetry.
TEST(GaussianMixture, OneComponentIsTheNormalDistribution) {
  const auto device = itm::make_cpu_device();
  const Numbers x{2, 3, -2, 3, 2, -3, -2, -3};
  const Matrix data = device->matrix_of(x, 4, 2);
  const auto fit = itm::fit_gaussian_mixture(*device, data, device->index(std::vector<std::int32_t>(4)), 1, nothing);
  EXPECT_TRUE(fit.converged);
  EXPECT_EQ(fit.iterations, 2U);
  EXPECT_NEAR(fit.log_likelihood, -(2 * std::log(2 * std::numbers::pi) + std::log(4.0 * 9.0) + 2) / 2, 1e-6);
  EXPECT_EQ(table(*device, fit, 4, 1), Numbers(4, 1.0));
}

/// Expectation maximisation never lowers the likelihood, and every row's responsibilities sum to 1. Overlapping
/// clusters in 70 columns, so that rows pass all stages of the sorting out.
TEST(GaussianMixture, LikelihoodRisesWithEveryIteration) {
  constexpr std::size_t rows = 1500;
  constexpr std::size_t dims = 70;
  const auto device = itm::make_cpu_device();
  std::mt19937 generator(3);
  std::normal_distribution<double> normal;
  Numbers x(rows * dims);
  std::vector<std::int32_t> labels(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    labels[i] = static_cast<std::int32_t>(i % 3);
    for (std::size_t d = 0; d < dims; ++d) {
      x[i * dims + d] = normal(generator) + 0.25 * static_cast<double>(labels[i]);
    }
  }
  const Matrix data = device->matrix_of(x, rows, dims);
  double before = -1e300;
  for (const std::size_t iterations : {1U, 2U, 5U, 20U}) {
    const auto fit = itm::fit_gaussian_mixture(*device, data, device->index(labels), 3, nothing,
                                               {.most_iterations = iterations, .tolerance = 0, .floor = 1e-6});
    EXPECT_FALSE(fit.converged);
    EXPECT_EQ(fit.iterations, iterations);
    EXPECT_GE(fit.log_likelihood, before - 1e-6);
    before = fit.log_likelihood;
    const Numbers p = table(*device, fit, rows, 3);
    for (std::size_t i = 0; i < rows; ++i) {
      EXPECT_NEAR(p[3 * i] + p[3 * i + 1] + p[3 * i + 2], 1, 1e-12);
    }
  }
}

/// Far clusters share no rows; what is left out is what underflows.
TEST(GaussianMixture, FarClustersShareNoRows) {
  const auto device = itm::make_cpu_device();
  const Numbers x = clustered(4, 50, 20, 0.5);
  std::vector<std::int32_t> labels(200);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = static_cast<std::int32_t>(i / 50);
  }
  const Matrix data = device->matrix_of(x, 200, 20);
  const auto fit = itm::fit_gaussian_mixture(*device, data, device->index(labels), 4, nothing);
  const Numbers p = table(*device, fit, 200, 4);
  for (std::size_t i = 0; i < 200; ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      EXPECT_EQ(p[4 * i + k], i / 50 == k ? 1.0 : 0.0);
    }
  }
}

/// Components without rows, with one row and with equal rows have singular covariances; large numbers drown the floor.
TEST(GaussianMixture, StaysDefinedOnDegenerateComponents) {
  const auto device = itm::make_cpu_device();
  for (const double scale : {1e-12, 1.0, 1e9}) {
    Numbers x(12 * 3, scale);
    x[0] = 5 * scale;
    x[4] = -7 * scale;
    std::vector<std::int32_t> labels(12, 1);
    labels[0] = 3;
    const Matrix data = device->matrix_of(x, 12, 3);
    const auto fit = itm::fit_gaussian_mixture(*device, data, device->index(labels), 5, nothing);
    EXPECT_TRUE(std::isfinite(fit.log_likelihood));
    const Numbers p = table(*device, fit, 12, 5);
    for (std::size_t i = 0; i < 12; ++i) {
      EXPECT_NEAR(std::accumulate(&p[5 * i], &p[5 * i] + 5, 0.0), 1, 1e-12);
    }
  }
}

}  // namespace
