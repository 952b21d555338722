#pragma once

/// The cells of the table of steps, as words: what text and page share.

#include <array>
#include <string>

#include "brisk/optimize/report/report.h"

namespace brisk {

inline constexpr size_t kNumCells = 8;
/// Head of the table; `batch_size` is that of inference in batches.
std::array<std::string, kNumCells> head_cells(const OptimizationReport& report);
/// Columns of which some row has a value.
std::array<bool, kNumCells> used_cells(const OptimizationReport& report);
/// A row; "" where nothing was measured.
std::array<std::string, kNumCells> row_cells(const StepRow& row);

}  // namespace brisk
