#pragma once
// How much of a ranking is done, in time. Methods say beforehand what a model costs; a processor is faster or slower
// than the one that this was measured on, and not for all methods alike. What a method has taken so far says what its
// other models will take, and what all have taken speaks for those that have not begun.

#include <cstddef>
#include <vector>

namespace itm {

/// Not for several threads at once.
class Account {
 public:
  /// A method on a data set: `seconds` that it expects to take. Its number here.
  std::size_t add(double seconds);
  /// `expected` seconds of its work are done; nobody measured what they took.
  void finish(std::size_t method, double expected);
  /// The same, and they took `seconds` of a thread.
  void finish(std::size_t method, double expected, double seconds);
  /// Work that will not be done.
  void spare(std::size_t method, double expected);
  /// Of the work that is expected, what is done; in [0, 1].
  [[nodiscard]] double share() const;
  /// The time that is left in units of the time that has passed, by what was timed; 0 before anything is done.
  [[nodiscard]] double left_of_passed() const;

 private:
  struct Method {
    double expected = 0;
    double done = 0;   ///< of it
    double timed = 0;  ///< of what is done
    double took = 0;   ///< what was timed
  };
  [[nodiscard]] Method all() const;  // summed

  std::vector<Method> methods_;
};

}  // namespace itm
