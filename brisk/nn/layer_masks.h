#pragma once

/// Masks: which steps of a sequence are there. Keras attaches them to tensors while a model is
/// built: Embedding with mask_zero and Masking make one, some layers hand it on, recurrent and
/// attention layers read it. Functional files of Keras 3 have all of it written out as functions
/// and arguments; Sequential files and those of Keras 2 do not, and get the same here.

#include <string>
#include <vector>

#include "brisk/nn/functional_config.h"

namespace brisk {

/// Whether a layer on one sequence reads its mask, and whether its result has the same mask.
bool reads_mask(const LayerEntry& layer);
bool passes_mask(const LayerEntry& layer);

/// The functions that make the mask of the result of `layer` where it makes one (the input `read`
/// is not 0; not all its features are mask_value), the mask last; their names begin with `name`.
/// Nothing for other layers.
std::vector<LayerEntry> mask_functions(const LayerEntry& layer, const std::string& name,
                                       const TensorReference& read);

/// Adds to a Functional model without masks the functions that make them and the arguments that
/// pass them. Refused (UserError) where masked sequences are joined one behind the other.
void follow_masks(FunctionalConfig& model);

}  // namespace brisk
