// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/report/html.hpp"

#include <fmt/format.h>

namespace boltzflow {

std::string html_section(std::string_view heading, std::string_view introduction, std::string_view content) {
  std::string html = fmt::format("<section>\n<h2>{}</h2>\n", heading);
  if (!introduction.empty()) html += fmt::format("<p>{}</p>\n", introduction);
  return html + std::string(content) + "</section>\n";
}

std::string html_figures(const std::vector<std::string>& svgs, FigureSize size) {
  if (svgs.empty()) return "";
  std::string html = fmt::format("<div class=\"figures{}\">\n", size == FigureSize::large ? " large" : "");
  for (const std::string& svg : svgs) html += "<figure>\n" + svg + "</figure>\n";
  return html + "</div>\n";
}

std::string html_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows) {
  std::string html = "<div class=\"table\"><table>\n<thead><tr>";
  for (const std::string& cell : header) html += "<th scope=\"col\">" + cell + "</th>";
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i)
      html += i == 0 ? "<th scope=\"row\">" + row[i] + "</th>" : "<td>" + row[i] + "</td>";
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

const std::string_view report_style = R"css(
:root { color-scheme: light dark; --paper: #ffffff; --card: #f6f7f9; --ink: #1c2126; --faint: #59636e; --rule: #d5dae0;
  --area: #ffffff; --raw: #c8650a; --reweighted: #1f5fae; --reference: #6b7580; --first: #1f5fae; --second: #c8650a; --third: #3a8540; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --card: #1d2125; --ink: #e6e9ec; --faint: #a3adb7;
  --rule: #3a4148; --area: #191c20; --raw: #f2a14e; --reweighted: #74b1f7; --reference: #a9b2bb; --first: #74b1f7;
  --second: #f2a14e; --third: #7cc884; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1320px; padding: 1.5rem 1.25rem 3rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.7rem; margin: 0; line-height: 1.2; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
p { margin: .3rem 0 .8rem; max-width: 78ch; color: var(--faint); }
.warning { border-left: 4px solid var(--raw); background: var(--card); color: var(--ink); padding: .5rem .8rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr)); gap: .7rem; margin: 1.2rem 0 0; }
.tiles div { background: var(--card); border-radius: 6px; padding: .6rem .7rem; }
.tiles dt { color: var(--faint); font-size: .85rem; } .tiles dd { margin: 0; font-size: 1rem; font-variant-numeric: tabular-nums; }
.tiles dd small { display: block; font-size: .8rem; white-space: nowrap; color: var(--faint); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); gap: 1rem; }
.figures.large { grid-template-columns: repeat(auto-fill, minmax(min(100%, 500px), 1fr)); }
figure { margin: 0; min-width: 0; background: var(--card); border-radius: 6px; padding: .6rem; }
figure svg { display: block; width: 100%; height: auto; max-width: 600px; margin: 0 auto; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--faint); }
svg text.title { font-size: 14px; font-weight: 600; fill: var(--ink); }
svg .area { fill: var(--area); } svg .frame { fill: none; stroke: var(--faint); stroke-width: 1; }
svg .grid { stroke: var(--rule); stroke-width: 1; stroke-opacity: .6; fill: none; }
svg .line { fill: none; stroke-width: 1.7; stroke-linejoin: round; } svg .band { stroke: none; fill-opacity: .22; }
svg .mark { stroke: var(--faint); stroke-dasharray: 4 3; fill: none; }
svg .line.series-raw { stroke: var(--raw); } svg .line.series-reweighted { stroke: var(--reweighted); }
svg .line.series-reference { stroke: var(--reference); stroke-width: 2.6; }
svg .line.series-first { stroke: var(--first); } svg .line.series-second { stroke: var(--second); }
svg .line.series-third { stroke: var(--third); }
svg .band.series-raw, svg .dot.series-raw { fill: var(--raw); }
svg .band.series-reweighted, svg .dot.series-reweighted { fill: var(--reweighted); }
svg .band.series-reference, svg .dot.series-reference { fill: var(--reference); }
svg .band.series-first, svg .dot.series-first { fill: var(--first); }
svg .band.series-second, svg .dot.series-second { fill: var(--second); }
svg .band.series-third, svg .dot.series-third { fill: var(--third); }
.table { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .93rem; }
th, td { padding: .28rem .9rem .28rem 0; text-align: left; border-bottom: 1px solid var(--rule); vertical-align: top; }
thead th { color: var(--faint); font-weight: 600; } tbody th { font-weight: 400; white-space: nowrap; }
td { white-space: nowrap; } td.text { white-space: normal; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem 2rem; }
dl.list { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0; align-content: start; }
dl.list dt { color: var(--faint); } dl.list dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--card); padding: .8rem 1rem; border-radius: 6px; overflow-x: auto; font-size: .88rem; }
@media print { body { max-width: none; padding: 0; } figure, .tiles div { break-inside: avoid; } }
)css";

}  // namespace boltzflow
