#include "kernels/gpu_device_class.cuh"

namespace itm::ITM_KERNELS {
namespace {

/// float32 numbers without gaps, for the length of a product.
class Narrowed {
 public:
  Narrowed(const GpuMemory& memory, std::size_t rows, std::size_t cols)
      : memory_(memory.take<float>(rows * cols)), view_(memory_.get(), rows, cols, cols) {}
  /// A copy of x.
  Narrowed(const GpuMemory& memory, ConstView x) : Narrowed(memory, x.rows(), x.cols()) {
    copy(memory.api(), x, view_);
  }

  [[nodiscard]] BasicView<float> view() const { return view_; }

  static void copy(DeviceApi& api, ConstView x, BasicView<float> to) {
    each(api, x.rows(), x.cols(), 12 * x.size(),
         [x = grid(x), y = to.data()] __device__(std::uint32_t i, std::uint32_t j) {
           y[static_cast<std::uint64_t>(i) * x.cols + j] = static_cast<float>(x(i, j));
         });
  }

 private:
  std::shared_ptr<float> memory_;
  BasicView<float> view_;
};

}  // namespace

void GpuDevice::multiply(double alpha, ConstView a, Op op_a, ConstView b, Op op_b, double beta, View c) {
  const std::size_t depth = op_a == Op::none ? a.cols() : a.rows();
  if (c.size() == 0 || depth == 0) {
    return;
  }
  if (options_.precision == Precision::float64) {
    api_.multiply(Gemm<double>{a, b, c, op_a, op_b}, alpha, beta);
  } else {
    const Narrowed a32(memory_, a);
    const Narrowed b32(memory_, b);
    const Narrowed c32(memory_, c.rows(), c.cols());
    api_.multiply(Gemm<float>{a32.view(), b32.view(), c32.view(), op_a, op_b}, static_cast<float>(alpha), 0.0F);
    const Grid<float> from = grid(c32.view());
    elements(c, c.size(), [=, y = grid(c)] __device__(std::uint32_t i, std::uint32_t j) {
      y(i, j) = (beta == 0.0 ? 0.0 : beta * y(i, j)) + static_cast<double>(from(i, j));
    });
  }
}

void GpuDevice::add_gram(double alpha, ConstView a, View s) {
  if (a.rows() == 0) {
    return;
  }
  if (options_.precision == Precision::float64) {
    api_.add_gram(alpha, a, s);
  } else {
    const Narrowed a32(memory_, a);
    const Narrowed c32(memory_, s.rows(), s.cols());
    api_.multiply(Gemm<float>{a32.view(), a32.view(), c32.view(), Op::transpose, Op::none}, static_cast<float>(alpha),
                  0.0F);
    const Grid<float> from = grid(c32.view());
    elements(s, s.size(), [=, y = grid(s)] __device__(std::uint32_t i, std::uint32_t j) {
      if (j <= i) {
        y(i, j) += static_cast<double>(from(i, j));
      }
    });
  }
}

void GpuDevice::symmetrise(View s) {
  elements(s, 0, [s = grid(s)] __device__(std::uint32_t i, std::uint32_t j) {
    if (j > i) {
      s(i, j) = s(j, i);
    }
  });
}

}  // namespace itm::ITM_KERNELS
