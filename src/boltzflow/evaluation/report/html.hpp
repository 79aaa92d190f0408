// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace boltzflow {

/// <section> with a heading, an introduction (HTML, may be empty) and content.
std::string html_section(std::string_view heading, std::string_view introduction, std::string_view content);

enum class FigureSize { normal, large };

/// Figures side by side, as many as the screen is wide; empty for none.
std::string html_figures(const std::vector<std::string>& svgs, FigureSize size = FigureSize::normal);

/// A table; cells are HTML, the first column is text, the others numbers.
std::string html_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);

/// The style sheet of the page: layout, and the colours of figures for light and dark screens.
extern const std::string_view report_style;

}  // namespace boltzflow
