#pragma once

/// A maximum pool that alone reads a normalised image (scale, shift and ReLU) normalises it itself,
/// where the target has a kernel for that: the image, a first layer's and so the largest of the
/// network, is not written again. Runs while lowering, before composites are taken apart.

#include "brisk/passes/pass.h"

namespace brisk {

Program fuse_pools(Program program, const PassContext& context);

}  // namespace brisk
