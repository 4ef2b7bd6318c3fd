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

class Progress {
 public:
  /// `visible` is false where standard error is no terminal or the user wants quiet; nothing is drawn then.
  Progress(const std::string& label, bool visible);
  ~Progress();  ///< clears the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of `total` units are finished; `share` of the work, where it is known better; `what` was finished last.
  /// From any thread.
  void update(std::size_t done, std::size_t total, std::optional<double> share = {}, const std::string& what = {});
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

/// "reading  [########............]  8/20  logme resnet50  12 s left". `share` of the work is done; by default done /
/// total.
[[nodiscard]] std::string progress_line(const std::string& label, std::size_t done, std::size_t total, double seconds,
                                        std::optional<double> share = {}, const std::string& what = {});

}  // namespace itm::cli
