// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/gro.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/text_number.hpp"

namespace boltzflow {

std::vector<double> read_gro_positions(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  std::string_view rest = text;
  const auto next_line = [&] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
  };
  next_line();  // the title
  const auto n_atoms = number_in<int>(next_line());
  if (!n_atoms || *n_atoms < 1)
    throw InputError(path.string(), 2, "this is not a .gro file: its second line is no number of atoms");
  constexpr std::size_t first = 20;  // behind residue number and name, atom name and number, five columns each
  std::vector<double> positions;
  for (long line_number = 3; line_number < 3 + static_cast<long>(*n_atoms); ++line_number) {
    if (rest.empty())
      throw InputError(path.string(), fmt::format("the file ends after {} of {} atoms", line_number - 3, *n_atoms));
    const std::string_view line = next_line();
    // Columns are as wide as the points of the first two numbers are apart: 8, or more for more digits.
    const std::size_t point = line.find('.', std::min(first, line.size())), next = line.find('.', point + 1);
    if (point == std::string_view::npos || next == std::string_view::npos)
      throw InputError(path.string(), line_number, "this line has no three coordinates from column 21 on");
    const std::size_t width = next - point;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::size_t at = first + axis * width;
      const auto field = at < line.size() ? line.substr(at, width) : std::string_view();
      const auto value = number_in<double>(field);
      if (!value) throw InputError(path.string(), line_number, fmt::format("\"{}\" is not a coordinate", field));
      positions.push_back(*value);
    }
  }
  return positions;
}

}  // namespace boltzflow
