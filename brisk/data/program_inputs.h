#pragma once

/// Whether a dataset's components are what a program takes.

#include <string_view>

#include "brisk/data/dataset.h"
#include "brisk/ir/program.h"

namespace brisk {

/// Refused unless the first components of `data` are the batch inputs of `program`, which belongs
/// to model `name`, each without its first extent, and `num_more` others follow.
void require_inputs(const Dataset& data, const Program& program, size_t num_more,
                    std::string_view name);

}  // namespace brisk
