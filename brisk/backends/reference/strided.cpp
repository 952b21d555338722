#include "brisk/backends/reference/strided.h"

#include <algorithm>

#include "brisk/base/error.h"
#include "brisk/base/shape.h"

namespace brisk::reference {
namespace {

/// Calls `f.template operator()<Word>()` with an unsigned integer as wide as an element: moving
/// does not look at values.
template <typename F>
void with_word(DType type, F&& f) {
  switch (byte_size(type)) {
    case 1:
      return f.template operator()<uint8_t>();
    case 2:
      return f.template operator()<uint16_t>();
    case 4:
      return f.template operator()<uint32_t>();
    case 8:
      return f.template operator()<uint64_t>();
    default:
      invariant(false, "elements of {} have {} bytes", name(type), byte_size(type));
  }
}

}  // namespace

void copy_strided(std::span<const int64_t> sizes, const Tensor& from,
                  const StridedPlace& from_place, Tensor& to, const StridedPlace& to_place) {
  invariant(from.dtype() == to.dtype(), "{} is copied to {}", from.describe(), to.describe());
  with_word(to.dtype(), [&]<typename Word>() {
    const auto* source = reinterpret_cast<const Word*>(from.bytes());
    auto* target = reinterpret_cast<Word*>(to.bytes());
    walk<2>(sizes, {from_place.strides, to_place.strides}, {from_place.offset, to_place.offset},
            [&](const std::array<int64_t, 2>& at) { target[at[1]] = source[at[0]]; });
  });
}

void fill(Tensor& to, const Tensor& value) {
  copy_strided(to.sizes(), value, {0, std::vector<int64_t>(to.sizes().size(), 0)}, to,
               {0, row_major_strides(to.sizes())});
}

}  // namespace brisk::reference
