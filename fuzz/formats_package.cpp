// Model packages: graph.txt, signature.json and weights.safetensors of any bytes are a package
// whose parts fit together, or a reason that names one of the files.

#include "brisk/formats/package/package.h"
#include "fuzz/input_parts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto& folder = brisk::fuzz::scratch_folder();
  const auto parts = brisk::fuzz::parts_of(bytes, size, 3);
  brisk::fuzz::write(folder / "graph.txt", parts[0]);
  brisk::fuzz::write(folder / "signature.json", parts[1]);
  brisk::fuzz::write(folder / "weights.safetensors", parts[2]);
  const auto package = brisk::read_package(folder);
  if (!package) {
    if (package.error().find(folder.string()) == std::string::npos) __builtin_trap();
    return 0;
  }
  const brisk::Program& program = package->program;
  brisk::verify(program);
  if (package->weights.size() != program.state.size()) __builtin_trap();
  for (size_t i = 0; i < program.state.size(); ++i) {
    const brisk::Tensor& tensor = package->weights[i];
    if (!(brisk::Type(tensor.dtype(), brisk::Shape(tensor.sizes())) == program.state[i].type))
      __builtin_trap();
  }
  return 0;
}
