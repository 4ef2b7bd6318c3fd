#pragma once
// A bar on standard error that shows how far the work is and how long it will take.

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "itm/estimator.hpp"

namespace itm::cli {

/// What else is known of work in progress.
struct BetterKnown {
  std::optional<double> share{};  ///< of the work, that is done; else done / total
  std::optional<double> left{};   ///< seconds; else as long as what has passed, in proportion to the share
  std::string what{};             ///< was finished last
};

class Progress {
 public:
  /// `visible` is false where standard error is no terminal or the user wants quiet; nothing is drawn then.
  Progress(const std::string& label, bool visible);
  ~Progress();  ///< clears the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of `total` units are finished, and there is more to say where it is known better. From any thread.
  void update(std::size_t done, std::size_t total, const BetterKnown& known = {});
  /// update() as a callback; the object must outlive it.
  [[nodiscard]] std::function<void(std::size_t, std::size_t)> callback();
  /// The same for a ranking: it names method and model.
  [[nodiscard]] std::function<void(const RankProgress&)> of_ranking();

 private:
  using Clock = std::chrono::steady_clock;

  std::mutex guard_;
  std::string label_;
  bool visible_;
  bool drawn_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_{};
};

/// "reading  [########............]  8/20  logme resnet50  12 s left"; `seconds` have passed.
[[nodiscard]] std::string progress_line(const std::string& label, std::size_t done, std::size_t total, double seconds,
                                        const BetterKnown& known = {});

}  // namespace itm::cli
