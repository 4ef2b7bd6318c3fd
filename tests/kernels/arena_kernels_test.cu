// The kernels over whole arenas and the small ones that keep count, each against its definition.

#include <numeric>

#include "engine/itm_math.hpp"
#include "engine/plan_tools.hpp"
#include "kernels/adamw.cuh"
#include "kernels/philox_kernels.cuh"
#include "kernels/progress.cuh"
#include "made_lane.cuh"

namespace itm::ITM_KERNELS {
namespace {

class ITM_DEVICE(ArenaKernels) : public DeviceTest {};

TEST_F(ITM_DEVICE(ArenaKernels), AdamWFollowsTheReferenceOverSteps) {
  constexpr std::size_t count = 2500;  // two whole blocks and a part
  const std::vector<AdamWRate<double>> rates{{0.9999, 0.05, 31.6}, {0.9998, 0.03, 22.4}, {0.99, 0.02, 18.3}};
  std::vector<double> p(count);
  std::vector<double> g(count);
  for (std::size_t i = 0; i < count; ++i) {
    p[i] = std::sin(static_cast<double>(i));
    g[i] = i % 10 == 0 ? 0.0 : std::cos(static_cast<double>(3 * i)) * 1e-3;
  }
  std::vector<double> m(count);
  std::vector<double> v(count);
  const DeviceBuffer<double> parameter(api(), p);
  const DeviceBuffer<double> gradient(api(), g);
  const DeviceBuffer<double> moment1(api(), m);
  const DeviceBuffer<double> moment2(api(), v);
  const DeviceBuffer<AdamWRate<double>> table(api(), rates);
  const DeviceBuffer<std::uint32_t> counted(api(), 2);
  for (const std::uint32_t step : {1U, 2U}) {
    api().upload(counted.data() + 1, &step, sizeof step);
    launch_adamw(api(), parameter.data(), gradient.data(), moment1.data(), moment2.data(), count, table.data(),
                 Counters{counted.data(), counted.data() + 1});
    EXPECT_EQ(counted.download().front(), step + 1) << "iterations done";
    const AdamWRate<double>& rate = rates[step];
    math::adamw(p.data(), g.data(), m.data(), v.data(), count,
                math::AdamWStep<double>{rate.keep, rate.step, rate.root_correction});
  }
  expect_close("parameters", parameter.download(), p, 1e-14);
  expect_close("moment 1", moment1.download(), m, 1e-14);
  expect_close("moment 2", moment2.download(), v, 1e-14);
}

TEST_F(ITM_DEVICE(ArenaKernels), MeanLossGoesToItsIterationAndLane) {
  using T = float;
  const MadeZoo<T> made(api());
  const std::size_t lanes = made.lanes.size();
  const auto got = in_every_order([&] {
    const DeviceBuffer<double> losses(api(), 2 * lanes);
    losses.zero();
    launch(api(), mean_loss<T>, dim3(static_cast<unsigned>(lanes)), dim3(sum_threads), made.table(), made.cursor(),
           losses.data());
    const std::vector<double> all = losses.download();
    return std::vector<double>(all.begin() + lanes, all.begin() + lanes + 5);  // the sixth lane has no row: 0 / 0
  });
  std::vector<double> want;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const auto& l = *made.lanes[k];
    want.push_back(std::accumulate(l.row_loss.begin(), l.row_loss.begin() + l.shape.count, 0.0) / l.shape.count);
  }
  expect_close("losses", got, want, 1e-12);
}

TEST_F(ITM_DEVICE(ArenaKernels), ChunksAreSummedIntoTheirSlotAndCheckpointsOverChunks) {
  using T = float;
  MadeLane<T> made(api(), {300, 277, 3, 2});  // more rows than threads
  const DeviceBuffer<Lane<T>> table(api(), std::vector<Lane<T>>{made.lane});
  launch(api(), sum_chunk<T>, dim3(1), dim3(sum_threads), table.data(), Cursor{nullptr, 1});
  const std::vector<double> loss = made.device.chunk_loss.download();
  const std::vector<std::uint32_t> hits = made.device.chunk_hits.download();
  // first_chunk 1 and chunk_advance 2: step 1 is chunk 3.
  EXPECT_NEAR(loss[3], std::accumulate(made.row_loss.begin(), made.row_loss.begin() + 277, 0.0), 1e-9);
  EXPECT_EQ(hits[3], std::accumulate(made.row_hits.begin(), made.row_hits.begin() + 277, 0U));
  EXPECT_EQ(std::vector<double>(loss.begin(), loss.begin() + 3), std::vector<double>(3));

  const DeviceBuffer<double> chunk_loss(api(), std::vector<double>{1, 2, 4, 8});
  const DeviceBuffer<std::uint32_t> chunk_hits(api(), std::vector<std::uint32_t>{10, 20, 30, 40});
  const DeviceBuffer<double> checkpoint_loss(api(), std::vector<double>(3));
  const DeviceBuffer<std::uint32_t> checkpoint_hits(api(), std::vector<std::uint32_t>(3));
  const DeviceBuffer<Checkpoints> models(
      api(), std::vector<Checkpoints>{
                 {chunk_loss.data(), chunk_hits.data(), 4, checkpoint_loss.data(), checkpoint_hits.data()}});
  const DeviceBuffer<std::uint32_t> base(api(), std::vector<std::uint32_t>{100});
  launch(api(), sum_chunks, dim3(1), dim3(32), models.data(), 1U, Cursor{base.data(), 50}, 50U);
  EXPECT_EQ(checkpoint_loss.download(), (std::vector<double>{0, 0, 15}));
  EXPECT_EQ(checkpoint_hits.download(), (std::vector<std::uint32_t>{0, 0, 100}));
}

TEST_F(ITM_DEVICE(ArenaKernels), InitialParametersAreTheHostsToTheBit) {
  constexpr std::uint32_t dims = 7;
  constexpr std::uint32_t classes = 3;
  const ItmParameters want = itm::initial_parameters(dims, classes, 11);
  const DeviceBuffer<double> psi_w(api(), std::vector<double>(classes * 8));
  const DeviceBuffer<float> head_w(api(), std::vector<float>(classes * 4));
  const DeviceBuffer<InitialArray<double>> wide(
      api(), std::vector<InitialArray<double>>{
                 {psi_w.data(), classes, dims, 8, 11, philox::stream_id("psi.weight"), 1 / std::sqrt(7.0), false},
                 {psi_w.data() + dims, classes, 1, 8, 11, philox::stream_id("psi.bias"), 1 / std::sqrt(7.0), true}});
  const DeviceBuffer<InitialArray<float>> narrow(
      api(), std::vector<InitialArray<float>>{{head_w.data(), classes, classes, 4, 11, philox::stream_id("head.weight"),
                                               1 / std::sqrt(3.0), false}});
  launch(api(), ITM_KERNELS::initial_parameters<double>, dim3(1, 2), dim3(philox_threads), wide.data());
  launch(api(), ITM_KERNELS::initial_parameters<float>, dim3(2, 1), dim3(philox_threads), narrow.data());
  const std::vector<double> psi = psi_w.download();
  const std::vector<float> head = head_w.download();
  for (std::size_t c = 0; c < classes; ++c) {
    for (std::size_t d = 0; d < dims; ++d) {
      EXPECT_EQ(psi[c * 8 + d], want.psi_w[c * dims + d]);
    }
    EXPECT_EQ(psi[c * 8 + dims], want.psi_b[c]) << "the bias is the last column";
    for (std::size_t k = 0; k < classes; ++k) {
      EXPECT_EQ(head[c * 4 + k], static_cast<float>(want.head_w[c * classes + k]));
    }
  }
}

TEST_F(ITM_DEVICE(ArenaKernels), SortedKeysAreTheHostsPermutation) {
  for (const std::uint32_t n : {1U, 7U, 1000U}) {
    const DeviceBuffer<std::uint64_t> keys(api(), n);
    const DeviceBuffer<std::uint32_t> order(api(), n);
    launch(api(), permutation_keys, dim3(tiles(n, philox_threads)), dim3(philox_threads), std::uint64_t{5},
           philox::stream_id("split"), n, keys.data(), order.data());
    api().sort_by_key(keys.data(), order.data(), n);
    EXPECT_EQ(order.download(), permute_on_host(n, 5, "split"));
  }
}

}  // namespace
}  // namespace itm::ITM_KERNELS
