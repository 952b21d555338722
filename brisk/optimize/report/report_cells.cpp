#include "brisk/optimize/report/report_cells.h"

#include <cmath>

namespace brisk {
namespace {

/// Three significant digits and no fewer than the whole number has.
std::string rounded(double value) {
  const int digits =
      value <= 0 ? 2 : std::max(0, 2 - static_cast<int>(std::floor(std::log10(value))));
  return fmt::format("{:.{}f}", value, std::min(digits, 4));
}

/// The median and half of what lies between the quartiles.
std::string with_spread(const std::optional<Spread>& spread) {
  if (!spread) return "";
  return fmt::format("{} ± {}", rounded(spread->median), rounded((spread->high - spread->low) / 2));
}

}  // namespace

std::array<std::string, kNumCells> head_cells(const OptimizationReport& report) {
  return {"step",         "train images/s",
          "inference ms", fmt::format("images/s, batch {}", report.batch_size),
          "first, ms",    "kB",
          "accuracy, %",  "kept, or why not"};
}

std::array<bool, kNumCells> used_cells(const OptimizationReport& report) {
  std::array<bool, kNumCells> used{};
  used.front() = used.back() = true;
  for (const StepRow& row : report.rows) {
    const std::array<std::string, kNumCells> cells = row_cells(row);
    for (size_t i = 0; i < kNumCells; ++i) used[i] = used[i] || !cells[i].empty();
  }
  return used;
}

std::array<std::string, kNumCells> row_cells(const StepRow& row) {
  const Figures& f = row.figures;
  const std::string verdict(enum_names(row.verdict)[static_cast<size_t>(row.verdict)]);
  return {row.title(),
          with_spread(f.train_rate),
          with_spread(f.latency),
          with_spread(f.rate),
          f.first_milliseconds ? rounded(*f.first_milliseconds) : "",
          f.bytes ? fmt::format("{:.1f}", static_cast<double>(*f.bytes) / 1e3) : "",
          f.accuracy ? fmt::format("{:.2f} ± {:.2f}", 100 * f.accuracy->value,
                                   100 * f.accuracy->standard_error())
                     : "",
          row.why.empty() ? verdict : verdict + ": " + row.why};
}

}  // namespace brisk
