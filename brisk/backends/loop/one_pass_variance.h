#pragma once

/// Mean and variance about it in one pass over memory instead of two.

#include "brisk/backends/loop/loop_program.h"

namespace brisk {

/// Where a loop folds x to a sum, and then (x - sum / n)^2 to another: folds d = x - s and d^2
/// together, s being the x of the first reduced index, and gives sum = n s + sum d and
/// sum of squares = sum d^2 - (sum d)^2 / n. Since s is one of the values, the difference loses no
/// more than the spread of the data does (Chan, Golub, LeVeque, "Algorithms for computing the
/// sample variance", 1983, shifted data). The program itself where there is nothing of the kind.
LoopProgram one_pass_variance(const LoopProgram& program);

}  // namespace brisk
