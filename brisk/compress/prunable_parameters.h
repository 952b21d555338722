#pragma once

/// Which parameters of a model are worth pruning: those that multiply many values, whatever layer
/// they belong to.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/nn/model.h"

namespace brisk {

/// Names of trained parameters that are a factor of a dense product (dot_general, convolution and
/// its transpose) or a table of embeddings, in the order of the state; also where they come there
/// through moves, casts, or a region (a recurrent layer's step). Filters of depthwise convolutions
/// are not among them (TFMOT leaves them alone, too: they are small, and each weight counts), nor
/// are biases and what normalises.
std::vector<std::string> prunable_parameters(const Model& model);

/// Those whose names hold none of `excluded`; refused where none is left to `verb` ("prune").
std::set<std::string, std::less<>> chosen_parameters(const Model& model,
                                                     const std::vector<std::string>& excluded,
                                                     std::string_view verb);

}  // namespace brisk
