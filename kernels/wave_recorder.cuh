#pragma once
// Stretches of iterations, recorded as graphs and started again as often as they come.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "kernels/device_api.hpp"
#include "kernels/platform.cuh"

namespace itm::ITM_KERNELS {

class WaveRecorder {
 public:
  /// `say` is told, where it is set, that a device refuses to record.
  WaveRecorder(DeviceApi& api, std::function<void(const std::string&)> say) : api_(api), say_(std::move(say)) {}

  /// `length` iterations, and a validation where `validating`; `work` does them and stays good for as long as the
  /// recorder lives. The very first are not recorded: meanwhile libraries load and choose their kernels, which a
  /// recording forbids.
  void run(std::uint32_t length, bool validating, bool may_record, const std::function<void()>& work) {
    std::unique_ptr<Graph>& graph = graphs_[{length, validating}];
    if (!graph && loaded_ && may_record && records_) {
      graph = record(work);
    }
    loaded_ = true;
    if (graph) {
      graph->replay();
    } else {
      work();
    }
  }

  /// Waits when so much is queued that Ctrl-C would not be noticed for long; `length` iterations have just been.
  void limit_queue(std::uint32_t length) {
    queued_ += length;
    if (queued_ >= most_queued) {
      api_.synchronise();
      queued_ = 0;
    }
  }

 private:
  /// Null where the device refuses, and then for good: launching one by one is slower and as right.
  std::unique_ptr<Graph> record(const std::function<void()>& work) {
    try {
      return api_.record(work);
    } catch (const OutOfDeviceMemory&) {
      throw;
    } catch (const DeviceError& error) {
      records_ = false;
      if (say_) {
        say_(std::string(error.what()) + "; going on without graphs, which is slower");
      }
      return nullptr;
    }
  }

  DeviceApi& api_;
  std::function<void(const std::string&)> say_;
  std::map<std::pair<std::uint32_t, bool>, std::unique_ptr<Graph>> graphs_;
  bool loaded_ = false;
  bool records_ = true;
  static constexpr std::uint32_t most_queued = 128;  // iterations: about 20 ms for the paper's zoo
  std::uint32_t queued_ = 0;
};

}  // namespace itm::ITM_KERNELS
