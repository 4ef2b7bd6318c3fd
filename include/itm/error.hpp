#pragma once
// Every failure that a user can cause or meet is one of these; what() is one whole sentence that names the
// file, the value and the remedy. The command line turns them into `itm: <sentence>` and an exit status.

#include <stdexcept>
#include <string>

namespace itm {

/// Exit statuses of the `itm` binary (spec 6).
enum class ExitStatus : int {
  success = 0,
  comparison_failed = 1,
  bad_input = 2,
  no_device = 3,
  interrupted = 130,
};

/// Base of all exceptions thrown by the library.
class Error : public std::runtime_error {
 public:
  /// `sentence` is all that the user reads; `status` is what the program ends with.
  Error(ExitStatus status, const std::string& sentence) : std::runtime_error(sentence), status_(status) {}
  /// What the program ends with.
  [[nodiscard]] ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

/// Bad file, bad data or bad option: exit status 2.
class InputError : public Error {
 public:
  /// Names the file, the value and the remedy.
  explicit InputError(const std::string& sentence) : Error(ExitStatus::bad_input, sentence) {}
};

/// Numbers of a matrix left the range of the arithmetic. A device does not know whose they are: what() names no file,
/// and whoever does know puts it in front.
class NumericError : public InputError {
 public:
  using InputError::InputError;  ///< the same
};

/// No such device, or not enough memory on it: exit status 3.
class DeviceError : public Error {
 public:
  /// Says what is missing and what to do without it.
  explicit DeviceError(const std::string& sentence) : Error(ExitStatus::no_device, sentence) {}
};

/// The user pressed Ctrl-C; nothing half-written is left behind.
class Interrupted : public Error {
 public:
  Interrupted() : Error(ExitStatus::interrupted, "interrupted; no result file was written") {}
};

}  // namespace itm
