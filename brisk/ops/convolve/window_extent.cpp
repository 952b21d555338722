#include "brisk/ops/convolve/window_extent.h"

#include "brisk/base/checked.h"

namespace brisk {

Extent window_extent(std::string_view op, int64_t axis, const Extent& extent,
                     const SlidingWindow& window) {
  require(window.size >= 1 && window.stride >= 1 && window.dilation >= 1,
          "[{}] window {}, stride {} and dilation {} along axis {} must be at least 1", op,
          window.size, window.stride, window.dilation, axis);
  const std::string what = fmt::format("[{}]", op);
  const int64_t reach =
      checked_add(checked_multiply(window.size - 1, window.dilation, what), 1, what);
  const int64_t padding = checked_add(window.pad_low, window.pad_high, what);
  if (extent.is_named()) {
    require(window.stride == 1 && padding == reach - 1,
            "[{}] axis {} has the extent '{}', which only a binding makes a number; until then "
            "windows of reach {} with stride {} and padding {} cannot be counted",
            op, axis, extent.name(), reach, window.stride, padding);
    return extent;
  }
  const int64_t padded = checked_add(extent.size(), padding, what);
  require(padded >= reach, "[{}] kernel {}{} is larger than the padded input {} along axis {}", op,
          window.size,
          window.dilation == 1 ? std::string() : fmt::format(" with dilation {}", window.dilation),
          padded, axis);
  return (padded - reach) / window.stride + 1;
}

}  // namespace brisk
