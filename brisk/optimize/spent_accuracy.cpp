#include "brisk/optimize/spent_accuracy.h"

#include <algorithm>

// Losses and gains are taken to add up and to multiply; that is a guess about what is worth to be
// measured, and no more.

namespace brisk {
namespace {

constexpr double kSameGain = 1.02;

/// Whether `a` brings more than `b`, by what counts first for the target.
bool brings_more(const Gains& a, const Gains& b, OptimizeTarget target) {
  const std::array<double, 3> x = a.in_order(target), y = b.in_order(target);
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] > y[i] * kSameGain) return true;
    if (x[i] * kSameGain < y[i]) return false;
  }
  return false;
}

double accuracy_of(const StepRow& row) {
  return 100 * row.figures.accuracy->value;
}

}  // namespace

std::vector<StepRow> worth_giving_up(const std::vector<StepRow>& rows, OptimizeTarget target,
                                     double max_drop) {
  struct Spender {
    StepRow row;
    double spent;
  };
  std::vector<Spender> found;
  double start = 0, before = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const StepRow& row = rows[i];
    if (!row.figures.accuracy) continue;
    if (row.verdict == Verdict::start) start = before = accuracy_of(row);
    if (row.verdict != Verdict::kept) continue;
    const double spent = before - accuracy_of(row);
    before = accuracy_of(row);
    if (spent <= 0) continue;
    for (size_t j = i + 1; j < rows.size(); ++j) {
      const StepRow& other = rows[j];
      if (!other.over_budget) continue;
      const double drop = start - accuracy_of(other) - spent;
      const double error = 100 * other.figures.accuracy->standard_error();
      if (drop > max_drop + error / 2 || !brings_more(other.gains, row.gains, target)) continue;
      found.push_back({row, spent});
      break;
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Spender& a, const Spender& b) { return a.spent > b.spent; });
  std::vector<StepRow> result;
  for (const Spender& spender : found) result.push_back(spender.row);
  return result;
}

}  // namespace brisk
