// The seam to the libraries: products of any shape and transposition under every strategy, eigenvectors, graphs, and
// features on their way to the device.

#include <cstring>
#include <random>

#include "device_test.hpp"
#include "engine/plan_tools.hpp"
#include "kernels/grouped_product.cuh"

namespace itm::ITM_KERNELS {
namespace {

class ITM_DEVICE(DeviceSeam) : public DeviceTest {
 protected:
  /// C = op(A) op(B) (+ C) for each of some shapes in one group, against the definition.
  /// `aligned`: rows begin on 16 bytes and may be read 16 bytes at a time.
  template <typename T>
  void check_products(bool grouped, bool aligned, bool transpose_a, bool transpose_b, bool accumulate) {
    struct Product {
      int m, n, k;
    };
    // Within a tile, beyond one, and k beyond what one block of the grouped kernel takes here.
    const Product shapes[] = {{1, 1, 1}, {5, 3, 7}, {8, 4, 12}, {5, 3, 7}, {33, 20, 17}, {70, 68, 36}, {4, 9, 261}};
    std::mt19937 generator(7);
    std::normal_distribution<double> normal;
    const auto numbers = [&](int count) {
      std::vector<T> out(static_cast<std::size_t>(count));
      std::generate(out.begin(), out.end(), [&] { return static_cast<T>(normal(generator)); });
      return out;
    };
    std::vector<std::vector<double>> want;
    std::vector<DeviceBuffer<T>> buffers;
    std::vector<Gemm<T>> group;
    std::vector<std::size_t> result;
    for (const Product& p : shapes) {
      const auto pitch = [aligned](int cols, int gap) { return aligned ? (cols + 3) / 4 * 4 : cols + gap; };
      const int lda = pitch(transpose_a ? p.m : p.k, 3);
      const int ldb = pitch(transpose_b ? p.k : p.n, 1);
      const int ldc = pitch(p.n, 0);
      const std::vector<T> a = numbers((transpose_a ? p.k : p.m) * lda);
      const std::vector<T> b = numbers((transpose_b ? p.n : p.k) * ldb);
      const std::vector<T> c = numbers(p.m * ldc);
      std::vector<double> expected(c.begin(), c.end());  // what lies behind a row stays
      for (int i = 0; i < p.m; ++i) {
        for (int j = 0; j < p.n; ++j) {
          double& at = expected[static_cast<std::size_t>(i * ldc + j)];
          double sum = accumulate ? at : 0;
          for (int k = 0; k < p.k; ++k) {
            sum += static_cast<double>(a[static_cast<std::size_t>(transpose_a ? k * lda + i : i * lda + k)]) *
                   static_cast<double>(b[static_cast<std::size_t>(transpose_b ? j * ldb + k : k * ldb + j)]);
          }
          at = sum;
        }
      }
      want.push_back(expected);
      buffers.emplace_back(api(), a);
      buffers.emplace_back(api(), b);
      buffers.emplace_back(api(), c);
      const std::size_t last = buffers.size() - 1;
      result.push_back(last);
      const auto view = [](const DeviceBuffer<T>& buffer, bool transposed, int rows, int cols, int stride) {
        return BasicView<T>(buffer.data(), static_cast<std::size_t>(transposed ? cols : rows),
                            static_cast<std::size_t>(transposed ? rows : cols), static_cast<std::size_t>(stride));
      };
      const auto op = [](bool transposed) { return transposed ? Op::transpose : Op::none; };
      group.push_back({view(buffers[last - 2], transpose_a, p.m, p.k, lda),
                       view(buffers[last - 1], transpose_b, p.k, p.n, ldb), view(buffers[last], false, p.m, p.n, ldc),
                       op(transpose_a), op(transpose_b), accumulate});
    }
    std::unique_ptr<GemmGroup> products;
    const Arena arena(api(), [&](Layout& layout) {
      if constexpr (std::is_same_v<T, float>) {
        if (grouped) {
          products = std::make_unique<GroupedProducts>(api(), group, Precision::float32, layout);
          return;
        }
      }
      products = api().prepare(group, Precision::float32, layout);
    });
    products->run();
    for (std::size_t i = 0; i < want.size(); ++i) {
      expect_close("C", buffers[result[i]].download(), want[i], 10 * rounding<T>);
    }
  }
};

TEST_F(ITM_DEVICE(DeviceSeam), ProductsOfAnyShape) {
  for (const int bits : {0, 1, 2, 3, 4, 5, 6, 7}) {
    const bool transpose_a = (bits & 1) != 0;
    const bool transpose_b = (bits & 2) != 0;
    const bool accumulate = (bits & 4) != 0;
    check_products<double>(false, false, transpose_a, transpose_b, accumulate);
    check_products<float>(false, false, transpose_a, transpose_b, accumulate);
    check_products<float>(true, false, transpose_a, transpose_b, accumulate);
    check_products<float>(true, true, transpose_a, transpose_b, accumulate);
  }
}

TEST_F(ITM_DEVICE(DeviceSeam), AnEmptyGroupOfProductsDoesNothing) {
  Layout layout;
  api().prepare(std::vector<Gemm<float>>{}, Precision::float32, layout)->run();
  GroupedProducts(api(), {}, Precision::float32, layout).run();
}

TEST_F(ITM_DEVICE(DeviceSeam), EigenvectorsAreOrthonormalAndDiagonalise) {
  constexpr std::size_t n = 9;
  std::vector<double> symmetric(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      symmetric[i * n + j] = std::cos(static_cast<double>(i * j)) + (i == j ? 5 * static_cast<double>(i) : 0.0);
    }
  }
  const DeviceBuffer<double> matrix(api(), symmetric);
  api().eigenvectors({matrix.data(), n, n, n});
  const std::vector<double> v = matrix.download();
  std::vector<double> quadratic(n * n);
  std::vector<double> products(n * n);
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) {
      for (std::size_t i = 0; i < n; ++i) {
        products[a * n + b] += v[a * n + i] * v[b * n + i];
        for (std::size_t j = 0; j < n; ++j) {
          quadratic[a * n + b] += v[a * n + i] * symmetric[i * n + j] * v[b * n + j];
        }
      }
      EXPECT_NEAR(products[a * n + b], a == b ? 1 : 0, 1e-12);
      if (a != b) {
        EXPECT_NEAR(quadratic[a * n + b], 0, 1e-11);
      }
    }
    if (a > 0) {
      EXPECT_GE(quadratic[a * n + a], quadratic[(a - 1) * n + a - 1]) << "ascending eigenvalues";
    }
  }
}

TEST_F(ITM_DEVICE(DeviceSeam), AGraphRunsItsWorkAtEveryReplay) {
  const std::vector<double> one{1};
  const DeviceBuffer<double> a(api(), one);
  const DeviceBuffer<double> c(api(), one);
  const View factor(a.data(), 1, 1, 1);
  LoneProducts<double> product(api(), {{factor, factor, {c.data(), 1, 1, 1}, Op::none, Op::none, true}},
                               Precision::float64);
  const auto graph = api().record([&] {
    product.run();
    product.run();
  });
  EXPECT_EQ(c.download().front(), 1) << "recording runs nothing";
  graph->replay();
  graph->replay();
  EXPECT_EQ(c.download().front(), 5);
}

TEST_F(ITM_DEVICE(DeviceSeam), FillBringsEveryByteInWholeUnits) {
  constexpr std::size_t unit = 12;
  constexpr std::size_t bytes = unit * 1000;
  const DeviceBuffer<std::byte> memory(api(), bytes);
  api().fill(memory.data(), bytes, unit, [&](std::byte* at, std::size_t offset, std::size_t count) {
    EXPECT_EQ(offset % unit, 0U);
    EXPECT_EQ(count % unit, 0U);
    for (std::size_t i = 0; i < count; ++i) {
      at[i] = static_cast<std::byte>((offset + i) % 251);
    }
  });
  const std::vector<std::byte> got = memory.download();
  for (std::size_t i = 0; i < bytes; ++i) {
    ASSERT_EQ(got[i], static_cast<std::byte>(i % 251)) << i;
  }
}

}  // namespace
}  // namespace itm::ITM_KERNELS
