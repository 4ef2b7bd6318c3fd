#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "itm/itm.hpp"

namespace {

using itm::CentreKind;

double dot(const std::vector<double>& centres, std::size_t classes, std::size_t a, std::size_t b) {
  double sum = 0;
  for (std::size_t j = 0; j < classes; ++j) {
    sum += centres[a * classes + j] * centres[b * classes + j];
  }
  return sum;
}

struct CentreCase {
  CentreKind kind;
  const char* name;
};

class Orthonormal : public testing::TestWithParam<CentreCase> {};

TEST_P(Orthonormal, CentresAreUnitAndPerpendicular) {
  for (const std::size_t classes : {2U, 7U, 64U}) {
    const std::vector<double> centres = itm::make_centres(GetParam().kind, classes, 5);
    ASSERT_EQ(centres.size(), classes * classes);
    for (std::size_t a = 0; a < classes; ++a) {
      for (std::size_t b = 0; b <= a; ++b) {
        ASSERT_NEAR(dot(centres, classes, a, b), a == b ? 1.0 : 0.0, 1e-12) << "classes " << a << " and " << b;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Centres, Orthonormal,
                         testing::Values(CentreCase{CentreKind::onehot, "onehot"}, CentreCase{CentreKind::pca, "pca"},
                                         CentreCase{CentreKind::laplacian, "laplacian"}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Centres, OnehotIsTheIdentity) {
  EXPECT_EQ(itm::make_centres(CentreKind::onehot, 2, 9), (std::vector<double>{1, 0, 0, 1}));
}

TEST(Centres, RandomRowsAreUnitButNotPerpendicular) {
  const std::vector<double> centres = itm::make_centres(CentreKind::random, 12, 1);
  double largest = 0;
  for (std::size_t a = 0; a < 12; ++a) {
    EXPECT_NEAR(dot(centres, 12, a, a), 1.0, 1e-12);
    for (std::size_t b = 0; b < a; ++b) {
      largest = std::max(largest, std::abs(dot(centres, 12, a, b)));
    }
  }
  EXPECT_GT(largest, 0.05);
}

TEST(Centres, LaplacianStartsWithTheConstantEigenvector) {
  const std::vector<double> centres = itm::make_centres(CentreKind::laplacian, 9, 2);
  for (std::size_t j = 0; j < 9; ++j) {
    EXPECT_NEAR(centres[j], 1.0 / 3.0, 1e-12);
  }
}

TEST(Centres, DependOnTheSeedAlone) {
  for (const CentreKind kind : {CentreKind::random, CentreKind::pca, CentreKind::laplacian}) {
    EXPECT_EQ(itm::make_centres(kind, 10, 4), itm::make_centres(kind, 10, 4));
    EXPECT_NE(itm::make_centres(kind, 10, 4), itm::make_centres(kind, 10, 5));
  }
}

}  // namespace
