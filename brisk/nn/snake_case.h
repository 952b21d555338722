#pragma once

/// Names that Keras makes from class names.

#include <string>
#include <string_view>

namespace brisk {

/// Conv2D -> conv2d, MaxPooling2D -> max_pooling2d, PReLU -> p_re_lu: a word begins at a capital
/// that follows or precedes a small letter; what is neither letter, digit nor `_` is dropped.
std::string snake_case(std::string_view class_name);

}  // namespace brisk
