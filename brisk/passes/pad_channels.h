#pragma once

/// A convolution over an image of few channels (a photograph's three) gets zeros as further
/// channels, in image and filter, and so does its filter's gradient, of which they are cut off
/// again: tensor cores read channels by eights, a library's engines for a first layer by fours, and
/// what has three is left to slow kernels. Only in short types, and in f32 where
/// it is rounded to TF32. The image's own gradient, where it
/// is wanted, stays as it is, and so does what the target has a kernel for without
/// (LoweringTarget::takes_composite).

#include "brisk/passes/pass.h"

namespace brisk {

Program pad_channels(Program program, const PassContext& context);

}  // namespace brisk
