#pragma once

/// Takes batch norm of training apart where its operand is a convolution's result that nobody else
/// reads, and joins the parts to their neighbours: the convolution gives the sums, what is left is
/// one multiplication and addition per element, which takes the residual and the ReLU behind it
/// along. Runs before differentiation, for the element types that the target names: the variance is
/// mean(y^2) - mean(y)^2 in f32, good for convolutions' results in short types.

#include "brisk/passes/pass.h"

namespace brisk {

Program fuse_batch_norm(Program program, const PassContext& context);

}  // namespace brisk
