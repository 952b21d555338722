#include "brisk/optimize/report/chart.h"
#include "brisk/optimize/report/report_cells.h"
#include "brisk/optimize/time_budget.h"

// One page that needs nothing else: no script, no font, no request. Colours follow what the
// reader's system prefers; what was kept differs from what was not by being filled, too.

namespace brisk {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light dark; --paper: #fcfcfb; --card: #ffffff; --ink: #1c2024; --soft: #60676e;
  --grid: #e4e6e8; --start: #8a9299; --kept: #1f6feb; --after: #1f6feb; --before: #b4bbc2; --rule: #d0d4d8; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --card: #1b1f23; --ink: #e8eaec;
  --soft: #a0a8af; --grid: #2b3136; --start: #7d868e; --kept: #58a6ff; --after: #58a6ff; --before: #535c64;
  --rule: #363c42; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 78rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.25rem 0 .25rem; }
p { margin: .35rem 0; max-width: 46rem; } .soft { color: var(--soft); font-size: .9rem; }
.statement { margin: 1.25rem 0; padding: .9rem 1.1rem; background: var(--card);
  border: 1px solid var(--rule); border-left: 4px solid var(--kept); border-radius: 6px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .82rem; }
th, td { padding: .35rem .5rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule);
  font-variant-numeric: tabular-nums; vertical-align: top; }
th { color: var(--soft); font-weight: 600; } th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
td:first-child { white-space: normal; min-width: 9rem; }
td:last-child { white-space: normal; min-width: 16rem; color: var(--soft); }
tr.kept td:first-child, tr.start td:first-child { font-weight: 650; }
tr.kept td:first-child { color: var(--kept); } tr.not_kept td, tr.not_tried td { color: var(--soft); }
tr.phase td { font-weight: 650; color: var(--ink); padding-top: 1rem; text-align: left; }
svg { display: block; width: 100%; height: auto; max-width: 60rem; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); } svg .tick, svg .value { fill: var(--soft); font-size: 11px; }
svg .axis { fill: var(--soft); } .grid { stroke: var(--grid); stroke-width: 1; }
.leader { stroke: var(--rule); stroke-width: 1; } .error { stroke: var(--ink); stroke-width: 1.5; }
.start { fill: var(--start); } .kept { fill: var(--kept); } circle { fill-opacity: .75; stroke: var(--ink); stroke-width: 1; }
circle.not_kept, rect.not_kept { fill: var(--paper); stroke: var(--soft); stroke-width: 1.5; }
.before { fill: var(--before); } .after { fill: var(--after); }
.key { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin: 0 .3em 0 .9em; vertical-align: -.05em; }
.key.start { background: var(--start); } .key.kept { background: var(--kept); } .key.before { background: var(--before); }
.key.after { background: var(--after); } .key.not_kept { border: 1.5px solid var(--soft); }
)";

const char* style_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::start:
      return "start";
    case Verdict::kept:
      return "kept";
    case Verdict::not_kept:
      return "not_kept";
    case Verdict::not_tried:
      return "not_tried";
  }
  return "";
}

std::string section(const std::string& title, const std::string& words, const std::string& chart) {
  if (chart.empty()) return "";
  return fmt::format("<h2>{}</h2>\n<p class=\"soft\">{}</p>\n{}", html_text(title), words, chart);
}

constexpr const char* kVerdictKeys =
    "<span class=\"key start\"></span>start<span class=\"key kept\"></span>kept"
    "<span class=\"key not_kept\"></span>not kept";

Spread percent(const Accuracy& accuracy) {
  const double error = 100 * accuracy.standard_error();
  return {100 * accuracy.value, 100 * accuracy.value - error, 100 * accuracy.value + error};
}

double kilobytes(const Figures& figures) {
  return static_cast<double>(*figures.bytes) / 1e3;
}

/// Rows of deployment that were measured.
std::vector<const StepRow*> served(const OptimizationReport& report) {
  std::vector<const StepRow*> rows;
  for (const StepRow& row : report.rows)
    if (row.phase == StepPhase::deployment && row.figures.latency && row.figures.bytes)
      rows.push_back(&row);
  return rows;
}

std::string size_chart(const OptimizationReport& report) {
  std::vector<ScatterPoint> dots;
  double slowest = 0;
  for (const StepRow* row : served(report))
    slowest = std::max(slowest, row->figures.latency->median);
  for (const StepRow* row : served(report)) {
    const Figures& figures = row->figures;
    ScatterPoint dot{.label = row->title(),
                     .style = style_of(row->verdict),
                     .x = kilobytes(figures),
                     .y = figures.latency->median,
                     .y_spread = figures.latency};
    if (figures.accuracy) {
      dot.y_spread = percent(*figures.accuracy);
      dot.y = dot.y_spread->median;
      dot.area = figures.latency->median / slowest;
      dot.label += fmt::format(" ({:.3g} ms)", figures.latency->median);
    }
    dots.push_back(std::move(dot));
  }
  const bool judged = report.accuracy_note.empty();
  return section(
      judged ? "Size against accuracy against latency" : "Size against latency",
      judged ? std::string(
                   "To the left is smaller, up is more accurate; the larger the dot, the slower. "
                   "Lines are the standard error of the accuracy.") +
                   kVerdictKeys
             : std::string("To the left is smaller, down is faster; lines reach from quartile to "
                           "quartile.") +
                   kVerdictKeys,
      scatter_chart(
          dots, {.x = "package, kB", .y = judged ? "accuracy, %" : "milliseconds for one image"}));
}

std::string latency_chart(const OptimizationReport& report) {
  std::vector<Bar> bars;
  for (const StepRow* row : served(report))
    bars.push_back({.label = row->title(),
                    .style = style_of(row->verdict),
                    .note = fmt::format("{:.4g} ms", row->figures.latency->median),
                    .value = row->figures.latency->median,
                    .spread = row->figures.latency});
  return section("Inference of one image",
                 std::string("Lines reach from quartile to quartile.") + kVerdictKeys,
                 bar_chart(bars, "milliseconds"));
}

std::string rate_chart(const OptimizationReport& report, StepPhase phase) {
  std::vector<Bar> bars;
  for (const StepRow& row : report.rows) {
    const std::optional<Spread>& rate =
        phase == StepPhase::training ? row.figures.train_rate : row.figures.rate;
    if (row.phase == phase && rate)
      bars.push_back({.label = row.title(),
                      .style = style_of(row.verdict),
                      .note = fmt::format("{:.0f}", rate->median),
                      .value = rate->median,
                      .spread = rate});
  }
  return section(phase == StepPhase::training
                     ? "Training"
                     : fmt::format("Inference in batches of {}", report.batch_size),
                 std::string("Lines reach from quartile to quartile.") + kVerdictKeys,
                 bar_chart(bars, "images/s"));
}

std::string layer_chart(const OptimizationReport& report) {
  constexpr size_t kMost = 40;
  std::vector<LayerBar> layers = report.layers;
  if (layers.size() > kMost) {
    std::stable_sort(layers.begin(), layers.end(), [](const LayerBar& a, const LayerBar& b) {
      return std::max(a.before, a.after) > std::max(b.before, b.after);
    });
    layers.resize(kMost);
  }
  std::vector<Bar> bars;
  for (const LayerBar& layer : layers) {
    bars.push_back({.label = layer.layer,
                    .style = "before",
                    .note = fmt::format("f32 {:.4f} ms", layer.before),
                    .value = layer.before});
    bars.push_back({.label = "",
                    .style = "after",
                    .note = fmt::format("{} {:.4f} ms", layer.type, layer.after),
                    .value = layer.after});
  }
  return section(
      "Where the time goes, by layer",
      fmt::format("Batch {}, each kernel by itself{}.<span class=\"key before\"></span>f32, folded"
                  "<span class=\"key after\"></span>as served",
                  report.layer_batch_size,
                  report.layers.size() > kMost
                      ? fmt::format("; the {} slowest of {} layers", kMost, report.layers.size())
                      : ""),
      bar_chart(bars, "milliseconds"));
}

std::string table(const OptimizationReport& report) {
  std::string html = "<div class=\"wide\"><table>\n<tr>";
  const std::array<bool, kNumCells> used = used_cells(report);
  const auto add = [&](const std::array<std::string, kNumCells>& cells, std::string_view tag) {
    for (size_t i = 0; i < kNumCells; ++i)
      if (used[i]) html += fmt::format("<{0}>{1}</{0}>", tag, html_text(cells[i]));
    html += "</tr>\n";
  };
  add(head_cells(report), "th");
  std::optional<StepPhase> phase;
  for (const StepRow& row : report.rows) {
    if (phase != row.phase)
      html += fmt::format("<tr class=\"phase\"><td colspan=\"{}\">{}</td></tr>\n",
                          std::count(used.begin(), used.end(), true),
                          row.phase == StepPhase::training ? "Training" : "Serving");
    phase = row.phase;
    html += fmt::format("<tr class=\"{}\">", style_of(row.verdict));
    add(row_cells(row), "td");
  }
  return html + "</table></div>\n";
}

}  // namespace

std::string report_html(const OptimizationReport& report) {
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{} optimized</title>\n<style>{}</style>\n</head>\n<body>\n",
      html_text(report.model), kStyle);
  html += fmt::format(
      "<h1>{} on {}</h1>\n<p class=\"soft\">{}, {} threads; target {}, at most {:.2f} points of "
      "accuracy; {}</p>\n",
      html_text(report.model), html_text(report.data), html_text(report.machine), report.threads,
      html_text(report.target), report.max_drop, duration_in_words(report.seconds));
  html += fmt::format("<p class=\"statement\">{}{}</p>\n", html_text(report.statement),
                      report.accuracy_note.empty() ? "" : " " + html_text(report.accuracy_note));
  html +=
      "<p class=\"soft\">Each step adds a technique to those that were kept before it, and is "
      "timed in "
      "turn with them. Figures are medians, ± half of the distance between the quartiles; accuracy "
      "is "
      "of held-out images, ± its standard error.</p>\n";
  html += table(report) + size_chart(report) + latency_chart(report) +
          rate_chart(report, StepPhase::deployment) + rate_chart(report, StepPhase::training) +
          layer_chart(report);
  return html + "</body>\n</html>\n";
}

}  // namespace brisk
