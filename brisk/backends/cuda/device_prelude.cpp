#include "brisk/backends/cuda/code_library.h"
#include "brisk/backends/cuda/prelude/prelude.h"

namespace brisk::cuda {

std::string_view device_prelude() {
  static const std::string text = std::string(prelude_numbers())
                                      .append(prelude_launch_order())
                                      .append(prelude_scalar_operations())
                                      .append(prelude_vectors());
  return text;
}

}  // namespace brisk::cuda
