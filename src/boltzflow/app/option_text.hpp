// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "boltzflow/base/options.hpp"

namespace boltzflow {

/// "an integer", "a number", "true or false" or "a string": what a setting takes.
std::string type_text(const Option& option);

/// What values are allowed, to follow "is" or "is not": "in [2, 64]", "at least 0", "one of \"a\", \"b\""; "" if any.
std::string range_text(const Option& option);

/// The field's present value as TOML reads it back to the same value.
std::string toml_value(const Option& option);

/// This returns every setting with its present value as a TOML document: sections in the order they first appear, each
/// setting under a comment that says what it is. Reading it back gives the same values to the bit.
/// @param header text for the top, written as comments.
std::string effective_configuration(const OptionTable& table, const std::string& header);

/// This returns a Markdown table of every setting: key, present value as its default, allowed values, meaning.
std::string option_table_markdown(const OptionTable& table);

}  // namespace boltzflow
