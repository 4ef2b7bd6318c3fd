#pragma once
// The draws of numpy.random.RandomState(seed), for methods whose published code is tied to them: MT19937 seeded by a
// number, 53-bit uniforms, bounded integers and polar Gaussians. They are made on the host, so every device sees the
// same.

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>

namespace itm {

class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint32_t seed) : words_(seed) {}

  /// random_sample(): uniform in [0, 1).
  [[nodiscard]] double uniform() {
    const auto high = static_cast<double>(words_() >> 5U);
    const auto low = static_cast<double>(words_() >> 6U);
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }

  /// randint(count): uniform in [0, count), by rejection of words under a mask; count up to 2^32.
  [[nodiscard]] std::uint32_t below(std::size_t count) {
    const auto most = static_cast<std::uint32_t>(count - 1);
    if (most == 0) {
      return 0;  // numpy draws nothing either
    }
    const std::uint32_t mask = ~std::uint32_t{0} >> static_cast<unsigned>(std::countl_zero(most));
    std::uint32_t value = 0;
    do {
      value = words_() & mask;
    } while (value > most);
    return value;
  }

  /// standard_normal(): Marsaglia's polar method, two at a time.
  [[nodiscard]] double normal() {
    if (kept_) {
      const double value = *kept_;
      kept_.reset();
      return value;
    }
    double x = 0;
    double y = 0;
    double square = 0;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double factor = std::sqrt(-2 * std::log(square) / square);
    kept_ = factor * x;
    return factor * y;
  }

 private:
  /// std::mt19937, in words of 32 bits where that has 64.
  using Words = std::mersenne_twister_engine<std::uint32_t, 32, 624, 397, 31, 0x9908b0dfU, 11, 0xffffffffU, 7,
                                             0x9d2c5680U, 15, 0xefc60000U, 18, 1812433253U>;

  Words words_;
  std::optional<double> kept_;
};

}  // namespace itm
