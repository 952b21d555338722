#pragma once

/// Copying boxes of elements by strides: what all rearranging ops come down to.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "brisk/backends/cpu/kernels/move/transpose_loops.h"

namespace brisk::cpu {

/// One axis of a box: bytes from one index to the next; `from` may be 0 or negative.
struct CopyAxis {
  int64_t count, from, to;
};

class StridedCopy {
 public:
  /// `axes` outermost first. Axes of one index go away, neighbours that lie alike become one, and
  /// what is contiguous on both sides becomes one long element.
  StridedCopy(std::vector<CopyAxis> axes, int64_t element_bytes);

  /// Copies the box whose first element lies at `from` and goes to `to`.
  void run(const std::byte* from, std::byte* to, int threads) const;

 private:
  void copy_units(const std::byte* from, std::byte* to, int64_t begin, int64_t end,
                  int64_t splits) const;
  void copy_inner(const std::byte* from, std::byte* to, int64_t begin, int64_t end) const;

  std::vector<CopyAxis> outer_;  ///< walked index by index
  int64_t units_ = 1;            ///< product of their counts
  CopyAxis inner_{1, 0, 0};      ///< the loop inside
  CopyAxis across_{1, 0, 0};     ///< beside inner_: the source's contiguous axis in a transpose
  int64_t element_bytes_;
  const TransposeLoops* loops_;
};

/// Row-major strides of `sizes` in bytes.
std::vector<int64_t> byte_strides(std::span<const int64_t> sizes, int64_t element_bytes);

/// Sets `count` elements of `element_bytes` to the one at `value`.
void fill_elements(std::byte* to, int64_t count, const std::byte* value, int64_t element_bytes,
                   int threads);

}  // namespace brisk::cpu
