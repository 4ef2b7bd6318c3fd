#pragma once
// A lane over made numbers: every array on the host, to compute with, and on the device, to run on.

#include <random>
#include <vector>

#include "device_test.hpp"
#include "io/half.hpp"
#include "kernels/lane.cuh"

namespace itm::ITM_KERNELS {

struct MadeShape {
  std::uint32_t batch = 5;
  std::uint32_t count = 5;  ///< rows that the window holds; the rest of the batch is dead
  std::uint32_t dims = 7;
  std::uint32_t classes = 3;
  bool dense_centres = false;
  bool mapped = false;  ///< features behind a row map
  Stored stored = Stored::f32;
  double pull = 0;
};

/// Nothing here is a multiple of anything.
inline const MadeShape awkward_shapes[] = {
    {1, 1, 1, 2},                                   // one row, one column
    {5, 5, 7, 3},                                   //
    {9, 4, 33, 33, true, true, Stored::f64, 0.7},   // a short batch, dense centres, more classes than a warp
    {11, 11, 130, 67, false, true, Stored::f16},    // two tiles of rows
    {8, 7, 64, 32, true, false, Stored::f32, 0.1},  // whole warps
    {3, 0, 7, 2, false, false, Stored::f32},        // nothing left of the rows
    {6, 5, 516, 9, false, true, Stored::f16},       // rows that begin on four elements, more of them than a block has
    {5, 5, 12, 100, true, false, Stored::f64},      // the same, each an element of its own
};

template <typename T>
class MadeLane {
 public:
  MadeLane(DeviceApi& api, const MadeShape& s) : shape(s), generator_(s.batch * 1000 + s.dims) {
    const std::size_t rows = 2 * s.batch + 4;
    width = (s.classes + 4) / 4 * 4;
    pitch = (s.dims + 4) / 4 * 4;
    feature = numbers<double>(rows, s.dims, s.dims);
    round_features();
    shift = numbers<double>(1, s.dims, s.dims);
    scale = numbers<double>(1, s.dims, s.dims);
    head = numbers<T>(s.classes, s.classes + 1, width);
    inner = numbers<T>(s.classes, s.classes, width);
    head.resize(static_cast<std::size_t>(width) * width);
    inner.resize(head.size());
    if (s.dense_centres) {
      centres = numbers<T>(s.classes, s.classes, width);
    }
    // A plan over `plan_rows` rows; the window of step 1 holds `count` of them.
    const std::size_t plan_rows = s.batch + s.count;
    for (std::uint32_t i = 0; i < plan_rows; ++i) {
      row_list.push_back(static_cast<std::uint32_t>((i * 7 + 3) % plan_rows));
      labels.push_back(static_cast<std::int32_t>((i * 5 + 1) % s.classes));
      feature_rows.push_back(s.mapped ? static_cast<std::uint32_t>(rows - 1 - i) : i);
    }
    z = numbers<T>(s.batch, s.classes, width);
    scaled = numbers<T>(s.batch, s.classes, width);
    residual = numbers<T>(s.batch, s.classes, width);
    evolved = numbers<T>(s.batch, s.classes, width);
    logits = numbers<T>(s.batch, s.classes, width);
    d_theta = numbers<T>(s.batch, s.classes, width);
    inverse_norm = numbers<T>(1, s.batch, s.batch);
    row_loss = numbers<T>(1, s.batch, s.batch);
    for (std::uint32_t i = 0; i < s.batch; ++i) {
      row_hits.push_back(i % 3 == 0 ? 1 : 0);
      targets.push_back(i < s.count ? static_cast<std::uint32_t>(label(i)) : 0);
    }
    upload(api);
  }

  /// The label of row i of the window.
  [[nodiscard]] std::int32_t label(std::uint32_t i) const { return labels[row_list[shape.batch + i]]; }
  [[nodiscard]] double centre_entry(std::uint32_t y, std::uint32_t c) const {
    return shape.dense_centres ? static_cast<double>(centres[static_cast<std::size_t>(y) * width + c])
                               : (c == y ? 1 : 0);
  }

  MadeShape shape;
  std::uint32_t width = 0;
  std::uint32_t pitch = 0;
  double eta = 0.6;
  std::vector<double> feature, shift, scale;
  std::vector<T> head, inner, centres, z, scaled, residual, evolved, logits, d_theta, inverse_norm, row_loss;
  std::vector<std::uint32_t> row_list, feature_rows, targets, row_hits;
  std::vector<std::int32_t> labels;

  Lane<T> lane{};
  struct OnDevice {
    DeviceBuffer<std::byte> feature;
    DeviceBuffer<double> shift, scale;
    DeviceBuffer<std::uint32_t> feature_rows, rows, targets, row_hits;
    DeviceBuffer<std::int32_t> labels;
    DeviceBuffer<T> head, inner, centres, x, theta, scaled, residual, evolved, logits, d_theta, work, inverse_norm,
        row_loss;
    DeviceBuffer<double> chunk_loss;
    DeviceBuffer<std::uint32_t> chunk_hits;
  } device;

 private:
  /// rows x cols standard normals in rows of `pitch`, zero behind.
  template <typename U>
  std::vector<U> numbers(std::size_t rows, std::size_t cols, std::size_t row_length) {
    std::normal_distribution<double> normal;
    std::vector<U> out(rows * row_length);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < cols; ++j) {
        out[i * row_length + j] = static_cast<U>(normal(generator_));
      }
    }
    return out;
  }

  void round_features() {
    for (double& v : feature) {
      const auto narrow = static_cast<float>(v);
      v = shape.stored == Stored::f64   ? v
          : shape.stored == Stored::f32 ? static_cast<double>(narrow)
                                        : static_cast<double>(io::float_from_f16(io::f16_from_float(narrow)));
    }
  }

  [[nodiscard]] std::vector<std::byte> stored_features() const {
    std::vector<std::byte> bytes;
    const auto append = [&](auto value) {
      const auto* from = reinterpret_cast<const std::byte*>(&value);
      bytes.insert(bytes.end(), from, from + sizeof value);
    };
    for (const double v : feature) {
      switch (shape.stored) {
        case Stored::f16:
          append(io::f16_from_float(static_cast<float>(v)));
          break;
        case Stored::f32:
          append(static_cast<float>(v));
          break;
        case Stored::f64:
          append(v);
          break;
      }
    }
    return bytes;
  }

  void upload(DeviceApi& api) {
    const std::size_t rows = static_cast<std::size_t>(shape.batch) * width;
    device.feature = DeviceBuffer<std::byte>(api, stored_features());
    device.shift = DeviceBuffer<double>(api, shift);
    device.scale = DeviceBuffer<double>(api, scale);
    device.feature_rows = DeviceBuffer<std::uint32_t>(api, shape.mapped ? feature_rows : std::vector<std::uint32_t>());
    device.rows = DeviceBuffer<std::uint32_t>(api, row_list);
    device.labels = DeviceBuffer<std::int32_t>(api, labels);
    device.targets = DeviceBuffer<std::uint32_t>(api, targets);
    device.row_hits = DeviceBuffer<std::uint32_t>(api, row_hits);
    device.head = DeviceBuffer<T>(api, head);
    device.inner = DeviceBuffer<T>(api, inner);
    device.centres = DeviceBuffer<T>(api, centres);
    device.x = DeviceBuffer<T>(api, static_cast<std::size_t>(shape.batch) * pitch);
    device.theta = DeviceBuffer<T>(api, z);
    device.scaled = DeviceBuffer<T>(api, scaled);
    device.residual = DeviceBuffer<T>(api, residual);
    device.evolved = DeviceBuffer<T>(api, evolved);
    device.logits = DeviceBuffer<T>(api, logits);
    device.d_theta = DeviceBuffer<T>(api, d_theta);
    device.work = DeviceBuffer<T>(api, rows);
    device.inverse_norm = DeviceBuffer<T>(api, inverse_norm);
    device.row_loss = DeviceBuffer<T>(api, row_loss);
    device.chunk_loss = DeviceBuffer<double>(api, 4);
    device.chunk_loss.zero();
    device.chunk_hits = DeviceBuffer<std::uint32_t>(api, 4);
    device.chunk_hits.zero();

    lane.feature = device.feature.data();
    lane.stored = shape.stored;
    lane.shift = device.shift.data();
    lane.scale = device.scale.data();
    lane.feature_rows = device.feature_rows.data();
    lane.head = device.head.data();
    lane.inner = device.inner.data();
    lane.eta = eta;
    lane.pull = shape.pull;
    lane.dims = shape.dims;
    lane.pitch = pitch;
    lane.centres = device.centres.data();
    lane.labels = device.labels.data();
    lane.classes = shape.classes;
    lane.width = width;
    lane.rows = device.rows.data();
    lane.total = row_list.size();
    lane.advance = shape.batch;
    lane.batch = shape.batch;
    lane.x = device.x.data();
    lane.theta = device.theta.data();
    lane.scaled = device.scaled.data();
    lane.residual = device.residual.data();
    lane.evolved = device.evolved.data();
    lane.logits = device.logits.data();
    lane.d_theta = device.d_theta.data();
    lane.work = device.work.data();
    lane.inverse_norm = device.inverse_norm.data();
    lane.row_loss = device.row_loss.data();
    lane.targets = device.targets.data();
    lane.row_hits = device.row_hits.data();
    lane.chunk_loss = device.chunk_loss.data();
    lane.chunk_hits = device.chunk_hits.data();
    lane.first_chunk = 1;
    lane.chunk_advance = 2;
    lane.chunks = 4;
  }

  std::mt19937 generator_;
};

/// All awkward shapes side by side in one launch, as the models of a zoo are, at step 1 of their rows.
template <typename T>
class MadeZoo {
 public:
  explicit MadeZoo(DeviceApi& api, bool chained = false) : base_(api, std::vector<std::uint32_t>{1}) {
    std::vector<Lane<T>> table;
    for (const MadeShape& shape : awkward_shapes) {
      lanes.push_back(std::make_unique<MadeLane<T>>(api, shape));
      lanes.back()->lane.chained = chained;
      table.push_back(lanes.back()->lane);
      batch = std::max(batch, shape.batch);
      width = std::max(width, lanes.back()->width);
    }
    table_ = DeviceBuffer<Lane<T>>(api, table);
  }

  [[nodiscard]] const Lane<T>* table() const { return table_.data(); }
  [[nodiscard]] Cursor cursor() const { return {base_.data(), 0}; }
  [[nodiscard]] dim3 grid() const { return row_grid(batch, lanes.size()); }

  /// The named array of every lane, one after another.
  template <typename Member>
  [[nodiscard]] auto download(Member member) const {
    decltype((lanes.front()->device.*member).download()) all;
    for (const auto& lane : lanes) {
      const auto part = (lane->device.*member).download();
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }

  std::vector<std::unique_ptr<MadeLane<T>>> lanes;
  std::uint32_t batch = 0;
  std::uint32_t width = 0;

 private:
  DeviceBuffer<std::uint32_t> base_;
  DeviceBuffer<Lane<T>> table_;
};

template <typename T>
using OnDevice = typename MadeLane<T>::OnDevice;

}  // namespace itm::ITM_KERNELS
