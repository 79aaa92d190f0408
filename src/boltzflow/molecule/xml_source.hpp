// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/text_number.hpp"

namespace boltzflow {

/// An XML document that knows its file name and lines, so that every error can say where. For .cpp files of this floor.
class XmlSource {
 public:
  /// @throws InputError with file:line if the text is not XML.
  XmlSource(std::string_view text, std::string origin) : text_(text), origin_(std::move(origin)) {
    const auto result = document_.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
    if (!result) fail_at(result.offset, std::string("this is not valid XML: ") + result.description());
  }

  const pugi::xml_document& document() const { return document_; }
  const std::string& origin() const { return origin_; }

  [[noreturn]] void fail(const pugi::xml_node& node, const std::string& message) const {
    fail_at(node.offset_debug(), message);
  }

  double real(const pugi::xml_node& node, const char* attribute) const { return number<double>(node, attribute); }
  int integer(const pugi::xml_node& node, const char* attribute) const { return number<int>(node, attribute); }

  /// An atom index in [0, n_atoms).
  int atom(const pugi::xml_node& node, const char* attribute, int n_atoms) const {
    const int index = integer(node, attribute);
    if (index < 0 || index >= n_atoms)
      fail(node, std::string(attribute) + "=\"" + std::to_string(index) +
                     "\" is no atom: the System has particles 0 to " + std::to_string(n_atoms - 1));
    return index;
  }

 private:
  template <class Number>
  Number number(const pugi::xml_node& node, const char* attribute) const {
    const pugi::xml_attribute found = node.attribute(attribute);
    if (!found) fail(node, std::string("<") + node.name() + "> has no attribute " + attribute);
    const auto value = number_in<Number>(found.value());
    if (!value)
      fail(node, std::string(attribute) + "=\"" + std::string(found.value()).substr(0, 40) + "\" is not " +
                     (std::is_integral_v<Number> ? "an integer" : "a finite number"));
    return *value;
  }

  [[noreturn]] void fail_at(std::ptrdiff_t offset, const std::string& message) const {
    const auto end = text_.begin() + std::clamp<std::ptrdiff_t>(offset, 0, static_cast<std::ptrdiff_t>(text_.size()));
    throw InputError(origin_, 1 + std::count(text_.begin(), end, '\n'), message);
  }

  std::string_view text_;
  std::string origin_;
  pugi::xml_document document_;
};

}  // namespace boltzflow
