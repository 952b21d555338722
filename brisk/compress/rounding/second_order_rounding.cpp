#include "brisk/compress/rounding/second_order_rounding.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "brisk/base/parallel.h"
#include "brisk/compress/rounding/cholesky.h"

// With moments H = L L^T, an output's error d (what its weights lost) costs d^T H d = |L^T d|^2.
// Row a of L^T d is L[a][a] d[a] and what the rows behind a, already rounded, put to it; so the
// last row is rounded first, and each one to the integer nearest to its weight and what is to be
// made up for, sum over b > a of L[b][a] d[b] / L[a][a]. That is what GPTQ computes by the inverse
// of H and its factor (Chen et al. 2025, "The Geometry of LLM Quantization: GPTQ as Babai's Nearest
// Plane Algorithm"), without an inverse.
//
// Rows whose inputs are greatest are rounded first, while there are others to make up for them.

namespace brisk {
namespace {

constexpr int64_t kPanel = 32;  ///< outputs at a time

double scale_of(const RoundingGrid& grid, int64_t row, int64_t output, int64_t outputs) {
  const int64_t block = grid.block_size > 0 ? row / grid.block_size : 0;
  return grid.scales[static_cast<size_t>(block * outputs + output)];
}

void check(const Tensor& weights, const Tensor& moments, const RoundingGrid& grid) {
  require(weights.rank() == 2 && weights.dtype() == DType::f32,
          "weights to be rounded are f32 [rows, outputs], not {}", weights.describe());
  const int64_t rows = weights.sizes()[0], outputs = weights.sizes()[1];
  require(moments.dtype() == DType::f32 && moments.sizes() == std::vector<int64_t>{rows, rows},
          "the moments of what {} weights are multiplied with are {}, not f32[{}, {}]",
          weights.describe(), moments.describe(), rows, rows);
  const int64_t blocks = grid.block_size > 0 ? (rows + grid.block_size - 1) / grid.block_size
                         : rows > 0          ? 1
                                             : 0;
  require(static_cast<int64_t>(grid.scales.size()) == blocks * outputs,
          "{} blocks of rows by {} outputs have {} scales", blocks, outputs, grid.scales.size());
  require(grid.low <= 0 && grid.high >= 0 && grid.low >= -128 && grid.high <= 127,
          "integers from {} to {} are not around 0 within 8 bits", grid.low, grid.high);
  for (const float x : moments.data<float>())
    require(std::isfinite(x), "the moments of what weights are multiplied with are not finite");
}

/// The panel of outputs from `first` on.
void round_panel(const Tensor& weights, const std::vector<double>& factor,
                 const std::vector<int64_t>& order, const RoundingGrid& grid, int64_t first,
                 int64_t width, Tensor& integers) {
  const int64_t rows = weights.sizes()[0], outputs = weights.sizes()[1];
  const auto from = weights.data<float>();
  const auto to = integers.data<int8_t>();
  // What rounded rows put to the products of the others: [rows, panel].
  std::vector<double> owed(static_cast<size_t>(rows * kPanel), 0.0);
  std::array<double, kPanel> lost{};
  for (int64_t a = rows; a-- > 0;) {
    const int64_t row = order[static_cast<size_t>(a)];
    const double* line = factor.data() + a * rows;
    for (int64_t c = 0; c < width; ++c) {
      const auto at = static_cast<size_t>(row * outputs + first + c);
      const double scale = scale_of(grid, row, first + c, outputs), weight = from[at];
      const double wanted = weight + owed[static_cast<size_t>(a * kPanel + c)] / line[a];
      const double integer =
          scale == 0 ? 0
                     : std::clamp(std::nearbyint(wanted / scale), static_cast<double>(grid.low),
                                  static_cast<double>(grid.high));
      to[at] = static_cast<int8_t>(integer);
      lost[static_cast<size_t>(c)] = weight - integer * scale;
    }
    for (int64_t b = 0; b < a; ++b) {
      double* sums = owed.data() + b * kPanel;
      const double share = line[b];
#pragma omp simd
      for (int64_t c = 0; c < kPanel; ++c) sums[c] += share * lost[static_cast<size_t>(c)];
    }
  }
}

}  // namespace

Tensor round_second_order(const Tensor& weights, const Tensor& moments, const RoundingGrid& grid,
                          const SecondOrderOptions& options) {
  check(weights, moments, grid);
  require(options.damping >= 0, "the damping is {}, but must not be negative", options.damping);
  const int64_t rows = weights.sizes()[0], outputs = weights.sizes()[1];
  Tensor integers(DType::i8, {rows, outputs});
  if (integers.num_elements() == 0) return integers;
  const auto h = moments.data<float>();
  const auto moment = [&](int64_t a, int64_t b) {
    return static_cast<double>(h[static_cast<size_t>(a * rows + b)]);
  };
  double trace = 0;
  for (int64_t a = 0; a < rows; ++a) trace += moment(a, a);
  // Inputs that are always zero say nothing.
  const double damping = trace > 0 ? options.damping * trace / static_cast<double>(rows) : 1;
  std::vector<int64_t> order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return moment(a, a) < moment(b, b); });
  const int threads = options.threads > 0 ? options.threads : available_cores();
  std::vector<double> factor(static_cast<size_t>(rows * rows));
  for (int64_t a = 0; a < rows; ++a)
    for (int64_t b = 0; b <= a; ++b) {
      const int64_t row = order[static_cast<size_t>(a)], other = order[static_cast<size_t>(b)];
      factor[static_cast<size_t>(a * rows + b)] = moment(row, other) + (a == b ? damping : 0);
    }
  require(factor_cholesky(factor, rows),
          "the moments of what {} weights are multiplied with are singular with a damping of {}: "
          "give more samples or a greater damping",
          weights.describe(), options.damping);
  const int64_t panels = (outputs + kPanel - 1) / kPanel;
  parallel_for(panels, threads, [&](int64_t first, int64_t last) {
    for (int64_t panel = first; panel < last; ++panel)
      round_panel(weights, factor, order, grid, panel * kPanel,
                  std::min(kPanel, outputs - panel * kPanel), integers);
  });
  return integers;
}

double rounding_error(const Tensor& weights, const Tensor& integers, const Tensor& moments,
                      const RoundingGrid& grid) {
  check(weights, moments, grid);
  const int64_t rows = weights.sizes()[0], outputs = weights.sizes()[1];
  std::vector<double> lost(static_cast<size_t>(rows));
  double error = 0;
  for (int64_t c = 0; c < outputs; ++c) {
    for (int64_t a = 0; a < rows; ++a)
      lost[static_cast<size_t>(a)] = weights.get(a * outputs + c) -
                                     integers.get(a * outputs + c) * scale_of(grid, a, c, outputs);
    for (int64_t a = 0; a < rows; ++a)
      for (int64_t b = 0; b < rows; ++b)
        error +=
            lost[static_cast<size_t>(a)] * lost[static_cast<size_t>(b)] * moments.get(a * rows + b);
  }
  return error;
}

}  // namespace brisk
