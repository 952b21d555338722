#pragma once

/// What layers over images ask of their input and their arguments.

#include <string>
#include <string_view>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk {

/// Refused unless `x` is [batch, height, width, channels] with static height, width and channels.
void require_image_input(const Value& x);
/// Refused unless `values` are two positive numbers.
void require_two(std::string_view argument, const std::vector<int64_t>& values);
/// True for "same", false for "valid"; anything else is refused.
bool is_same_padding(const std::string& padding);
/// {height, width}.
std::vector<int64_t> spatial_sizes(const Value& x);

}  // namespace brisk
