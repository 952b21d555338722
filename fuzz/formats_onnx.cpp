// Any bytes: an ONNX model is refused with a reason, or becomes a program that verifies.

#include "brisk/formats/onnx/onnx_file.h"
#include "brisk/ir/program.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size > 1 << 16) return 0;
  const std::string input(reinterpret_cast<const char*>(bytes), size);
  const auto imported = brisk::onnx::load_onnx_bytes(input, {}, {});
  if (!imported || !imported->report.missing.empty()) return 0;
  brisk::verify(imported->model.program);
  return 0;
}
