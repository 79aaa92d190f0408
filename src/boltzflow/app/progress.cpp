// SPDX-License-Identifier: MIT
#include "boltzflow/app/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace boltzflow {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Progress::Style Progress::terminal_here(bool quiet) {
  Style style;
  style.quiet = quiet;
  const char* kind = std::getenv("TERM");
  style.terminal = ::isatty(2) && kind && std::string(kind) != "dumb";
  winsize size{};
  if (style.terminal && ::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.width = size.ws_col;
  return style;
}

void Progress::write(const std::string& text) const {
  // Progress is worth no failure: a closed standard error is ignored.
  [[maybe_unused]] const ssize_t ignored = ::write(descriptor_, text.data(), text.size());
}

void Progress::update(const std::string& line) {
  if (style_.quiet) return;
  line_ = line;
  shown_ = false;
  if (last_ != Clock::time_point{} && seconds_since(last_) < (style_.terminal ? 0.1 : style_.seconds_between)) return;
  last_ = Clock::now();
  shown_ = true;
  // One column stays free: many terminals wrap when the last one is written.
  write(style_.terminal ? "\r\x1b[K" + line.substr(0, std::max(1, style_.width - 1)) : line + "\n");
}

void Progress::message(const std::string& line) {
  if (style_.quiet) return;
  if (!style_.terminal) return write(line + "\n");
  write("\r\x1b[K" + line + "\n");
  if (!line_.empty()) {
    write(line_.substr(0, std::max(1, style_.width - 1)));
    shown_ = true;
  }
}

void Progress::finish() {
  if (style_.quiet || line_.empty()) return;
  if (style_.terminal) {
    write("\r\x1b[K" + line_.substr(0, std::max(1, style_.width - 1)) + "\n");
  } else if (!shown_) {
    write(line_ + "\n");
  }
  line_.clear();
  last_ = {};
}

std::string clock_text(double seconds) {
  const long s = std::lround(std::max(0.0, seconds));
  return s < 3600 ? fmt::format("{:02}:{:02}", s / 60, s % 60)
                  : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string count_text(double count, int decimals) {
  if (count < 1e4) return fmt::format("{:.0f}", count);
  if (count < 1e6) return fmt::format("{:.0f} k", count / 1e3);
  if (count < 1e9) return fmt::format("{:.{}f} M", count / 1e6, decimals);
  return fmt::format("{:.2f} G", count / 1e9);
}

std::string TimeLeft::text(double fraction) { return text(fraction, seconds_since(start_)); }

std::string TimeLeft::text(double fraction, double seconds) {
  std::string text = clock_text(seconds) + " elapsed";
  if (first_fraction_ < 0) {
    first_fraction_ = fraction;  // a resumed run does not begin at 0
    first_seconds_ = seconds;
  }
  const double done = fraction - first_fraction_, spent = seconds - first_seconds_;
  if (done >= 0.03 && spent >= 5 && fraction < 1)
    text += fmt::format(", ~{} left", clock_text(spent * (1 - fraction) / done));
  return text;
}

}  // namespace boltzflow
