#pragma once

/// The inner loops of matrix products of 8-bit integers with the epilogue of RequantizeAttributes:
/// rows of an image's channels, or of a matrix, times weights.
///
/// `kPanelColumns` columns of the weights lie together as a panel i8 [k / 4, columns, 4], since a
/// dot product of VNNI adds four products of neighbouring bytes. The last panel may be narrower, in
/// whole vectors of 16 columns, the last one filled up with zeros.

#include <cstddef>
#include <cstdint>

namespace brisk::cpu {

constexpr int64_t kPanelColumns = 64, kPanelVector = 16;
/// Rows of results that are computed together: as many as registers hold beside a panel's vectors.
constexpr int64_t panel_rows(int64_t vectors) {
  return vectors == 4 ? 6 : vectors == 3 ? 8 : 12;
}

struct QuantizedPanel {
  int64_t k;              ///< a multiple of 4
  int64_t columns;        ///< that are there
  const int8_t* weights;  ///< [k / 4, columns rounded up to vectors, 4]
  const int32_t* start;   ///< of the sums: what makes up for an offset of a signed lhs
  const float *bias, *multiplier;
  bool signed_lhs;
  // The epilogue.
  bool to_f32;
  bool signed_result;
  float low, high;  ///< results are clamped to
  bool residual, signed_residual;
  float residual_scale;
  float product_scale;  ///< a step that products are rounded to before the residual joins; or 0
  float product_low, product_high;
};

/// Rows [begin, end) of results. Row r is that of lhs [rows, k], or its row pixels[r] where there
/// are pixels.
struct QuantizedRows {
  const uint8_t* lhs;
  const int64_t* pixels;  ///< or null
  int64_t begin, end;
  int64_t stride;  ///< from one row of results to the next, in elements
};

/// `residual` and `result` (u8, i8 or f32) from the panel's first column on; the former null where
/// there is none.
using QuantizedPanelTimesRows = void (*)(const QuantizedPanel& panel, const QuantizedRows& rows,
                                         const uint8_t* residual, std::byte* result);

}  // namespace brisk::cpu
