#include "brisk/backends/cuda/prelude/prelude.h"

// Where steps are short, kernels of brisk are launched while the one before them still runs
// (programmatic dependent launch): their blocks stand on the processors by the time it ends, and
// may have fetched what never changes. So each kernel calls `after_previous` before it touches
// memory that others write. It lets the next kernel begin only then, since one that began two
// kernels ahead would take the place of what is needed now: ResNet-50's convolutions of one image,
// each in a chain of its own and shared out in the best of twenty ways, take 178 us together so on
// an H100, and 191 where the next may begin at once.

namespace brisk::cuda {

std::string_view prelude_launch_order() {
  return R"(
// Before it returns, only what no kernel of the program writes may be read, and nothing be written. Every
// thread that touches the device's memory has called it.
DEVICE void after_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
)";
}

}  // namespace brisk::cuda
