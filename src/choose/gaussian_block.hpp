#pragma once
// A few Gaussian unknowns under linear observations.

#include <cstddef>
#include <vector>

namespace itm::choose {

/// s += factor * x x^T, n x n.
inline void add_outer(std::size_t n, double factor, const double* x, double* s) {
  for (std::size_t i = 0; i < n; ++i) {
    const double xi = factor * x[i];
    for (std::size_t j = 0; j < n; ++j) {
      s[i * n + j] += xi * x[j];
    }
  }
}

/// Probabilities from their logarithms up to a constant.
[[nodiscard]] std::vector<double> shares_of(const std::vector<double>& logs);

/// exp(-1/2 w^T S w + t^T w) under a Gaussian prior on w, n numbers.
class GaussianBlock {
 public:
  explicit GaussianBlock(std::size_t n) : n_(n) {}
  /// Independent priors.
  void set_prior(const std::vector<double>& mean, const std::vector<double>& precision);
  /// A prior with a precision matrix.
  void set_prior(const std::vector<double>& mean, std::vector<double> precision, double log_determinant);
  void add(const std::vector<double>& s, const std::vector<double>& t);
  void solve();

  [[nodiscard]] const std::vector<double>& mean() const { return mean_; }
  [[nodiscard]] const std::vector<double>& covariance() const { return covariance_; }
  /// Logarithm of the integral over w.
  [[nodiscard]] double log_evidence() const { return log_evidence_; }

 private:
  std::size_t n_;
  std::vector<double> precision_;
  std::vector<double> right_;
  std::vector<double> mean_;
  std::vector<double> covariance_;
  double prior_term_ = 0;
  double log_evidence_ = 0;
};

/// Lower Cholesky factor of an n x n matrix, zeros above; throws NumericError when it is not positive definite.
[[nodiscard]] std::vector<double> cholesky(std::size_t n, std::vector<double> s);

}  // namespace itm::choose
