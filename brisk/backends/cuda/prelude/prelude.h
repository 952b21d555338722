#pragma once

/// The parts of the text that every translation unit for the device begins with.

#include <string_view>

namespace brisk::cuda {

std::string_view prelude_launch_order();
std::string_view prelude_numbers();
std::string_view prelude_scalar_operations();
std::string_view prelude_vectors();

}  // namespace brisk::cuda
