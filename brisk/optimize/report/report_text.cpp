#include "brisk/optimize/report/report_cells.h"
#include "brisk/optimize/time_budget.h"

namespace brisk {
namespace {

/// Columns of a terminal: bytes that continue a character of UTF-8 take none.
size_t columns(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

std::string report_text(const OptimizationReport& report) {
  std::vector<std::array<std::string, kNumCells>> table = {head_cells(report)};
  for (const StepRow& row : report.rows) table.push_back(row_cells(row));
  std::array<size_t, kNumCells> widths{};
  for (const auto& cells : table)
    for (size_t i = 0; i < kNumCells; ++i) widths[i] = std::max(widths[i], columns(cells[i]));
  std::string text = fmt::format("{} on {}; {}, {} threads\n\n", report.model, report.data,
                                 report.machine, report.threads);
  const std::array<bool, kNumCells> used = used_cells(report);
  for (const auto& cells : table) {
    for (size_t i = 0; i < kNumCells; ++i) {
      if (!used[i]) continue;
      const std::string space(widths[i] - columns(cells[i]), ' ');
      const bool left = i == 0 || i + 1 == kNumCells;
      if (i > 0) text += "  ";
      text += left ? cells[i] + (i == 0 ? space : "") : space + cells[i];
    }
    text += "\n";
  }
  text += fmt::format(
      "\nfigures are medians, ± half of the distance between the quartiles; accuracy ± its "
      "standard error\n{}\n",
      report.statement);
  if (!report.accuracy_note.empty()) text += report.accuracy_note + "\n";
  text += fmt::format("{} in all\nmodel  {}\n", duration_in_words(report.seconds), report.package);
  return text;
}

}  // namespace brisk
