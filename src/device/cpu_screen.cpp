#include "device/cpu_screen.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/simd.hpp"
#include "linalg/blas.hpp"

namespace itm::cpu {
namespace {

/// a = T((x - mean) scale); the sum of its squares.
template <typename T>
ITM_CLONES double narrow_centred(const double* x, const double* mean, double scale, T* a, std::size_t count) {
  double square = 0;
#pragma omp simd reduction(+ : square)
  for (std::size_t j = 0; j < count; ++j) {
    const T value = static_cast<T>((x[j] - mean[j]) * scale);
    a[j] = value;
    square += static_cast<double>(value) * static_cast<double>(value);
  }
  return square;
}

/// Columns j of a row i of products that reach the row's threshold or, where `limit` is given, their own.
template <typename T>
ITM_CLONES std::size_t find_hits(const T* s, const T* part, const T* limit, T my_part, T my_limit, std::size_t count,
                                 std::uint32_t* hits) {
  constexpr std::size_t chunk = 64;
  std::size_t found = 0;
  for (std::size_t first = 0; first < count; first += chunk) {
    const std::size_t end = std::min(first + chunk, count);
    int any = 0;
    if (limit == nullptr) {
#pragma omp simd reduction(+ : any)
      for (std::size_t j = first; j < end; ++j) {
        any += s[j] >= part[j] + my_limit ? 1 : 0;
      }
    } else {
#pragma omp simd reduction(+ : any)
      for (std::size_t j = first; j < end; ++j) {
        const T mine = part[j] + my_limit;
        const T theirs = limit[j] + my_part;
        any += s[j] >= (mine < theirs ? mine : theirs) ? 1 : 0;
      }
    }
    for (std::size_t j = first; any != 0 && j < end; ++j) {
      if (s[j] >= part[j] + my_limit || (limit != nullptr && s[j] >= limit[j] + my_part)) {
        hits[found++] = static_cast<std::uint32_t>(j);
      }
    }
  }
  return found;
}

}  // namespace

template <typename T>
double Screen<T>::doubt() const {
  const auto dims = static_cast<double>(dims_);
  constexpr double unit = std::numeric_limits<T>::epsilon() / 2;
  return 1.0625 * ((dims + 16) * unit + (6 * dims + 40) * 0x1p-53);
}

template <typename T>
Tile<T> Screen<T>::tile(std::vector<std::uint32_t> numbers) const {
  Tile<T> made;
  made.values.resize(numbers.size() * dims_);
  made.square.resize(numbers.size());
  made.part.resize(numbers.size());
  made.numbers = std::move(numbers);
  return made;
}

template <typename T>
void Screen<T>::set_row(Tile<T>& tile, std::size_t i, const double* x, const double* mean, double scale) const {
  tile.square[i] = narrow_centred(x, mean, scale, tile.values.data() + i * dims_, dims_);
  tile.part[i] = static_cast<T>(((1 - doubt()) * tile.square[i] - vanishing()) / 2);
}

template <typename T>
void Screen<T>::open_lists(Tile<T>& tile) {
  tile.limit.assign(tile.rows(), -std::numeric_limits<T>::infinity());
  tile.near.resize(tile.rows());
  tile.crowded.assign(tile.rows(), false);
}

template <typename T>
void Screen<T>::set_limit(Tile<T>& tile, std::size_t i, double smallest_high) const {
  tile.limit[i] = static_cast<T>(((1 - doubt()) * tile.square[i] - smallest_high) / 2);
}

/// The count-th smallest high of a row among the columns of a tile, where there are as many.
template <typename T>
void Screen<T>::set_first_limit(Tile<T>& mine, std::size_t i, const Tile<T>& theirs, const T* s) {
  if (theirs.rows() < count_) {
    return;
  }
  highs_.resize(theirs.rows());
  for (std::size_t j = 0; j < highs_.size(); ++j) {
    highs_[j] = (1 + doubt()) * (mine.square[i] + theirs.square[j]) - 2 * static_cast<double>(s[j]) + vanishing();
  }
  const auto last = highs_.begin() + static_cast<std::ptrdiff_t>(count_) - 1;
  std::nth_element(highs_.begin(), last, highs_.end());
  set_limit(mine, i, *last);
}

template <typename T>
void Screen<T>::tighten(Tile<T>& tile, std::size_t i) const {
  std::vector<Candidate>& list = tile.near[i];
  const auto last = list.begin() + static_cast<std::ptrdiff_t>(count_) - 1;
  std::nth_element(list.begin(), last, list.end(), [](const auto& a, const auto& b) { return a.high < b.high; });
  const double smallest_high = last->high;
  list.erase(std::remove_if(list.begin(), list.end(), [smallest_high](const auto& c) { return c.low > smallest_high; }),
             list.end());
  set_limit(tile, i, smallest_high);
}

template <typename T>
void Screen<T>::add(Tile<T>& tile, std::size_t i, const Tile<T>& other, std::size_t j, T product) const {
  if (tile.crowded[i]) {
    return;
  }
  const double both = tile.square[i] + other.square[j];
  const double distance = both - 2 * static_cast<double>(product);
  const double off = doubt() * both + vanishing();
  tile.near[i].push_back({distance - off, distance + off, other.numbers[j]});
  if (tile.near[i].size() < most_candidates()) {
    return;
  }
  tighten(tile, i);
  if (tile.near[i].size() > most_candidates() - 16) {
    tile.crowded[i] = true;
    tile.limit[i] = std::numeric_limits<T>::infinity();
    std::vector<Candidate>().swap(tile.near[i]);
  }
}

template <typename T>
void Screen<T>::compare(Tile<T>& mine, Tile<T>& theirs, bool both) {
  constexpr std::size_t stride = tile_rows + 16;  // rows a power of 2 apart collide in a cache
  products_.resize(tile_rows * stride);
  blas::gemm(Op::none, Op::transpose, mine.rows(), theirs.rows(), dims_, T{1}, mine.values.data(), dims_,
             theirs.values.data(), dims_, T{0}, products_.data(), stride);
  hits_.resize(theirs.rows());
  for (std::size_t i = 0; i < mine.rows(); ++i) {
    const T* s = products_.data() + i * stride;
    if (mine.limit[i] == -std::numeric_limits<T>::infinity()) {
      set_first_limit(mine, i, theirs, s);
    }
    const std::size_t found = find_hits(s, theirs.part.data(), both ? theirs.limit.data() : nullptr, mine.part[i],
                                        mine.limit[i], theirs.rows(), hits_.data());
    for (std::size_t h = 0; h < found; ++h) {
      const std::size_t j = hits_[h];
      if (s[j] >= theirs.part[j] + mine.limit[i]) {
        add(mine, i, theirs, j, s[j]);
      }
      if (both && s[j] >= mine.part[i] + theirs.limit[j]) {
        add(theirs, j, mine, i, s[j]);
      }
    }
  }
}

template class Screen<float>;
template class Screen<double>;

}  // namespace itm::cpu
