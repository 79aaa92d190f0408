// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <pugixml.hpp>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/evaluation/plot/axis.hpp"
#include "boltzflow/evaluation/plot/color.hpp"
#include "boltzflow/evaluation/plot/figure.hpp"
#include "boltzflow/evaluation/plot/png.hpp"

namespace boltzflow::plot {
namespace {

using testing::ElementsAre;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// CIE lightness of an sRGB colour, 0 to 100.
double lightness(Color color) {
  const auto linear = [](double c) { return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); };
  const double y =
      0.2126 * linear(color.red / 255.0) + 0.7152 * linear(color.green / 255.0) + 0.0722 * linear(color.blue / 255.0);
  return y > 0.008856 ? 116 * std::cbrt(y) - 16 : 903.3 * y;
}

TEST(Color, OklchKnowsTheCornersOfSrgb) {
  EXPECT_EQ(oklch(1, 0, 0), (Color{255, 255, 255}));
  EXPECT_EQ(oklch(0, 0, 0), (Color{0, 0, 0}));
  EXPECT_EQ(hex(oklch(0.627955, 0.257683, 29.2339 * M_PI / 180)), "#ff0000");  // red, from the definition's own table
}

TEST(Color, MapsRiseEvenlyInLightness) {
  for (int k = 0; k < 100; ++k) {
    const double step = lightness(sequential_color((k + 1) / 100.0)) - lightness(sequential_color(k / 100.0));
    EXPECT_GT(step, 0.1) << k;  // 0.68 on average; 8-bit channels round by up to 0.4
    EXPECT_LT(step, 1.3) << k;
  }
  for (const double t : {0.1, 0.3, 0.7, 1.0}) {
    EXPECT_LT(lightness(diverging_color(t)), lightness(diverging_color(0)));
    EXPECT_NEAR(lightness(diverging_color(t)), lightness(diverging_color(-t)), 8);
    EXPECT_GT(diverging_color(t).red, diverging_color(t).blue);
    EXPECT_GT(diverging_color(-t).blue, diverging_color(-t).red);
  }
}

TEST(Png, Base64OfTheStandardsExamples) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

// Byte for byte what the standard asks for, checksums computed by hand with another program.
TEST(Png, OnePixelIsTheKnownFile) {
  const std::vector<std::uint8_t> pixel{0};
  const std::vector<Color> palette{{1, 2, 3}};
  EXPECT_EQ(base64(indexed_png(1, 1, pixel, palette)),
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAMAAAAoyzS7AAAAA1BMVEUBAgMNh2TVAAAAAXRSTlMAQObYZgAAAA1JREFUeAEBAgD9/"
            "wAAAAIAAX4FDdIAAAAASUVORK5CYII=");
}

TEST(Png, LargePicturesHoldTheirPixelsInSeveralBlocks) {
  const int width = 400, height = 300;
  std::vector<std::uint8_t> pixels(width * height);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i % 251);
  const std::string file = indexed_png(width, height, pixels, std::vector<Color>(256));
  const std::size_t data = file.find("IDAT") + 4 + 2;  // after the zlib header
  std::string stored;
  std::size_t at = data;
  for (bool last = false; !last;) {
    last = file[at] == 1;
    const std::size_t length = static_cast<std::uint8_t>(file[at + 1]) + 256u * static_cast<std::uint8_t>(file[at + 2]);
    stored += file.substr(at + 5, length);
    at += 5 + length;
  }
  ASSERT_EQ(stored.size(), static_cast<std::size_t>((width + 1) * height));
  for (int row = 0; row < height; ++row)
    for (int column = 0; column < width; ++column)
      ASSERT_EQ(static_cast<std::uint8_t>(stored[static_cast<std::size_t>(row * (width + 1) + 1 + column)]),
                (row * width + column) % 251);
}

TEST(Png, RefusesWhatIsNoPicture) {
  const std::vector<std::uint8_t> two{0, 1};
  const std::vector<Color> colors(2);
  EXPECT_THROW(indexed_png(1, 1, two, colors), InputError);
  EXPECT_THROW(indexed_png(2, 1, two, std::vector<Color>(1)), InputError);
  EXPECT_THROW(indexed_png(2, 1, two, std::vector<Color>(257)), InputError);
  EXPECT_THROW(indexed_png(0, 0, {}, colors), InputError);
}

TEST(Axis, TicksAreRoundAndLabelsShort) {
  const Axis unit{"", 0, 1, false, {}}, wide{"", -175, 25, false, {}}, quarter{"", 0, 0.1, false, {}};
  EXPECT_THAT(tick_labels(unit, nice_ticks(unit)), ElementsAre("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(tick_labels(wide, nice_ticks(wide)), ElementsAre("-150", "-100", "-50", "0"));
  EXPECT_THAT(tick_labels(quarter, nice_ticks(quarter, 4)), ElementsAre("0.000", "0.025", "0.050", "0.075", "0.100"));
  const Axis counts{"", 1e5, 7e6, true, {}}, decades{"", 1e-3, 1e3, true, {}};
  EXPECT_THAT(tick_labels(counts, nice_ticks(counts)), ElementsAre("100 k", "200 k", "500 k", "1 M", "2 M", "5 M"));
  EXPECT_THAT(tick_labels(decades, nice_ticks(decades)), ElementsAre("0.001", "0.01", "0.1", "1", "10", "100", "1 k"));
}

TEST(Axis, FitsAroundFiniteValues) {
  const Axis axis = axis_around("", std::vector{0.13, std::nan(""), 0.96, infinity});
  EXPECT_LE(axis.minimum, 0.13);
  EXPECT_GE(axis.maximum, 0.96);
  EXPECT_LT(axis.maximum - axis.minimum, 1.3);
  const Axis logarithmic = axis_around("", std::vector{0.0, 1.0, 100.0}, true);
  EXPECT_GT(logarithmic.minimum, 0.5);
  for (const std::vector<double>& values : {std::vector<double>{}, {std::nan("")}, {0.0}, {5.0}, {-3.0}})
    for (const bool is_logarithmic : {false, true}) {
      const Axis around = axis_around("", values, is_logarithmic);
      EXPECT_LT(around.minimum, around.maximum);
      EXPECT_LT(nice_ticks(around).size(), 20u);
      EXPECT_GT(nice_ticks(around).size(), 0u);
    }
}

// Limits closer than rounding made ticks without end: k + 1 is k for k = 1e17.
TEST(Axis, ValuesThatDifferByRoundingGetAnAxisAndFewTicks) {
  const Axis axis = axis_around("alpha", std::vector{1.0, 1.0 - 1.2e-16});
  EXPECT_LT(axis.minimum, 0.95);
  EXPECT_GT(axis.maximum, 1.05);
  EXPECT_LE(nice_ticks(axis).size(), 12u);
  EXPECT_LE(nice_ticks(Axis{"narrow", 1.0 - 1.2e-16, 1.0, false, {}}).size(), 101u);
  EXPECT_LE(nice_ticks(Axis{"far", -5e16, -4e16, false, {}}).size(), 12u);
}

TEST(Figure, LeavesOutWhatHasNoPlace) {
  const std::vector x{0.0, 0.2, 0.4, 0.6, 0.8, 1.0}, y{0.1, 0.2, infinity, 0.3, std::nan(""), 1e300};
  Figure figure({"a < b", 0, 1, false, {}}, {"y", 0, 1, false, {}}, "T & U", "what it shows");
  figure.line(x, y, Series::raw, "one");
  figure.band(x, y, y, Series::reference);
  figure.dots(x, y, Series::first, "two");
  figure.mark(0.5, "here");
  figure.mark(std::nan(""), "nowhere");
  const std::string svg = figure.svg();
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(svg.c_str()));
  EXPECT_STREQ(document.child("svg").child("title").text().get(), "T & U");
  EXPECT_THAT(svg, testing::Not(testing::HasSubstr("nan")));
  EXPECT_THAT(svg, testing::Not(testing::HasSubstr("inf")));
  EXPECT_THAT(svg, testing::Not(testing::HasSubstr("nowhere")));
  const auto line = std::string(document.child("svg").child("svg").child("path").attribute("d").value());
  EXPECT_EQ(std::count(line.begin(), line.end(), 'M'), 3) << line;  // broken twice
}

TEST(Figure, HeatMapTurnsValuesIntoPixels) {
  // Two columns of x, three rows of y; the picture's first row is the highest y.
  const std::vector values{0.0, 1.0, 2.0, std::nan(""), 1.0, 5.0};
  Figure figure({"x", 0, 2, false, {}}, {"y", 0, 3, false, {}}, "map", "a small map");
  const ColorScale scale{"kJ/mol", 0, 2, false};
  figure.heat_map(values, 2, 3, scale);
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(figure.svg().c_str()));
  std::vector<Color> palette{{0, 0, 0}};
  for (int k = 0; k < 255; ++k) palette.push_back(scale.color(2.0 * k / 254));
  const std::vector<std::uint8_t> pixels{255, 255, 128, 128, 1, 0};
  const std::string expected = "data:image/png;base64," + base64(indexed_png(2, 3, pixels, palette));
  EXPECT_EQ(document.child("svg").child("svg").child("image").attribute("href").value(), expected);
}

TEST(Escaped, KeepsMarkupOut) { EXPECT_EQ(escaped("a<b>&\"c\"\x01"), "a&lt;b&gt;&amp;&quot;c&quot;"); }

}  // namespace
}  // namespace boltzflow::plot
