#pragma once

/// ImageDecoder: an encoded image as bytes to pixels [height, width, channels].

#include "brisk/formats/onnx/call.h"

namespace brisk::onnx {

void image_decoder(Call& c);

}  // namespace brisk::onnx
