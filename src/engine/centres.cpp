// Pseudo-cluster centres (paper 3.3 and Fig. 5; spec 2, step 11): C vectors of C entries.

#include <fmt/format.h>

#include <cmath>

#include "core/gaussian.hpp"
#include "core/philox.hpp"
#include "engine/plan_tools.hpp"
#include "itm/error.hpp"
#include "itm/itm.hpp"
#include "linalg/blas.hpp"
#include "linalg/lapack.hpp"

namespace itm {
namespace {

std::vector<double> gaussian(std::size_t count, std::uint64_t seed, std::string_view stream_name) {
  const std::uint64_t stream = philox::stream_id(stream_name);
  std::vector<double> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = philox::normal(seed, stream, i);
  }
  return out;
}

/// Eigenvectors as rows with a fixed sign (largest entry positive), so that LAPACK builds and cuSOLVER agree.
void signed_eigenvectors(const Eigenvectors& eigenvectors, std::vector<double>& matrix, std::size_t classes) {
  eigenvectors(matrix, classes);
  for (std::size_t k = 0; k < classes; ++k) {
    double* row = matrix.data() + k * classes;
    std::size_t largest = 0;
    for (std::size_t j = 1; j < classes; ++j) {
      largest = std::abs(row[j]) > std::abs(row[largest]) ? j : largest;
    }
    if (row[largest] < 0) {
      for (std::size_t j = 0; j < classes; ++j) {
        row[j] = -row[j];
      }
    }
  }
}

std::vector<double> onehot(std::size_t classes) {
  std::vector<double> centres(classes * classes);
  for (std::size_t c = 0; c < classes; ++c) {
    centres[c * classes + c] = 1;
  }
  return centres;
}

std::vector<double> random_unit(std::size_t classes, std::uint64_t seed) {
  std::vector<double> centres = gaussian(classes * classes, seed, "centres/random");
  for (std::size_t c = 0; c < classes; ++c) {
    double* row = centres.data() + c * classes;
    double norm = 0;
    for (std::size_t j = 0; j < classes; ++j) {
      norm += row[j] * row[j];
    }
    norm = std::sqrt(norm);
    for (std::size_t j = 0; j < classes; ++j) {
      row[j] /= norm;
    }
  }
  return centres;
}

/// Right singular vectors of a centred 2C x C Gaussian matrix G are the eigenvectors of G^T G.
std::vector<double> pca(const Eigenvectors& eigenvectors, std::size_t classes, std::uint64_t seed) {
  const std::size_t samples = 2 * classes;
  std::vector<double> g = gaussian(samples * classes, seed, "centres/pca");
  for (std::size_t j = 0; j < classes; ++j) {
    double mean = 0;
    for (std::size_t i = 0; i < samples; ++i) {
      mean += g[i * classes + j];
    }
    mean /= static_cast<double>(samples);
    for (std::size_t i = 0; i < samples; ++i) {
      g[i * classes + j] -= mean;
    }
  }
  std::vector<double> scatter(classes * classes);
  blas::gemm(Op::transpose, Op::none, classes, classes, samples, 1.0, g.data(), classes, g.data(), classes, 0.0,
             scatter.data(), classes);
  signed_eigenvectors(eigenvectors, scatter, classes);
  return scatter;
}

/// Eigenvectors of L = diag(W 1) - W for a symmetric W of uniform similarities with a zero diagonal.
std::vector<double> laplacian(const Eigenvectors& eigenvectors, std::size_t classes, std::uint64_t seed) {
  const std::uint64_t stream = philox::stream_id("centres/laplacian");
  std::vector<double> l(classes * classes);
  for (std::size_t a = 0; a < classes; ++a) {
    for (std::size_t b = a + 1; b < classes; ++b) {
      const double similarity = philox::uniform(seed, stream, a * classes + b);
      l[a * classes + b] = l[b * classes + a] = -similarity;
      l[a * classes + a] += similarity;
      l[b * classes + b] += similarity;
    }
  }
  signed_eigenvectors(eigenvectors, l, classes);
  return l;
}

}  // namespace

void eigenvectors_on_host(std::vector<double>& matrix, std::size_t n) {
  std::vector<double> eigenvalues(n);
  if (!lapack::symmetric_eigen_lower(n, matrix.data(), n, eigenvalues.data())) {
    throw InputError(fmt::format("no eigenvectors for {} class centres; choose --centres onehot", n));
  }
}

std::vector<double> make_centres(CentreKind kind, std::size_t classes, std::uint64_t seed) {
  return make_centres_with(eigenvectors_on_host, kind, classes, seed);
}

std::vector<double> make_centres_with(const Eigenvectors& eigenvectors, CentreKind kind, std::size_t classes,
                                      std::uint64_t seed) {
  switch (kind) {
    case CentreKind::random:
      return random_unit(classes, seed);
    case CentreKind::pca:
      return pca(eigenvectors, classes, seed);
    case CentreKind::laplacian:
      return laplacian(eigenvectors, classes, seed);
    case CentreKind::onehot:
      break;
  }
  return onehot(classes);
}

}  // namespace itm
