#pragma once

/// The part of the filter's gradient (narrow_text.h) that is its own in TF32.

#include <string>
#include <string_view>

namespace brisk::cuda {

/// What the warpgroups that multiply do.
std::string narrow_wide_multiply_text();
/// Which element of the gradient the one at `place` of a part is: declares ky, x, channel, number.
std::string_view narrow_wide_place_text();

}  // namespace brisk::cuda
