// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace boltzflow {

/// The sections of an Amber topology file: %FLAG NAME, %FORMAT(10I8), and fields of a fixed width.
class AmberSections {
 public:
  /// @throws InputError with file:line if the text is no such file or a format is not known.
  AmberSections(std::string_view text, std::string origin);
  AmberSections(const AmberSections&) = delete;  // the fields point into text_
  AmberSections& operator=(const AmberSections&) = delete;

  const std::string& origin() const { return origin_; }
  bool has(const std::string& flag) const { return sections_.contains(flag); }

  /// The first `count` fields of a section. @throws InputError with file:line if the section is missing or shorter, or
  /// a field is not a number.
  std::vector<int> integers(const std::string& flag, std::size_t count) const;
  std::vector<double> reals(const std::string& flag, std::size_t count) const;
  std::vector<std::string> words(const std::string& flag, std::size_t count) const;
  /// How many fields there are in a section, 0 if there is no such section.
  std::size_t size(const std::string& flag) const;

  /// Throws an InputError that names the line of a section (or the file, if there is none).
  [[noreturn]] void fail(const std::string& flag, const std::string& message) const;

 private:
  struct Field {
    std::string_view text;
    long line;
  };
  struct Section {
    long line;
    std::size_t width = 0;
    std::vector<Field> fields;
  };
  const Section& section(const std::string& flag, std::size_t count) const;
  template <class Number>
  std::vector<Number> numbers(const std::string& flag, std::size_t count) const;

  std::string text_;
  std::string origin_;
  std::map<std::string, Section> sections_;
};

}  // namespace boltzflow
