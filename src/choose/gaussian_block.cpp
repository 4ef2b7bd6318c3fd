#include "choose/gaussian_block.hpp"

#include <algorithm>
#include <cmath>

#include "itm/error.hpp"
#include "linalg/lapack.hpp"

namespace itm::choose {

std::vector<double> shares_of(const std::vector<double>& logs) {
  std::vector<double> shares(logs.size());
  if (logs.empty()) {
    return shares;
  }
  const double largest = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    shares[i] = std::exp(logs[i] - largest);
    sum += shares[i];
  }
  std::for_each(shares.begin(), shares.end(), [sum](double& share) { share /= sum; });
  return shares;
}

std::vector<double> cholesky(std::size_t n, std::vector<double> s) {
  if (n > 0 && !lapack::cholesky_lower(n, s.data(), n)) {
    throw NumericError("the scores leave the range of the arithmetic; check them for enormous numbers");
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::fill(s.begin() + static_cast<std::ptrdiff_t>(i * n + i + 1),
              s.begin() + static_cast<std::ptrdiff_t>(i * n + n), 0.0);
  }
  return s;
}

void GaussianBlock::set_prior(const std::vector<double>& mean, const std::vector<double>& precision) {
  std::vector<double> matrix(n_ * n_, 0);
  double log_determinant = 0;
  for (std::size_t i = 0; i < n_; ++i) {
    matrix[i * n_ + i] = precision[i];
    log_determinant += std::log(precision[i]);
  }
  set_prior(mean, std::move(matrix), log_determinant);
}

void GaussianBlock::set_prior(const std::vector<double>& mean, std::vector<double> precision, double log_determinant) {
  precision_ = std::move(precision);
  right_.assign(n_, 0);
  prior_term_ = 0.5 * log_determinant;
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t j = 0; j < n_; ++j) {
      right_[i] += precision_[i * n_ + j] * mean[j];
    }
    prior_term_ -= 0.5 * mean[i] * right_[i];
  }
}

void GaussianBlock::add(const std::vector<double>& s, const std::vector<double>& t) {
  for (std::size_t i = 0; i < n_ * n_; ++i) {
    precision_[i] += s[i];
  }
  for (std::size_t i = 0; i < n_; ++i) {
    right_[i] += t[i];
  }
}

void GaussianBlock::solve() {
  const std::vector<double> factor = cholesky(n_, precision_);
  log_evidence_ = prior_term_;
  mean_ = right_;
  covariance_.assign(n_ * n_, 0);
  for (std::size_t i = 0; i < n_; ++i) {
    log_evidence_ -= std::log(factor[i * n_ + i]);
    covariance_[i * n_ + i] = 1;
  }
  if (n_ > 0) {
    lapack::solve_rows_lower(1, n_, factor.data(), n_, mean_.data(), n_);
    lapack::solve_rows_lower(n_, n_, factor.data(), n_, covariance_.data(), n_);
  }
  for (std::size_t i = 0; i < n_; ++i) {
    log_evidence_ += 0.5 * mean_[i] * right_[i];
  }
}

}  // namespace itm::choose
