// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <string>

namespace boltzflow {

/// This shows how far long work has come, on standard error: one line that is rewritten in place on a terminal, a line
/// now and then in a log.
class Progress {
 public:
  /// Where and how lines are shown; terminal_here() says what standard error is.
  struct Style {
    bool quiet = false;
    bool terminal = false;
    int width = 80;               ///< columns of the terminal; lines are cut to it
    double seconds_between = 30;  ///< in a log; on a terminal ten lines a second at most
  };
  static Style terminal_here(bool quiet);

  explicit Progress(Style style, int descriptor = 2) : style_(style), descriptor_(descriptor) {}
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows `line` as the present state, if it is time to.
  void update(const std::string& line);
  /// Writes a line that stays, above the live one.
  void message(const std::string& line);
  /// Leaves the last state standing on a line of its own (in a log: writes it if it was not yet).
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  void write(const std::string& text) const;

  Style style_;
  int descriptor_;
  std::string line_;
  bool shown_ = false;  ///< line_ is what stands there now
  Clock::time_point last_{};
};

/// This estimates the time left from the fraction done, once that can be estimated: after 3 % and 5 s of this session.
class TimeLeft {
 public:
  /// "02:13 elapsed, ~05:40 left", or without the second part; fraction in [0, 1] of the whole work.
  std::string text(double fraction);
  /// For tests: the same at a given number of seconds since construction.
  std::string text(double fraction, double seconds);

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double first_fraction_ = -1, first_seconds_ = 0;
};

/// "02:13", "1:02:13" for seconds.
std::string clock_text(double seconds);
/// "2.3 M", "512 k", "37": counts for people; decimals for millions.
std::string count_text(double count, int decimals = 1);

}  // namespace boltzflow
