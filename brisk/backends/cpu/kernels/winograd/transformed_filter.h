#pragma once

/// The transformed filter of a Winograd launch: in scratch memory, made in every run, or in memory
/// of its own, made once, where the filter is constant.

#include <memory>

#include "brisk/backends/cpu/kernels/convolution_case.h"
#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/backends/cpu/kernels/winograd/winograd_loops.h"

namespace brisk::cpu {

/// Bytes of transformed tensors that a thread works on at a time, to stay in its L2 cache, and the
/// tiles below which reading the transformed filter would cost more than that saves.
inline constexpr int64_t kWinogradBlockBytes = 768 << 10;
inline constexpr int64_t kWinogradBlockTiles = 48;

/// What the filter operand [3, 3, c, f] is to the products: [c][f], or [f][c] with its taps in
/// order or reversed.
enum class FilterForm : uint8_t { as_given, exchanged, exchanged_and_flipped };

class TransformedFilter {
 public:
  /// `c`: channels and filters of the products (after the exchange). The filter is operand 1.
  TransformedFilter(const WinogradLoops& loops, FilterForm form, const ConvolutionCase& c,
                    const KernelRequest& request);

  /// Asks for scratch memory unless the filter is constant.
  void place(ScratchLayout& layout);
  const float* transform(const float* filter, std::byte* scratch);
  /// Columns `part` alone, to a `u` that holds the columns `held`.
  void transform_part(const float* filter, ColumnRange held, ColumnRange part, float* u,
                      int64_t u_point) const;
  bool is_constant() const { return is_constant_; }
  void forget() { is_current_ = false; }

 private:
  const WinogradLoops& loops_;
  FilterForm form_;
  int64_t depth_, columns_;  ///< of the products
  int threads_;
  bool is_constant_;
  int64_t offset_ = 0;
  std::shared_ptr<std::byte[]> kept_;
  bool is_current_ = false;
};

}  // namespace brisk::cpu
