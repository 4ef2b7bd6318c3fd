#include "device/cpu_rows.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

#include "core/page_allocator.hpp"
#include "core/simd.hpp"
#include "core/vector_exp.hpp"

namespace itm::cpu {
namespace {

double* row(View x, std::size_t i) { return x.data() + i * x.stride(); }
const double* row(ConstView x, std::size_t i) { return x.data() + i * x.stride(); }
std::size_t at(ConstIndexView index, std::size_t i) { return static_cast<std::size_t>(index.data()[i]); }

// One loop each, so that the compiler's clones stay small.

ITM_CLONES void add_run(double alpha, const double* from, double* to, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) {
    to[j] += alpha * from[j];
  }
}

ITM_CLONES void add_squares(const double* from, double* to, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) {
    to[j] += from[j] * from[j];
  }
}

ITM_CLONES void scale_by(const double* factor, double* x, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) {
    x[j] *= factor[j];
  }
}

ITM_CLONES void scale_run(double factor, double* x, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) {
    x[j] *= factor;
  }
}

ITM_CLONES void clamp_run(const double* most, double* x, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) {
    const double low = x[j] < most[j] ? x[j] : most[j];
    x[j] = low > 0.0 ? low : 0.0;
  }
}

ITM_CLONES double sum_of(const double* x, std::size_t count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (std::size_t j = 0; j < count; ++j) {
    total += x[j];
  }
  return total;
}

ITM_CLONES double dot(const double* a, const double* b, std::size_t count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (std::size_t j = 0; j < count; ++j) {
    total += a[j] * b[j];
  }
  return total;
}

ITM_CLONES double squared_distance(const double* a, const double* b, std::size_t count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (std::size_t j = 0; j < count; ++j) {
    total += (a[j] - b[j]) * (a[j] - b[j]);
  }
  return total;
}

ITM_CLONES double largest(const double* x, std::size_t count) {
  double most = x[0];
#pragma omp simd reduction(max : most)
  for (std::size_t j = 0; j < count; ++j) {
    most = x[j] > most ? x[j] : most;
  }
  return most;
}

/// x_j = exp(x_j - most); returns their sum.
ITM_CLONES double exponentials(double most, const double* x, double* out, std::size_t count) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (std::size_t j = 0; j < count; ++j) {
    out[j] = vector_exp(x[j] - most);
    total += out[j];
  }
  return total;
}

}  // namespace

void scale(double factor, View x) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    scale_run(factor, row(x, i), x.cols());
  }
}

void map(Map what, View x) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (double* value = row(x, i); value != row(x, i) + x.cols(); ++value) {
      switch (what) {
        case Map::inverse:
          *value = *value > 0 ? 1 / *value : 0;
          break;
        case Map::inverse_root:
          *value = *value > 0 ? 1 / std::sqrt(*value) : 0;
          break;
        case Map::is_zero:
          *value = *value == 0 ? 1 : 0;
          break;
      }
    }
  }
}

void add(double alpha, ConstView x, View y) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    add_run(alpha, row(x, i), row(y, i), x.cols());
  }
}

void add_class_sums(ConstView x, ConstIndexView index, View s) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    add_run(1.0, row(x, i), row(s, at(index, i)), x.cols());
  }
}

void add_weighted_class_sums(ConstView w, ConstView x, ConstIndexView index, View s) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    add_run(w.data()[i], row(x, i), row(s, at(index, i)), x.cols());
  }
}

void add_indexed_rows(double alpha, ConstView m, ConstIndexView index, View x) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    add_run(alpha, row(m, at(index, i)), row(x, i), x.cols());
  }
}

void add_to_rows(double alpha, ConstView v, View x) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    add_run(alpha, v.data(), row(x, i), x.cols());
  }
}

void gather_rows(ConstView from, ConstIndexView index, View to) {
  for (std::size_t i = 0; i < to.rows(); ++i) {
    const double* source = row(from, at(index, i));
    std::copy(source, source + to.cols(), row(to, i));
  }
}

void scale_columns(ConstView v, View x) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    scale_by(v.data(), row(x, i), x.cols());
  }
}

void scale_rows(ConstView v, View x) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    scale_run(v.data()[i], row(x, i), x.cols());
  }
}

void clamp_rows(ConstView most, View x) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    clamp_run(most.data(), row(x, i), x.cols());
  }
}

void add_column_sums(ConstView x, View out) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    add_run(1.0, row(x, i), out.data(), x.cols());
  }
}

void add_column_squares(ConstView x, View out) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    add_squares(row(x, i), out.data(), x.cols());
  }
}

void inverse_deviations(ConstView mean, ConstView variance, double noise, View out) {
  for (std::size_t d = 0; d < out.cols(); ++d) {
    const double deviation = std::sqrt(variance.data()[d]);
    out.data()[d] = deviation > noise * std::abs(mean.data()[d]) ? 1 / deviation : 1;
  }
}

void fix_column_signs(View x) {
  std::vector<double> peak(x.cols());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const double* values = row(x, i);
    for (std::size_t j = 0; j < x.cols(); ++j) {
      peak[j] = std::abs(values[j]) > std::abs(peak[j]) ? values[j] : peak[j];
    }
  }
  for (double& value : peak) {
    value = value < 0 ? -1 : 1;
  }
  scale_columns({peak.data(), 1, peak.size(), peak.size()}, x);
}

void row_squares(ConstView x, View out) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    out.data()[i] = dot(row(x, i), row(x, i), x.cols());
  }
}

void indexed_row_dots(ConstView a, ConstView b, ConstIndexView index, View out) {
  for (std::size_t i = 0; i < a.rows(); ++i) {
    out.data()[i] = dot(row(a, i), row(b, at(index, i)), a.cols());
  }
}

void pick(ConstView x, ConstIndexView index, View out) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    out.data()[i] = row(x, i)[at(index, i)];
  }
}

void softmax_rows(View x) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    double* values = row(x, i);
    const double total = exponentials(largest(values, x.cols()), values, values, x.cols());
    scale_run(1.0 / total, values, x.cols());
  }
}

void log_sum_exp_rows(ConstView x, View out) {
  std::vector<double> scratch(x.cols());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const double most = largest(row(x, i), x.cols());
    out.data()[i] = most + std::log(exponentials(most, row(x, i), scratch.data(), x.cols()));
  }
}

double cross_entropy(ConstView z, ConstIndexView labels) {
  std::vector<double> scratch(z.cols());
  std::vector<double> totals(z.rows());
  std::vector<double> picked(z.rows());
  for (std::size_t i = 0; i < z.rows(); ++i) {
    const double* values = row(z, i);
    const double most = largest(values, z.cols());
    totals[i] = most + std::log(exponentials(most, values, scratch.data(), z.cols()));
    picked[i] = values[at(labels, i)];
  }
  return sum_of(totals.data(), z.rows()) - sum_of(picked.data(), z.rows());
}

double softmax_cross_entropy(View z, ConstIndexView labels) {
  std::vector<double> totals(z.rows());
  std::vector<double> picked(z.rows());
  for (std::size_t i = 0; i < z.rows(); ++i) {
    double* values = row(z, i);
    const double most = largest(values, z.cols());
    picked[i] = values[at(labels, i)];
    const double total = exponentials(most, values, values, z.cols());
    totals[i] = most + std::log(total);
    scale_run(1.0 / total, values, z.cols());
  }
  return sum_of(totals.data(), z.rows()) - sum_of(picked.data(), z.rows());
}

double logistic_residuals(View z, ConstView y) {
  double total = 0;
  std::vector<double> losses(z.cols());
  for (std::size_t i = 0; i < z.rows(); ++i) {
    double* values = row(z, i);
    const double* wanted = row(y, i);
    for (std::size_t j = 0; j < z.cols(); ++j) {
      const double tail = std::exp(-std::abs(values[j]));
      losses[j] = std::max(values[j], 0.0) + std::log1p(tail) - wanted[j] * values[j];
      values[j] = (values[j] >= 0 ? 1 / (1 + tail) : tail / (1 + tail)) - wanted[j];
    }
    total += sum_of(losses.data(), z.cols());
  }
  return total;
}

void argmax_rows(ConstView x, IndexView out) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const double* values = row(x, i);
    out.data()[i] = static_cast<std::int32_t>(std::find(values, values + x.cols(), largest(values, x.cols())) - values);
  }
}

void correlate_rows(View x) {
  for (std::size_t i = 0; i < x.rows(); ++i) {
    double* values = row(x, i);
    const double mean = sum_of(values, x.cols()) / static_cast<double>(x.cols());
    for (std::size_t j = 0; j < x.cols(); ++j) {
      values[j] -= mean;
    }
    const double length = std::sqrt(dot(values, values, x.cols()));
    // What is left of a constant row is the rounding of its mean.
    const double noise = 1e-15 * std::abs(mean) * static_cast<double>(x.cols());
    scale_run(length > noise ? 1.0 / length : 0.0, values, x.cols());
  }
}

void squared_distances(ConstView a, ConstView b, View out) {
  for (std::size_t i = 0; i < a.rows(); ++i) {
    for (std::size_t j = 0; j < b.rows(); ++j) {
      row(out, i)[j] = squared_distance(row(a, i), row(b, j), a.cols());
    }
  }
}

std::vector<std::int32_t> smallest_of_rows(ConstView x, std::size_t k) {
  const std::size_t count = std::min(k, x.cols());
  std::vector<std::int32_t> found;
  found.reserve(x.rows() * count);
  std::vector<std::int32_t> order(x.cols());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const double* values = row(x, i);
    const auto nearer = [values](std::int32_t a, std::int32_t b) {
      return values[a] != values[b] ? values[a] < values[b] : a < b;
    };
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(), nearer);
    found.insert(found.end(), order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return found;
}

double sum(ConstView x) {
  double total = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    total += sum_of(row(x, i), x.cols());
  }
  return total;
}

double dot(ConstView a, ConstView b) {
  std::vector<double> products(a.rows());
  for (std::size_t i = 0; i < a.rows(); ++i) {
    products[i] = dot(row(a, i), row(b, i), a.cols());
  }
  return sum_of(products.data(), products.size());
}

void class_moments(ConstView x, ConstIndexView order, ConstIndexView begin, View mean, View variance) {
  std::vector<double> gap(x.cols());
  for (std::size_t c = 0; c < mean.rows(); ++c) {
    const std::size_t first = at(begin, c);
    const std::size_t last = at(begin, c + 1);
    const double share = last > first ? 1 / static_cast<double>(last - first) : 0;
    std::fill_n(row(mean, c), x.cols(), 0.0);
    std::fill_n(row(variance, c), x.cols(), 0.0);
    for (std::size_t i = first; i < last; ++i) {
      add_run(1.0, row(x, at(order, i)), row(mean, c), x.cols());
    }
    scale_run(share, row(mean, c), x.cols());
    for (std::size_t i = first; i < last; ++i) {
      std::copy_n(row(x, at(order, i)), x.cols(), gap.data());
      add_run(-1.0, row(mean, c), gap.data(), x.cols());
      add_squares(gap.data(), row(variance, c), x.cols());
    }
    scale_run(share, row(variance, c), x.cols());
  }
}

void sort(double* values, std::size_t count) {
  // A few numbers are not worth six passes over tables.
  if (count < 4096) {
    std::sort(values, values + count);
    return;
  }
  constexpr unsigned digit_bits = 11;
  constexpr std::size_t buckets = std::size_t{1} << digit_bits;
  constexpr unsigned passes = 6;
  constexpr std::uint64_t sign = std::uint64_t{1} << 63U;
  const auto digit_of = [](std::uint64_t key, unsigned pass) { return (key >> (pass * digit_bits)) & (buckets - 1); };

  // Bit patterns of doubles sort like integers once negative ones are inverted and positive ones get the sign bit.
  std::vector<std::array<std::size_t, buckets>> histogram(passes);
  PageVector<std::uint64_t> keys(count);
  PageVector<std::uint64_t> other(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<std::uint64_t>(values[i]);
    const std::uint64_t key = (bits & sign) != 0 ? ~bits : bits | sign;
    keys[i] = key;
    for (unsigned pass = 0; pass < passes; ++pass) {
      ++histogram[pass][digit_of(key, pass)];
    }
  }
  for (unsigned pass = 0; pass < passes; ++pass) {
    std::array<std::size_t, buckets>& offset = histogram[pass];
    if (offset[digit_of(keys[0], pass)] == count) {
      continue;  // all keys share this digit
    }
    std::exclusive_scan(offset.begin(), offset.end(), offset.begin(), std::size_t{0});
    for (const std::uint64_t key : keys) {
      other[offset[digit_of(key, pass)]++] = key;
    }
    keys.swap(other);
  }
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = std::bit_cast<double>((keys[i] & sign) != 0 ? keys[i] & ~sign : ~keys[i]);
  }
}

}  // namespace itm::cpu
