#include "ranking/account.hpp"

#include <algorithm>

namespace itm {
namespace {

/// What is expected weighs like so much of the expected work, seen to take what was expected.
constexpr double trust_in_all = 0.1;
constexpr double trust_in_method = 0.05;

/// Seconds that take one second that was expected.
double rate(double took, double timed, double expected_rate, double trust) {
  return timed + trust > 0 ? (took + expected_rate * trust) / (timed + trust) : expected_rate;
}

}  // namespace

std::size_t Account::add(double seconds) {
  methods_.push_back({.expected = seconds});
  return methods_.size() - 1;
}

void Account::finish(std::size_t method, double expected) { methods_[method].done += expected; }

void Account::finish(std::size_t method, double expected, double seconds) {
  finish(method, expected);
  methods_[method].timed += expected;
  methods_[method].took += seconds;
}

void Account::spare(std::size_t method, double expected) { methods_[method].expected -= expected; }

Account::Method Account::all() const {
  Method sum;
  for (const Method& method : methods_) {
    sum.expected += method.expected;
    sum.done += method.done;
    sum.timed += method.timed;
    sum.took += method.took;
  }
  return sum;
}

double Account::share() const {
  const Method sum = all();
  return sum.expected > 0 ? std::clamp(sum.done / sum.expected, 0.0, 1.0) : 1;
}

double Account::left_of_passed() const {
  const Method sum = all();
  const double usual = rate(sum.took, sum.timed, 1, trust_in_all * sum.expected);
  double passed = 0;
  double left = 0;
  for (const Method& method : methods_) {
    const double own = rate(method.took, method.timed, usual, trust_in_method * method.expected);
    passed += method.took + (method.done - method.timed) * own;
    left += std::max(method.expected - method.done, 0.0) * own;
  }
  return passed > 0 ? left / passed : 0;
}

}  // namespace itm
