// SPDX-License-Identifier: MIT
#pragma once
#include <stdexcept>
#include <string>

namespace boltzflow {

/// Exit statuses of the program (the BSD sysexits numbers where one fits); `boltzflow help exit-codes` prints this
/// list.
enum class ExitStatus : int {
  success = 0,
  failure = 1,         ///< ran to its end, but a check that was asked for failed
  usage = 64,          ///< wrong words on the command line
  bad_data = 65,       ///< an input file is malformed, truncated or inconsistent
  no_input = 66,       ///< an input file is missing or unreadable
  unavailable = 69,    ///< something the command needs is not there (a device, a library)
  internal = 70,       ///< an error in boltzflow itself; please report it
  io_error = 74,       ///< reading or writing failed: disk full, read-only, removed
  busy = 75,           ///< another process is working on the same run folder
  configuration = 78,  ///< the configuration is wrong; every error in it was named
  interrupted = 130,   ///< stopped cleanly by SIGINT; resume with --resume
  terminated = 143     ///< stopped cleanly by SIGTERM; resume with --resume
};

/// This is the base of every error boltzflow throws on purpose. what() is one complete sentence for the user: where
/// (file:line or key), what was seen, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ExitStatus status, const std::string& message) : std::runtime_error(message), status_(status) {}
  ExitStatus status() const noexcept { return status_; }

 private:
  ExitStatus status_;
};

/// An argument or an input file does not hold what it must. For files, `where` is "file" or "file:line".
class InputError : public Error {
 public:
  explicit InputError(const std::string& message) : Error(ExitStatus::bad_data, message) {}
  InputError(const std::string& where, const std::string& message)
      : Error(ExitStatus::bad_data, where + ": " + message) {}
  InputError(const std::string& file, long line, const std::string& message)
      : Error(ExitStatus::bad_data, file + ":" + std::to_string(line) + ": " + message) {}
};

/// An input file is missing or cannot be read.
class MissingInputError : public Error {
 public:
  explicit MissingInputError(const std::string& message) : Error(ExitStatus::no_input, message) {}
};

/// The configuration is wrong; the message names every error in it, a line each.
class ConfigurationError : public Error {
 public:
  explicit ConfigurationError(const std::string& message) : Error(ExitStatus::configuration, message) {}
};

/// Reading or writing failed after the file was opened, or a file cannot be created.
class IoError : public Error {
 public:
  explicit IoError(const std::string& message) : Error(ExitStatus::io_error, message) {}
};

/// Something needed is not available on this machine.
class UnavailableError : public Error {
 public:
  explicit UnavailableError(const std::string& message) : Error(ExitStatus::unavailable, message) {}
};

/// Another process holds the run folder.
class BusyError : public Error {
 public:
  explicit BusyError(const std::string& message) : Error(ExitStatus::busy, message) {}
};

}  // namespace boltzflow
