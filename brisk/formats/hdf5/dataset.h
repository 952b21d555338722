#pragma once

/// The elements of a dataset.

#include <string_view>

#include "brisk/base/tensor.h"
#include "brisk/formats/hdf5/object_header.h"

namespace brisk::hdf5 {

bool is_dataset(const Messages& object);
/// The numbers of a dataset, copied; f16 widened to f32. Data outside of the file, virtual and
/// chunked data are refused (UserError), and so are sizes larger than what is stored.
Tensor read_dataset(std::string_view file, const Messages& dataset);

}  // namespace brisk::hdf5
