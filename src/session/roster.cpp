#include "session/roster.hpp"

#include <chrono>
#include <new>

#include "itm/error.hpp"

namespace itm {

Roster::Roster(Executor& executor, std::size_t models) : executor_(executor), outcomes_(models) {}

void Roster::attempt(std::size_t model, const std::function<void()>& work) {
  if (!is_in(model)) {
    return;
  }
  const auto start = std::chrono::steady_clock::now();
  try {
    executor_.read(model, work);
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception&) {
    fail(model, std::current_exception());
  }
  charge(model, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

void Roster::fail(std::size_t model, const std::exception_ptr& failure) {
  std::string sentence;
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    sentence = error.what();
  } catch (const std::bad_alloc&) {
    sentence = "out of memory; close other programs or use fewer --threads";
  }
  if (!executor_.keeps_going()) {
    std::rethrow_exception(failure);
  }
  const std::lock_guard lock(guard_);
  outcomes_[model].failure = sentence;
}

void Roster::charge(std::size_t model, double seconds) {
  const std::lock_guard lock(guard_);
  outcomes_[model].scored.seconds += seconds;
}

bool Roster::is_in(std::size_t model) const {
  const std::lock_guard lock(guard_);
  return outcomes_[model].is_scored();
}

std::vector<std::size_t> Roster::present() const {
  std::vector<std::size_t> models;
  for (std::size_t m = 0; m < outcomes_.size(); ++m) {
    if (is_in(m)) {
      models.push_back(m);
    }
  }
  return models;
}

std::vector<Outcome> Roster::outcomes(const std::function<ScoredModel(std::size_t)>& scored) const {
  std::vector<Outcome> all = outcomes_;
  for (std::size_t m = 0; m < all.size(); ++m) {
    if (all[m].is_scored()) {
      const double seconds = all[m].scored.seconds;
      all[m].scored = scored(m);
      all[m].scored.seconds = seconds;
    }
  }
  return all;
}

}  // namespace itm
