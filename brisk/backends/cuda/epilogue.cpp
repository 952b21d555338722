#include "brisk/backends/cuda/epilogue.h"

#include <algorithm>

#include "brisk/backends/cuda/launch_function.h"

namespace brisk::cuda {
namespace {

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

constexpr std::string_view kSource = R"(
extern "C" __global__ void $name(ELEMENT* y, const ELEMENT* bias,
                                 const ELEMENT* residual, long long elements,
                                 int columns) {
  after_previous();
  const long long step = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < elements; i += step) {
    WIDE value = @LOAD(y[i]);
    @BIAS
    @RESIDUAL
    @ACTIVATION
    y[i] = @STORE(value);
  }
}
)";

/// How a type is read and written. The functions stand before the kernel under its name, so that
/// several kernels in one translation unit do not collide.
struct ElementCode {
  std::string_view element, wide, load, store, conversions;
};

ElementCode element_code(DType type) {
  if (type == DType::f64) return {"double", "double", "", "", ""};
  if (type == DType::f32) return {"float", "float", "", "", ""};
  if (type == DType::f16)
    return {"unsigned short", "float", "$name_load", "$name_store", R"(
static __device__ float $name_load(unsigned short x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x));
  return y;
}
static __device__ unsigned short $name_store(float x) {
  unsigned short y;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y) : "f"(x));
  return y;
}
)"};
  return {"unsigned short", "float", "$name_load", "$name_store", R"(
static __device__ float $name_load(unsigned short x) { return __uint_as_float((unsigned)x << 16); }
static __device__ unsigned short $name_store(float x) {
  unsigned short y;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y) : "f"(x));
  return y;
}
)"};
}

}  // namespace

std::string activation_code(Activation activation, std::string_view variable) {
  switch (activation) {
    case Activation::none:
      return "";
    case Activation::relu:
      return fmt::format("{0} = {0} < 0 ? 0 : {0};", variable);
    case Activation::relu6:
      return fmt::format("{0} = {0} < 0 ? 0 : {0} > 6 ? 6 : {0};", variable);
  }
  invariant(false, "an activation without device code");
  return "";
}

Epilogue::Epilogue(CodeLibrary& code, DType type, const EpilogueParts& parts) {
  invariant(is_floating(type) && bits(type) >= 16,
            "the separate epilogue is for floating types of 16 bits and more, but gets {}",
            brisk::name(type));
  const ElementCode element = element_code(type);
  std::string text = std::string(element.conversions) + std::string(kSource);
  text = replaced(text, "@BIAS", parts.bias ? "value += @LOAD(bias[i % columns]);" : "");
  text = replaced(text, "@RESIDUAL", parts.residual ? "value += @LOAD(residual[i]);" : "");
  text = replaced(text, "ELEMENT", element.element);
  text = replaced(text, "WIDE", element.wide);
  text = replaced(text, "@LOAD", element.load);
  text = replaced(text, "@STORE", element.store);
  text = replaced(text, "@ACTIVATION", activation_code(parts.activation, "value"));
  number_ = code.add({"epilogue", std::move(text)});
}

void Epilogue::load(const CodeLibrary& code) {
  function_ = code.function(number_);
}

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
