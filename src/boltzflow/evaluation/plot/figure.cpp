// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/plot/figure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "boltzflow/evaluation/plot/png.hpp"

namespace boltzflow::plot {
namespace {

constexpr double figure_width = 420, figure_height = 320, map_height = 360;
constexpr double left = 66, top = 52, bottom = 48, right = 14, map_right = 74;
constexpr double character_width = 6.4;  // of the 12 px sans-serif face, on average and on the safe side

const char* name_of(Series series) {
  constexpr std::array names{"raw", "reweighted", "reference", "first", "second", "third"};
  return names[static_cast<std::size_t>(series)];
}

std::string point(double x, double y) { return fmt::format("{:.1f},{:.1f}", x, y); }

}  // namespace

Color ColorScale::color(double value) const {
  const double t = (value - minimum) / (maximum - minimum);
  return diverging ? diverging_color(2 * t - 1) : sequential_color(t);
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') result += c;
    }
  }
  return result;
}

Figure::Figure(Axis x, Axis y, std::string title, std::string description)
    : x_(std::move(x)), y_(std::move(y)), title_(std::move(title)), description_(std::move(description)) {
  if (x_.ticks.empty()) x_.ticks = nice_ticks(x_);
  if (y_.ticks.empty()) y_.ticks = nice_ticks(y_);
}

// Positions inside the plot area; far outside is as good as a little outside, and keeps coordinates short.
double Figure::x_of(double value) const {
  const double width = figure_width - left - (is_map_ ? map_right : right);
  return std::clamp(x_.fraction(value), -2.0, 3.0) * width;
}

double Figure::y_of(double value) const {
  const double height = (is_map_ ? map_height : figure_height) - top - bottom;
  return (1 - std::clamp(y_.fraction(value), -2.0, 3.0)) * height;
}

void Figure::line(std::span<const double> x, std::span<const double> y, Series series, const std::string& name) {
  std::string path;
  bool pen_down = false;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    const bool has_place = std::isfinite(x_.fraction(x[i])) && std::isfinite(y_.fraction(y[i]));
    if (has_place) path += (pen_down ? " " : path.empty() ? "M" : " M") + point(x_of(x[i]), y_of(y[i]));
    pen_down = has_place;
  }
  if (!path.empty()) content_ += fmt::format("<path class=\"line series-{}\" d=\"{}\"/>\n", name_of(series), path);
  if (!name.empty()) legend_.push_back({series, name, false});
}

void Figure::band(std::span<const double> x, std::span<const double> low, std::span<const double> high, Series series) {
  std::vector<std::size_t> run;
  const auto flush = [&] {
    if (run.size() > 1) {
      std::string path;
      for (const std::size_t i : run) path += (path.empty() ? "M" : " ") + point(x_of(x[i]), y_of(high[i]));
      for (auto i = run.rbegin(); i != run.rend(); ++i) path += " " + point(x_of(x[*i]), y_of(low[*i]));
      content_ += fmt::format("<path class=\"band series-{}\" d=\"{}Z\"/>\n", name_of(series), path);
    }
    run.clear();
  };
  for (std::size_t i = 0; i < std::min({x.size(), low.size(), high.size()}); ++i) {
    if (std::isfinite(x_.fraction(x[i])) && std::isfinite(y_.fraction(low[i])) && std::isfinite(y_.fraction(high[i])))
      run.push_back(i);
    else
      flush();
  }
  flush();
}

void Figure::dots(std::span<const double> x, std::span<const double> y, Series series, const std::string& name) {
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (std::isfinite(x_.fraction(x[i])) && std::isfinite(y_.fraction(y[i])))
      content_ += fmt::format("<circle class=\"dot series-{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>\n",
                              name_of(series), x_of(x[i]), y_of(y[i]));
  if (!name.empty()) legend_.push_back({series, name, true});
}

void Figure::mark(double x, const std::string& name) {
  const double fraction = x_.fraction(x);
  if (!(fraction >= 0 && fraction <= 1)) return;
  const double at = x_of(x), height = figure_height - top - bottom;
  const bool left_side = fraction > 0.6;
  content_ += fmt::format(
      "<path class=\"mark\" d=\"M{:.1f},0 {:.1f},{:.1f}\"/>\n<text class=\"label\" x=\"{:.1f}\" y=\"12\" "
      "text-anchor=\"{}\">{}</text>\n",
      at, at, height, at + (left_side ? -5 : 5), left_side ? "end" : "start", escaped(name));
}

void Figure::heat_map(std::span<const double> values, int n_x, int n_y, const ColorScale& scale) {
  is_map_ = true;
  scale_ = scale;
  constexpr int n_colors = 255;
  std::vector<Color> palette{{0, 0, 0}};
  const double span = scale.maximum - scale.minimum;
  for (int k = 0; k < n_colors; ++k) palette.push_back(scale.color(scale.minimum + span * k / (n_colors - 1)));
  std::vector<std::uint8_t> pixels;
  for (int row = n_y - 1; row >= 0; --row)
    for (int column = 0; column < n_x; ++column) {
      const double value =
          values[static_cast<std::size_t>(column) * static_cast<std::size_t>(n_y) + static_cast<std::size_t>(row)];
      const double t = std::clamp((value - scale.minimum) / span, 0.0, 1.0);
      pixels.push_back(std::isfinite(value) ? static_cast<std::uint8_t>(1 + std::lround(t * (n_colors - 1))) : 0);
    }
  content_ += fmt::format(
      "<image x=\"0\" y=\"0\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" "
      "style=\"image-rendering:pixelated\" "
      "href=\"data:image/png;base64,{}\"/>\n",
      figure_width - left - map_right, map_height - top - bottom, base64(indexed_png(n_x, n_y, pixels, palette)));
}

std::string Figure::axes_svg() const {
  const double width = figure_width - left - (is_map_ ? map_right : right);
  const double height = (is_map_ ? map_height : figure_height) - top - bottom;
  std::string svg;
  const auto x_labels = tick_labels(x_, x_.ticks), y_labels = tick_labels(y_, y_.ticks);
  for (std::size_t i = 0; i < x_.ticks.size(); ++i) {
    const double x = left + x_of(x_.ticks[i]);
    svg += fmt::format(
        "<path class=\"grid\" d=\"M{0:.1f},{1:.1f} {0:.1f},{2:.1f}\"/><text class=\"label\" x=\"{0:.1f}\" "
        "y=\"{3:.1f}\" "
        "text-anchor=\"middle\">{4}</text>\n",
        x, top, top + height, top + height + 17, escaped(x_labels[i]));
  }
  for (std::size_t i = 0; i < y_.ticks.size(); ++i) {
    const double y = top + y_of(y_.ticks[i]);
    svg += fmt::format(
        "<path class=\"grid\" d=\"M{0:.1f},{1:.1f} {2:.1f},{1:.1f}\"/><text class=\"label\" x=\"{3:.1f}\" "
        "y=\"{4:.1f}\" "
        "text-anchor=\"end\">{5}</text>\n",
        left, y, left + width, left - 7, y + 4, escaped(y_labels[i]));
  }
  svg += fmt::format("<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                     left + width / 2, top + height + 38, escaped(x_.label));
  svg += fmt::format(
      "<text class=\"label\" transform=\"translate(13,{:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
      top + height / 2, escaped(y_.label));
  return svg;
}

std::string Figure::legend_svg() const {
  std::string svg;
  double x = left;
  for (const Entry& entry : legend_) {
    svg += entry.dot ? fmt::format("<circle class=\"dot series-{}\" cx=\"{:.1f}\" cy=\"38\" r=\"3\"/>",
                                   name_of(entry.series), x + 9)
                     : fmt::format("<path class=\"line series-{}\" d=\"M{:.1f},38 {:.1f},38\"/>", name_of(entry.series),
                                   x, x + 18);
    svg += fmt::format("<text class=\"label\" x=\"{:.1f}\" y=\"42\">{}</text>\n", x + 23, escaped(entry.name));
    x += 23 + character_width * static_cast<double>(entry.name.size()) + 14;
  }
  return svg;
}

std::string Figure::color_bar_svg() const {
  const double x = figure_width - map_right + 14, height = map_height - top - bottom;
  constexpr int n_steps = 60;
  std::string svg;
  for (int k = 0; k < n_steps; ++k) {  // one step overlaps the next, or thin seams show
    const double t = (k + 0.5) / n_steps, y = top + height * (1 - (k + 1.0) / n_steps);
    svg += fmt::format("<rect x=\"{:.1f}\" y=\"{:.2f}\" width=\"12\" height=\"{:.2f}\" fill=\"{}\"/>", x, y,
                       height / n_steps + (k > 0 ? 0.6 : 0),
                       hex(scale_.color(scale_.minimum + t * (scale_.maximum - scale_.minimum))));
  }
  svg += fmt::format("\n<rect class=\"frame\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"12\" height=\"{:.1f}\"/>\n", x, top,
                     height);
  const Axis axis{"", scale_.minimum, scale_.maximum, false, {}};
  const auto ticks = nice_ticks(axis);
  const auto labels = tick_labels(axis, ticks);
  for (std::size_t i = 0; i < ticks.size(); ++i)
    svg += fmt::format("<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x + 17,
                       top + height * (1 - axis.fraction(ticks[i])) + 4, escaped(labels[i]));
  svg += fmt::format("<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
                     figure_width - 4, top - 10, escaped(scale_.label));
  return svg;
}

std::string Figure::svg() const {
  const double height = is_map_ ? map_height : figure_height;
  const double plot_width = figure_width - left - (is_map_ ? map_right : right), plot_height = height - top - bottom;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" "
      "role=\"img\">\n<title>{}</title>\n<desc>{}</desc>\n",
      figure_width, height, escaped(title_), escaped(description_));
  svg += fmt::format("<text class=\"title\" x=\"{}\" y=\"18\">{}</text>\n", left, escaped(title_));
  svg += fmt::format("<rect class=\"area\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", left, top, plot_width,
                     plot_height);
  // A nested picture clips what goes beyond the axes without an id, which would have to be unique in the page.
  const std::string content =
      fmt::format("<svg x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" overflow=\"hidden\">\n{}</svg>\n", left, top,
                  plot_width, plot_height, content_);
  svg += is_map_ ? content + axes_svg() + color_bar_svg() : axes_svg() + content;
  svg += fmt::format("<rect class=\"frame\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>\n", left, top, plot_width,
                     plot_height);
  return svg + legend_svg() + "</svg>\n";
}

}  // namespace boltzflow::plot
