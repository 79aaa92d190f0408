// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/report/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <pugixml.hpp>
#include <sstream>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/evaluation/plot/figure.hpp"
#include "evaluation/synthetic_report.hpp"

namespace boltzflow {
namespace {

using testing::HasSubstr;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The page as a tree.
pugi::xml_document parsed(const std::string& html) {
  pugi::xml_document page;
  const auto outcome = page.load_buffer(html.data(), html.size(), pugi::parse_default | pugi::parse_doctype);
  EXPECT_TRUE(outcome) << outcome.description() << " near "
                       << html.substr(static_cast<std::size_t>(outcome.offset), 80);
  return page;
}

void for_each_node(const pugi::xml_node& node, const std::function<void(const pugi::xml_node&)>& visit) {
  visit(node);
  for (const pugi::xml_node& child : node.children()) for_each_node(child, visit);
}

class FullReport : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    synthetic = new SyntheticReport();
    html = new std::string(report_html(synthetic->input));
    std::ofstream(testing::TempDir() + "boltzflow_report_test.html") << *html;
  }
  static void TearDownTestSuite() {
    delete html;
    delete synthetic;
  }
  static inline SyntheticReport* synthetic = nullptr;
  static inline std::string* html = nullptr;
};

TEST_F(FullReport, IsWellFormedAndEveryPictureIsDescribed) {
  const auto page = parsed(*html);
  int n_pictures = 0;
  for_each_node(page, [&](const pugi::xml_node& node) {
    if (std::string_view(node.name()) != "svg" || !node.attribute("role")) return;
    ++n_pictures;
    EXPECT_GT(std::string_view(node.child("title").text().get()).size(), 2u);
    EXPECT_GT(std::string_view(node.child("desc").text().get()).size(), 20u);
  });
  // 4 maps, 3 marginals, 2 overviews, 3 bonds, 3 angles, 8 of training.
  EXPECT_EQ(n_pictures, 23);
}

TEST_F(FullReport, HoldsNoNumberThatIsNone) {
  const auto page = parsed(*html);
  for_each_node(page, [&](const pugi::xml_node& node) {
    for (const pugi::xml_attribute& attribute : node.attributes()) {
      if (std::string_view(attribute.name()) == "href") continue;  // base64 may spell anything
      EXPECT_THAT(attribute.value(), testing::Not(HasSubstr("nan"))) << node.name() << " " << attribute.name();
      EXPECT_THAT(attribute.value(), testing::Not(HasSubstr("inf"))) << node.name() << " " << attribute.name();
    }
  });
}

TEST_F(FullReport, NeedsNothingFromElsewhere) {
  const auto page = parsed(*html);
  for_each_node(page, [&](const pugi::xml_node& node) {
    EXPECT_STRNE(node.name(), "script");
    EXPECT_STRNE(node.name(), "link");
    for (const char* name : {"href", "src"})
      if (const auto link = node.attribute(name)) {
        EXPECT_THAT(link.value(), testing::StartsWith("data:"));
      }
  });
  EXPECT_FALSE(contains(*html, "url("));
  EXPECT_LT(html->size(), 3'000'000u);
}

TEST_F(FullReport, IsTheSameEveryTime) { EXPECT_TRUE(report_html(synthetic->input) == *html); }

TEST_F(FullReport, ShowsItsNumbersFactsAndCommandsEscaped) {
  EXPECT_TRUE(contains(*html, "alanine-dipeptide &lt;quick&gt;"));
  EXPECT_TRUE(contains(*html, "-o samples.dcd &amp;&amp; echo &quot;done&quot;"));
  EXPECT_TRUE(contains(*html, "7 min 33 s"));
  for (const MetricValue& value : synthetic->evaluation.metrics)
    EXPECT_TRUE(contains(*html, plot::escaped(value.metric->documentation)));
  EXPECT_TRUE(contains(*html, "<small>perfect: 0."));
}

TEST_F(FullReport, KeepsEveryPointInsideReachOfItsPicture) {
  // Coordinates are clamped to two picture widths; anything beyond would be a value that went wrong.
  const auto page = parsed(*html);
  for_each_node(page, [&](const pugi::xml_node& node) {
    if (std::string_view(node.name()) != "path") return;
    std::string path = node.attribute("d").value();
    for (char& c : path)
      if (c == 'M' || c == 'Z' || c == ',') c = ' ';
    std::istringstream numbers(path);
    double value;
    while (numbers >> value) ASSERT_LE(std::abs(value), 1500) << path.substr(0, 100);
    EXPECT_TRUE(numbers.eof()) << path.substr(0, 100);
  });
}

TEST(Report, WithoutReferenceShowsWhatThereIs) {
  SyntheticReport synthetic(6000, 0, false);
  const std::string html = report_html(synthetic.input);
  parsed(html);
  EXPECT_TRUE(contains(html, "<title>Reweighted</title>"));
  EXPECT_FALSE(contains(html, "<title>Reference</title>"));
}

TEST(Report, OfNothingIsAPageAndOfOneSampleToo) {
  ReportInput nothing;
  nothing.title = "empty";
  nothing.warnings = {"no samples & no history"};
  EXPECT_TRUE(contains(report_html(nothing), "no samples &amp; no history"));
  parsed(report_html(nothing));

  EvaluationInput one;
  one.samples = {.log_prob = {1}, .reduced_energy = {2}, .phi = {{0.1}}, .psi = {{-0.2}}, .distances = {}};
  const Evaluation evaluation = evaluate(one, {.n_replicates = 5});
  ReportInput input;
  input.title = "one";
  input.data = &one;
  input.evaluation = &evaluation;
  input.history = {{"anneal", 1, {{"evaluations", 0}, {"lambda", 0}, {"nll", std::nan("")}}}};
  input.coordinates = {{"C-C", false, {0.15}, {}}};
  const std::string html = report_html(input);
  parsed(html);
  EXPECT_FALSE(contains(html, "nan"));
}

TEST(Report, RefusesCoordinatesOfMoreSamplesThanThereAre) {
  SyntheticReport synthetic(5000, 100);
  synthetic.input.coordinates[0].samples.assign(5001, 0.1);
  EXPECT_THROW(report_html(synthetic.input), InputError);
}

}  // namespace
}  // namespace boltzflow
