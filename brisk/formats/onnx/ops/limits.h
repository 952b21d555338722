#pragma once

/// Bounds on sizes that a file states, so that arithmetic with them cannot overflow and constants
/// made of them fit into memory. Far above what models use.

#include <cstdint>
#include <span>
#include <string_view>

#include "brisk/base/error.h"

namespace brisk::onnx {

inline constexpr int64_t kMaxSize = int64_t{1} << 31;      ///< of one axis, of padding, of a stride
inline constexpr int64_t kMaxConstant = int64_t{1} << 27;  ///< elements of a table made at import

/// Refuses a value outside [-kMaxSize, kMaxSize].
inline void check_bounded(std::string_view what, int64_t value) {
  require(value >= -kMaxSize && value <= kMaxSize, "its {} is {}, beyond what is read", what,
          value);
}
inline void check_bounded(std::string_view what, std::span<const int64_t> values) {
  for (const int64_t value : values) check_bounded(what, value);
}
/// Refuses a table of rows x columns elements that is too large to be made.
inline void check_table(std::string_view what, int64_t rows, int64_t columns = 1) {
  require(rows >= 0 && columns >= 0 && rows <= kMaxConstant &&
              columns <= kMaxConstant / (rows > 0 ? rows : 1),
          "its {} would have {} x {} elements, more than are made at import", what, rows, columns);
}

}  // namespace brisk::onnx
