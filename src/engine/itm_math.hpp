#pragma once
// The element-wise loops of the CPU engine, vectorised per instruction set. Shapes are row-major: rows x C.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/simd.hpp"

namespace itm::math {

/// e^x for x <= 0 within 2 ulp, branch-free so that the soft-max loop vectorises (Cody-Waite reduction, degree-6
/// polynomial).
inline float exp_nonpositive(float x) {
  const float clamped = std::max(x, -87.0F);
  // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low mantissa bits.
  const float shifted = clamped * 1.44269504F + 12582912.0F;
  const float n = shifted - 12582912.0F;
  const float r = (clamped - n * 0.693359375F) - n * -2.12194440e-4F;
  float p = 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const float fraction = (p * r * r + r) + 1.0F;
  const std::uint32_t exponent = (std::bit_cast<std::uint32_t>(shifted) << 23) + std::bit_cast<std::uint32_t>(1.0F);
  return fraction * std::bit_cast<float>(exponent);
}
inline double exp_nonpositive(double x) { return std::exp(x); }

/// sqrt(x) for x >= 0 within 2 ulp, by Newton steps on 1/sqrt(x) from a bit-level guess: the hardware's vector square
/// root and division take most of AdamW's time otherwise. Zero gives zero.
inline float fast_sqrt(float x) {
  float y = std::bit_cast<float>(0x5F375A86U - (std::bit_cast<std::uint32_t>(x) >> 1));
  const float half = 0.5F * x;
  y = y * (1.5F - half * y * y);
  y = y * (1.5F - half * y * y);
  y = y * (1.5F - half * y * y);
  return x * y;
}
inline double fast_sqrt(double x) { return std::sqrt(x); }

/// a / b for b > 0 within 2 ulp, by Newton steps on 1/b.
inline float fast_divide(float a, float b) {
  float y = std::bit_cast<float>(0x7EF311C7U - std::bit_cast<std::uint32_t>(b));
  y = y * (2.0F - b * y);
  y = y * (2.0F - b * y);
  y = y * (2.0F - b * y);
  const float q = a * y;
  return q + y * (a - b * q);
}
inline double fast_divide(double a, double b) { return a / b; }

/// x' = (x - shift) * scale in the wider of the two types. In float the rounding of `shift` moves a column by a
/// constant of at most 6e-8 |mean| / deviation, which psi's bias takes up.
template <typename Stored, typename T, typename Wide>
ITM_CLONES void standardise_row(const Stored* x, const Wide* shift, const Wide* scale, T* out, std::size_t dims) {
#pragma omp simd
  for (std::size_t d = 0; d < dims; ++d) {
    out[d] = static_cast<T>((static_cast<Wide>(x[d]) - shift[d]) * scale[d]);
  }
}

/// theta = z / max(|z|, 1e-12) in place; returns the factor.
template <typename T>
ITM_CLONES T normalise_row(T* z, std::size_t classes) {
  T square = 0;
#pragma omp simd reduction(+ : square)
  for (std::size_t c = 0; c < classes; ++c) {
    square += z[c] * z[c];
  }
  const T inverse = T{1} / std::max(std::sqrt(square), T(1e-12));
  for (std::size_t c = 0; c < classes; ++c) {
    z[c] *= inverse;
  }
  return inverse;
}

/// Back through the normalisation: g <- (g - theta (theta . g)) * inverse.
template <typename T>
ITM_CLONES void normalise_row_backward(T* g, const T* theta, T inverse, std::size_t classes) {
  T dot = 0;
#pragma omp simd reduction(+ : dot)
  for (std::size_t c = 0; c < classes; ++c) {
    dot += theta[c] * g[c];
  }
  for (std::size_t c = 0; c < classes; ++c) {
    g[c] = (g[c] - theta[c] * dot) * inverse;
  }
}

/// Cross-entropy of one row of logits against `label`; the row becomes the gradient (softmax - onehot) * weight.
template <typename T>
ITM_CLONES T softmax_cross_entropy_row(T* logits, std::size_t label, T weight, std::size_t classes) {
  T largest = logits[0];
#pragma omp simd reduction(max : largest)
  for (std::size_t c = 0; c < classes; ++c) {
    largest = logits[c] > largest ? logits[c] : largest;
  }
  const T chosen = logits[label] - largest;
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t c = 0; c < classes; ++c) {
    const T e = exp_nonpositive(logits[c] - largest);
    logits[c] = e;
    sum += e;
  }
  const T factor = weight / sum;
  for (std::size_t c = 0; c < classes; ++c) {
    logits[c] *= factor;
  }
  logits[label] -= weight;
  return std::log(sum) - chosen;
}

/// y += a x.
template <typename T>
ITM_CLONES void add_scaled(T* y, const T* x, T a, std::size_t count) {
  for (std::size_t c = 0; c < count; ++c) {
    y[c] += a * x[c];
  }
}

/// column_sum += the sum over rows of m (rows x C).
template <typename T>
ITM_CLONES void add_column_sums(const T* m, std::size_t rows, std::size_t classes, T* column_sum) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t c = 0; c < classes; ++c) {
      column_sum[c] += m[i * classes + c];
    }
  }
}

/// Decoupled weight decay, bias-corrected moments (Loshchilov & Hutter 2017, in the order of torch.optim.AdamW).
template <typename T>
struct AdamWStep {
  T keep;             ///< 1 - lr * weight_decay
  T step;             ///< lr / (1 - beta1^t)
  T root_correction;  ///< 1 / sqrt(1 - beta2^t)
};

template <typename T>
ITM_CLONES void adamw(T* p, const T* g, T* m, T* v, std::size_t count, AdamWStep<T> s) {
  constexpr T beta1 = T(0.9);
  constexpr T beta2 = T(0.999);
#pragma omp simd
  for (std::size_t i = 0; i < count; ++i) {
    m[i] += (T{1} - beta1) * (g[i] - m[i]);
    v[i] = beta2 * v[i] + (T{1} - beta2) * g[i] * g[i];
    p[i] = p[i] * s.keep - fast_divide(s.step * m[i], fast_sqrt(v[i]) * s.root_correction + T(1e-8));
  }
}

}  // namespace itm::math
