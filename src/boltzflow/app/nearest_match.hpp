// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace boltzflow {

/// This returns the number of single-letter insertions, deletions, replacements and swaps of neighbours that turn `a`
/// into `b` (optimal string alignment). Cost O(a.size() b.size()).
int edit_distance(std::string_view a, std::string_view b);

/// This returns the candidate a user most likely meant by `word`, or "" if none is close: at most a third of the
/// letters differ, or the part after the last dot is the same ("trust_region" for "method.cmt.trust_region").
std::string nearest_match(std::string_view word, const std::vector<std::string>& candidates);

/// This returns "; did you mean X?", or "" if nothing is close.
std::string hint_for(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace boltzflow
