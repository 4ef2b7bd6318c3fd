#include "cli/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "cli/say.hpp"
#include "core/text.hpp"

namespace itm::cli {

std::string progress_line(const std::string& label, std::size_t done, std::size_t total, double seconds,
                          const BetterKnown& known) {
  constexpr std::size_t width = 30;
  done = std::min(done, total);
  const double part = total == 0 ? 1 : known.share.value_or(static_cast<double>(done) / static_cast<double>(total));
  const auto filled = std::min(width, static_cast<std::size_t>(part * static_cast<double>(width)));
  std::string line =
      fmt::format("{}  [{}{}]  {}/{}", label, std::string(filled, '#'), std::string(width - filled, '.'), done, total);
  if (!known.what.empty()) {
    line += "  " + known.what;
  }
  if (part > 0 && done < total) {
    line += fmt::format("  {} left", duration(known.left.value_or(seconds * (1 - part) / part)));
  }
  return line;
}

Progress::Progress(const std::string& label, bool visible) : label_(printable(label)), visible_(visible) {}

Progress::~Progress() {
  if (drawn_) {
    draw("\r\x1b[K");
  }
}

void Progress::update(std::size_t done, std::size_t total, const BetterKnown& known) {
  if (!visible_) {
    return;
  }
  const std::lock_guard lock(guard_);
  const Clock::time_point now = Clock::now();
  if (now - last_ < std::chrono::milliseconds(100)) {
    return;
  }
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  draw(fmt::format("\r{}\x1b[K", progress_line(label_, done, total, seconds, known)));
  drawn_ = true;
}

std::function<void(std::size_t, std::size_t)> Progress::callback() {
  return [this](std::size_t done, std::size_t total) { update(done, total); };
}

std::function<void(const RankProgress&)> Progress::of_ranking() {
  return [this](const RankProgress& p) {
    update(p.done, p.total, {p.work, p.left, printable(p.method, 40) + " " + printable(p.model, 40)});
  };
}

}  // namespace itm::cli
