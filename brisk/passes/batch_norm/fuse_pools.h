#pragma once

/// A maximum pool that alone reads a normalised image (scale, shift and ReLU) normalises it itself,
/// and its gradient goes into the image's whole gradient in one op, where the target has kernels
/// for that: the image, a first layer's and so the largest of the network, is not written
/// normalised, nor is what the pool's gradient scatters over it. Runs while lowering, before
/// composites are taken apart.

#include "brisk/passes/pass.h"

namespace brisk {

Program fuse_pools(Program program, const PassContext& context);

}  // namespace brisk
