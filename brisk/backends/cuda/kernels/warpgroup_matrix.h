#pragma once

/// The instruction by which a warpgroup of Hopper multiplies (`wgmma`), as device code.

#include <string>
#include <vector>

#include "brisk/base/dtype.h"

namespace brisk::cuda {

struct WarpgroupMatrix {
  DType type = DType::f16;  ///< f32: what is multiplied is rounded to TF32
  int64_t columns = 0;      ///< of the product: 8 to 256
  std::string sums;         ///< f32 [columns / 2] that the product is added to
  /// 64 rows of 32 bytes of the depth: a descriptor of shared memory (u64), or four registers
  /// (u32).
  std::vector<std::string> left;
  std::string right;         ///< a descriptor: the columns, 32 bytes of the depth each
  std::string adds;          ///< false: the sums begin with the product
  bool left_turned = false;  ///< the depth is the slower axis; of 16 bits, in shared memory
  bool right_turned = false;
};

/// sums += left times right, of all threads of the warpgroup.
std::string warpgroup_matrix_text(const WarpgroupMatrix& matrix);

}  // namespace brisk::cuda
