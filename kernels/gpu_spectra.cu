#include <cmath>
#include <map>

#include "kernels/gpu_device_class.cuh"

namespace itm::ITM_KERNELS {
namespace {

/// out_i = log det(L_i L_i^T), NaN where its factorisation failed.
void log_dets(GpuMemory& memory, const std::vector<Grid<const double>>& factors, const int* info, View out) {
  const auto array = memory.sent(factors);
  const Grid<const double>* factor = array.get();
  std::size_t bytes = 0;
  for (const Grid<const double>& s : factors) {
    bytes += std::size_t{32} * s.rows;
  }
  each_row(memory.api(), factors.size(), bytes,
           [=, y = out.data(), step = out.stride()] __device__(std::uint32_t i, std::uint32_t lane) {
             double sum = 0;
             for (std::uint32_t j = lane; j < factor[i].rows; j += warp_size) {
               const double pivot = factor[i](j, j);
               sum += pivot > 0 ? 2 * log(pivot) : nan("");
             }
             sum = warp_sum(sum);
             if (lane == 0) {
               y[i * step] = info[i] == 0 ? sum : nan("");
             }
           });
}

}  // namespace

bool GpuDevice::cholesky(View s) {
  if (s.rows() == 0) {
    return true;
  }
  const auto info = memory_.take<int>(1);
  api_.cholesky(s, info.get());
  const Matrix log_det = scratch(1, 1);
  std::vector<Grid<const double>> factor(1);
  factor[0] = grid(ConstView(s));
  log_dets(memory_, factor, info.get(), log_det);
  return std::isfinite(number(log_det));
}

void GpuDevice::log_dets_of_one_plus(std::span<const Matrix> s, View out) {
  std::map<std::size_t, std::vector<std::size_t>> of_size;
  for (std::size_t i = 0; i < s.size(); ++i) {
    add_to_diagonal(1, s[i]);
    of_size[s[i].rows()].push_back(i);
  }
  const auto info = memory_.take<int>(s.size());
  // `info` is in the order of the sizes, so the factors are brought into it too.
  std::vector<std::size_t> order;
  for (const auto& [n, members] : of_size) {
    int* found = info.get() + order.size();
    if (members.size() == 1) {
      api_.cholesky(s[members.front()], found);
    } else {
      std::vector<double*> addresses;
      for (const std::size_t i : members) {
        addresses.push_back(s[i].view().data());
      }
      const auto array = memory_.sent(addresses);
      api_.cholesky_of_many(array.get(), n, found, members.size());
    }
    order.insert(order.end(), members.begin(), members.end());
  }
  std::vector<Grid<const double>> sorted(order.size());
  std::vector<std::int32_t> place(s.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    sorted[i] = grid(ConstView(s[order[i]]));
    place[order[i]] = static_cast<std::int32_t>(i);
  }
  const Matrix values = scratch(s.size(), 1);
  log_dets(memory_, sorted, info.get(), values);
  const Matrix in_order = scratch(s.size(), 1);
  gather_rows(values, index(place), in_order);
  transpose(in_order, out);
}

void GpuDevice::solve_rows(ConstView l, View b) {
  whiten_rows(l, b);
  if (b.size() > 0) {
    api_.solve_triangular(Op::transpose, l, b);
  }
}

void GpuDevice::whiten_rows(ConstView l, View b) {
  if (b.size() > 0) {
    api_.solve_triangular(Op::none, l, b);
  }
}

void GpuDevice::symmetric_eigen(View s, View values) {
  const auto info = memory_.take<int>(1);
  const bool packed = s.stride() == s.cols();
  const Matrix copied = packed ? Matrix() : copy_of(s);
  const View work = packed ? s : copied.view();
  api_.eigen(work, values.data(), info.get());
  if (!packed) {
    copy(work, s);
  }
  // Nobody waits for it now: the next read does.
  const int* found = info.get();
  std::int32_t* status = status_.get();
  const Grid<const double> value = grid(ConstView(values));
  const auto size = static_cast<std::int32_t>(s.rows());
  each(api_, 1, 1, 0, [=] __device__(std::uint32_t, std::uint32_t) {
    const bool failed = *found != 0 || !(value[0] - value[0] == 0) || !(value[size - 1] - value[size - 1] == 0);
    if (failed && *status == 0) {
      *status = size;
    }
  });
}

}  // namespace itm::ITM_KERNELS
