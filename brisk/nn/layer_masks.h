#pragma once

/// Masks: which steps of a sequence are there. Keras attaches them to tensors while a model is
/// built and while it runs: Embedding with mask_zero and Masking make one, some layers hand it on,
/// recurrent and attention layers read it. Functional files of Keras 3 have it written out as
/// functions and arguments, but not always for attention; Sequential files and those of Keras 2 do
/// not. They get the same here.

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

/// How masks go through a Functional model.
enum class MaskRules : uint8_t {
  keras_2,  ///< a few layers hand them on, a merge where all its inputs are there; all readers
  keras_3,  ///< nearly all layers do, a merge where any input is there if all have masks; attention
            ///< is what reads
};
/// Adds to a Functional model the functions that make masks and the arguments that pass them, where
/// a call has none. Refused (UserError) where a layer reads masked sequences that were joined one
/// behind the other.
void follow_masks(FunctionalConfig& model, MaskRules rules);

}  // namespace brisk
