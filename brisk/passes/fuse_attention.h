#pragma once

/// softmax(query key^T * scale + bias) value in plain ops, as imported models have it, becomes
/// "dot_product_attention" where the target has a kernel for it.

#include "brisk/passes/pass.h"

namespace brisk {

Program fuse_attention(Program program, const PassContext& context);

}  // namespace brisk
