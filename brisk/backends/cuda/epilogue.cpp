#include "brisk/backends/cuda/epilogue.h"

#include <algorithm>

#include "brisk/backends/cuda/launch_function.h"

namespace brisk::cuda {
namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at; (at = text.find(from)) != std::string::npos;) text.replace(at, from.size(), to);
  return text;
}

constexpr std::string_view kSource = R"(
extern "C" __global__ void $name(ELEMENT* y, const ELEMENT* __restrict__ bias,
                                 const ELEMENT* __restrict__ residual, long long elements,
                                 int columns) {
  const long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < elements; i += step) {
    ELEMENT value = y[i];
    @BIAS
    @RESIDUAL
    @ACTIVATION
    y[i] = value;
  }
}
)";

}  // namespace

Epilogue::Epilogue(CodeLibrary& code, DType type, const EpilogueParts& parts) {
  invariant(type == DType::f32 || type == DType::f64,
            "the separate epilogue is for f32 and f64, but gets {}", brisk::name(type));
  std::string text(kSource);
  text = replaced(text, "ELEMENT", type == DType::f32 ? "float" : "double");
  text = replaced(text, "@BIAS", parts.bias ? "value += bias[i % columns];" : "");
  text = replaced(text, "@RESIDUAL", parts.residual ? "value += residual[i];" : "");
  // A NaN stays one.
  text = replaced(text, "@ACTIVATION",
                  parts.activation == Activation::relu ? "value = value < 0 ? 0 : value;" : "");
  number_ = code.add({"epilogue", std::move(text)});
}

void Epilogue::load(const CodeLibrary& code) { function_ = code.function(number_); }

void Epilogue::enqueue(DeviceAddress y, DeviceAddress bias, DeviceAddress residual,
                       int64_t elements, int64_t columns, StreamHandle stream) const {
  long long element_count = elements;
  int column_count = static_cast<int>(columns);
  void* arguments[] = {&y, &bias, &residual, &element_count, &column_count};
  const int64_t blocks = std::clamp<int64_t>((elements + 1023) / 1024, 1, 132 * 16);
  launch_function(function_, {static_cast<unsigned>(blocks), 1, 1}, {256, 1, 1}, 0, stream,
                  arguments);
}

}  // namespace brisk::cuda
