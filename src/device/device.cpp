// What every device does alike: it counts what comes back.

#include "itm/device.hpp"

#include <algorithm>
#include <numeric>

namespace itm {

std::vector<std::vector<double>> Device::read(std::initializer_list<ConstView> views) {
  std::vector<std::vector<double>> values;
  std::vector<Reading> readings;
  for (const ConstView& view : views) {
    values.emplace_back(view.size());
    readings.push_back({view, values.back().data()});
    counts_.read += view.size() * sizeof(double);
  }
  ++counts_.waits;
  read_numbers(readings);
  return values;
}

std::vector<double> Device::read(ConstView view) { return std::move(read({view}).front()); }

std::vector<std::int32_t> Device::read(ConstIndexView view) {
  std::vector<std::int32_t> values(view.size());
  counts_.read += values.size() * sizeof(std::int32_t);
  ++counts_.waits;
  read_index(view, values.data());
  return values;
}

double Device::sum(ConstView x) {
  const Matrix total = matrix(1, 1);
  add_sum(x, total);
  return number(total);
}

}  // namespace itm
