#include "brisk/backends/cuda/cudnn/convolution_epilogue.h"

#include <algorithm>

#include "brisk/backends/cuda/launch_function.h"

namespace brisk::cuda::cudnn {
namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at; (at = text.find(from)) != std::string::npos;) text.replace(at, from.size(), to);
  return text;
}

/// Four elements a thread where channels are a multiple of 4 would move 16 bytes at a time; the
/// kernel is bound by memory either way, and this one takes any number of channels.
constexpr std::string_view kSource = R"(
extern "C" __global__ void $name(float* y, const float* __restrict__ bias,
                                 const float* __restrict__ residual, long long elements,
                                 int channels) {
  const long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < elements; i += step) {
    float value = y[i];
    BIAS
    RESIDUAL
    RELU
    y[i] = value;
  }
}
)";

}  // namespace

ConvolutionEpilogue::ConvolutionEpilogue(CodeLibrary& code, DType type,
                                         const FusedConvolutionAttributes& attributes) {
  invariant(type == DType::f32, "the separate epilogue is for f32, but gets {}", name(type));
  std::string text(kSource);
  text = replaced(text, "BIAS", attributes.bias ? "value += bias[i % channels];" : "");
  text = replaced(text, "RESIDUAL", attributes.residual ? "value += residual[i];" : "");
  // A NaN stays one.
  text = replaced(text, "RELU",
                  attributes.activation == Activation::relu ? "value = value < 0 ? 0 : value;" : "");
  number_ = code.add({"convolution_epilogue", std::move(text)});
}

void ConvolutionEpilogue::load(const CodeLibrary& code) { function_ = code.function(number_); }

void ConvolutionEpilogue::enqueue(DeviceAddress y, DeviceAddress bias, DeviceAddress residual,
                                  int64_t elements, int64_t channels, StreamHandle stream) const {
  long long element_count = elements;
  int channel_count = static_cast<int>(channels);
  void* arguments[] = {&y, &bias, &residual, &element_count, &channel_count};
  const int64_t blocks = std::clamp<int64_t>((elements + 1023) / 1024, 1, 132 * 16);
  launch_function(function_, {static_cast<unsigned>(blocks), 1, 1}, {256, 1, 1}, 0, stream,
                  arguments);
}

}  // namespace brisk::cuda::cudnn
