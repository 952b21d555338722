#include "brisk/backends/cuda/kernels/shared_kernel.h"

#include "brisk/backends/cuda/api/driver.h"
#include "brisk/backends/cuda/launch_function.h"

namespace brisk::cuda {

void SharedKernel::load(const CodeLibrary& code) {
  constexpr int kMostDynamicShared = 8;  // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
  function_ = code.function(number_);
  check((*driver())->function_set_attribute(function_.handle, kMostDynamicShared,
                                            static_cast<int>(shared_bytes_)),
        "cuFuncSetAttribute");
}

void SharedKernel::enqueue(std::vector<DeviceAddress> addresses, StreamHandle stream) const {
  std::vector<void*> pointers;
  for (DeviceAddress& address : addresses) pointers.push_back(&address);
  enqueue(std::span(pointers), stream);
}

void SharedKernel::enqueue(std::span<void*> arguments, StreamHandle stream) const {
  if (blocks_ == 0) return;
  launch_function(function_, {static_cast<unsigned>(blocks_)}, {static_cast<unsigned>(threads_)},
                  static_cast<unsigned>(shared_bytes_), stream, arguments);
}

std::vector<DeviceAddress> addresses_of(const LaunchArguments& arguments) {
  std::vector<DeviceAddress> addresses(arguments.operands.begin(), arguments.operands.end());
  addresses.insert(addresses.end(), arguments.results.begin(), arguments.results.end());
  return addresses;
}

}  // namespace brisk::cuda
