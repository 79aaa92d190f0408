// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>
#include <vector>

#include "boltzflow/evaluation/plot/axis.hpp"
#include "boltzflow/evaluation/plot/color.hpp"

namespace boltzflow::plot {

/// The look of a series; the style sheet of the page gives each its colour, for light and for dark backgrounds.
enum class Series { raw, reweighted, reference, first, second, third };

/// How values become colours: `color` of (value - minimum) / (maximum - minimum), or for signed values in [-1, 1].
struct ColorScale {
  std::string label;  ///< with the unit
  double minimum = 0, maximum = 1;
  bool diverging = false;

  Color color(double value) const;
};

/// One picture with two axes, as inline SVG that takes its colours from the style sheet of the page: classes
/// "series-NAME", "axis", "grid", "label". Whatever is not finite is left out, so coordinates never hold NaN.
class Figure {
 public:
  /// @param description what a reader who cannot see the picture should know.
  Figure(Axis x, Axis y, std::string title, std::string description);

  /// A line through the points; it breaks where a point has no place. An empty name: no entry in the legend.
  void line(std::span<const double> x, std::span<const double> y, Series series, const std::string& name);
  /// The area between two lines, for errors; points where either has no place are left out.
  void band(std::span<const double> x, std::span<const double> low, std::span<const double> high, Series series);
  /// Dots, for few points.
  void dots(std::span<const double> x, std::span<const double> y, Series series, const std::string& name);
  /// A dashed line across the picture at a value of x, with a short name beside it.
  void mark(double x, const std::string& name);
  /// Cells between the axes' limits with a colour bar beside it; values [n_x, n_y], not finite: left open.
  void heat_map(std::span<const double> values, int n_x, int n_y, const ColorScale& scale);

  std::string svg() const;

 private:
  struct Entry {
    Series series;
    std::string name;
    bool dot;
  };
  double x_of(double value) const;
  double y_of(double value) const;
  std::string axes_svg() const;
  std::string legend_svg() const;
  std::string color_bar_svg() const;

  Axis x_, y_;
  std::string title_, description_, content_;
  std::vector<Entry> legend_;
  bool is_map_ = false;
  ColorScale scale_;
};

/// Text made safe for SVG and HTML, attributes included.
std::string escaped(std::string_view text);

}  // namespace boltzflow::plot
