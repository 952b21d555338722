#pragma once

/// The one form of an imported program: what ONNX's layout leaves behind (transposes between image
/// ops, axes of extent 1) is simplified, nodes stand in the order in which the results need them,
/// state in the order of its first reader. A file that is written and read again gives the same
/// program.

#include <vector>

#include "brisk/ir/program.h"

namespace brisk::onnx {

/// State that nothing reads falls away, and its weights with it.
Program canonical(const Program& program, std::vector<Tensor>& weights);

}  // namespace brisk::onnx
