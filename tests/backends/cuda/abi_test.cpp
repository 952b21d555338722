// What brisk declares of the driver against the toolkit's header, where there is one: constants by
// value, functions by the shape of their signature. (Compiled in by tests/CMakeLists.txt.)

#include <gtest/gtest.h>

#ifdef BRISK_CUDA_HEADERS
#include <cuda.h>

#include <type_traits>

#include "brisk/backends/cuda/api/driver.h"
#include "brisk/backends/cuda/tensor_map.h"

namespace brisk::cuda {
namespace {

/// Passed in the same way: both pointers, or both numbers (enumerations count as theirs) of one
/// size.
template <typename Ours, typename Theirs>
constexpr bool same_value() {
  if constexpr (std::is_pointer_v<Ours> || std::is_pointer_v<Theirs>)
    return std::is_pointer_v<Ours> && std::is_pointer_v<Theirs>;
  else if constexpr (std::is_void_v<Ours> || std::is_void_v<Theirs>)
    return std::is_void_v<Ours> && std::is_void_v<Theirs>;
  else
    return sizeof(Ours) == sizeof(Theirs) && std::is_class_v<Ours> == std::is_class_v<Theirs> &&
           std::is_floating_point_v<Ours> == std::is_floating_point_v<Theirs>;
}

template <typename Ours, typename Theirs>
struct SameFunction : std::false_type {};
template <typename R1, typename... A1, typename R2, typename... A2>
struct SameFunction<R1 (*)(A1...), R2(A2...)> {
  static constexpr bool compare() {
    if constexpr (sizeof...(A1) != sizeof...(A2))
      return false;
    else
      return same_value<R1, R2>() && (same_value<A1, A2>() && ...);
  }
  static constexpr bool value = compare();
};

#define BRISK_SAME(member, theirs) \
  static_assert(SameFunction<decltype(Driver::member), decltype(theirs)>::value, #theirs)

BRISK_SAME(init, ::cuInit);
BRISK_SAME(driver_get_version, ::cuDriverGetVersion);
BRISK_SAME(get_error_name, ::cuGetErrorName);
BRISK_SAME(get_error_string, ::cuGetErrorString);
BRISK_SAME(device_get_count, ::cuDeviceGetCount);
BRISK_SAME(device_get, ::cuDeviceGet);
BRISK_SAME(device_get_name, ::cuDeviceGetName);
BRISK_SAME(device_get_attribute, ::cuDeviceGetAttribute);
BRISK_SAME(device_total_mem, ::cuDeviceTotalMem_v2);
BRISK_SAME(device_get_uuid, ::cuDeviceGetUuid_v2);
BRISK_SAME(primary_context_retain, ::cuDevicePrimaryCtxRetain);
BRISK_SAME(primary_context_release, ::cuDevicePrimaryCtxRelease_v2);
BRISK_SAME(context_set_current, ::cuCtxSetCurrent);
BRISK_SAME(mem_get_info, ::cuMemGetInfo_v2);
BRISK_SAME(mem_alloc, ::cuMemAlloc_v2);
BRISK_SAME(mem_free, ::cuMemFree_v2);
BRISK_SAME(mem_host_alloc, ::cuMemHostAlloc);
BRISK_SAME(mem_free_host, ::cuMemFreeHost);
BRISK_SAME(memcpy_to_device, ::cuMemcpyHtoDAsync_v2);
BRISK_SAME(memcpy_to_host, ::cuMemcpyDtoHAsync_v2);
BRISK_SAME(memcpy_on_device, ::cuMemcpyDtoDAsync_v2);
BRISK_SAME(memset_8, ::cuMemsetD8Async);
BRISK_SAME(memset_16, ::cuMemsetD16Async);
BRISK_SAME(memset_32, ::cuMemsetD32Async);
BRISK_SAME(stream_create, ::cuStreamCreate);
BRISK_SAME(stream_destroy, ::cuStreamDestroy_v2);
BRISK_SAME(stream_synchronize, ::cuStreamSynchronize);
BRISK_SAME(stream_wait_event, ::cuStreamWaitEvent);
BRISK_SAME(stream_begin_capture, ::cuStreamBeginCapture_v2);
BRISK_SAME(stream_end_capture, ::cuStreamEndCapture);
BRISK_SAME(stream_get_capture_info, ::cuStreamGetCaptureInfo);
BRISK_SAME(stream_update_capture_dependencies, ::cuStreamUpdateCaptureDependencies);
BRISK_SAME(graph_instantiate, ::cuGraphInstantiateWithFlags);
BRISK_SAME(graph_launch, ::cuGraphLaunch);
BRISK_SAME(graph_destroy, ::cuGraphDestroy);
BRISK_SAME(graph_exec_destroy, ::cuGraphExecDestroy);
BRISK_SAME(event_create, ::cuEventCreate);
BRISK_SAME(event_record, ::cuEventRecord);
BRISK_SAME(event_synchronize, ::cuEventSynchronize);
BRISK_SAME(event_elapsed_time, ::cuEventElapsedTime);
BRISK_SAME(event_destroy, ::cuEventDestroy_v2);
BRISK_SAME(module_load_data, ::cuModuleLoadData);
BRISK_SAME(module_unload, ::cuModuleUnload);
BRISK_SAME(module_get_function, ::cuModuleGetFunction);
BRISK_SAME(function_get_attribute, ::cuFuncGetAttribute);
BRISK_SAME(function_set_attribute, ::cuFuncSetAttribute);
BRISK_SAME(launch_kernel, ::cuLaunchKernelEx);
BRISK_SAME(occupancy_max_blocks, ::cuOccupancyMaxActiveBlocksPerMultiprocessor);
BRISK_SAME(tensor_map_encode_tiled, ::cuTensorMapEncodeTiled);
BRISK_SAME(tensor_map_encode_im2col, ::cuTensorMapEncodeIm2col);
#undef BRISK_SAME

// A check that fails where it must.
static_assert(!SameFunction<int (*)(int), int(int, int)>::value);
static_assert(!SameFunction<int (*)(int), int(long)>::value);
static_assert(!SameFunction<int (*)(int), int(float)>::value);

TEST(CudaAbi, ConstantsAreTheHeaders) {
  EXPECT_EQ(kDriverSuccess, CUDA_SUCCESS);
  EXPECT_EQ(kDriverOutOfMemory, CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(kDriverNoDevice, CUDA_ERROR_NO_DEVICE);
  EXPECT_EQ(kDriverInvalidDevice, CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(kDriverNoBinaryForGpu, CUDA_ERROR_NO_BINARY_FOR_GPU);
  EXPECT_EQ(kDriverEccUncorrectable, CUDA_ERROR_ECC_UNCORRECTABLE);
  EXPECT_EQ(kDriverNotReady, CUDA_ERROR_NOT_READY);
  EXPECT_EQ(kDriverIllegalAddress, CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(kDriverLaunchFailed, CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(kDriverSystemNotReady, CUDA_ERROR_SYSTEM_NOT_READY);
  EXPECT_EQ(kDriverSystemDriverMismatch, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH);
  EXPECT_EQ(kAttributeMultiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  EXPECT_EQ(kAttributeL2Bytes, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
  EXPECT_EQ(kAttributeMajor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
  EXPECT_EQ(kAttributeMinor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  EXPECT_EQ(kAttributeSharedBytesOptIn, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  EXPECT_EQ(kFunctionMaxThreads, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
  EXPECT_EQ(kFunctionRegisters, CU_FUNC_ATTRIBUTE_NUM_REGS);
  EXPECT_EQ(kFunctionMaxDynamicSharedBytes, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
  EXPECT_EQ(kStreamNonBlocking, static_cast<unsigned>(CU_STREAM_NON_BLOCKING));
  EXPECT_EQ(kEventDefault, static_cast<unsigned>(CU_EVENT_DEFAULT));
  EXPECT_EQ(kEventDisableTiming, static_cast<unsigned>(CU_EVENT_DISABLE_TIMING));
  EXPECT_EQ(kCaptureThreadLocal, static_cast<int>(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
  EXPECT_EQ(kTensorMapWords16, CU_TENSOR_MAP_DATA_TYPE_UINT16);
  EXPECT_EQ(kTensorMapWords32, CU_TENSOR_MAP_DATA_TYPE_UINT32);
  EXPECT_EQ(kTensorMapNotInterleaved, CU_TENSOR_MAP_INTERLEAVE_NONE);
  EXPECT_EQ(kTensorMapSwizzle128Bytes, CU_TENSOR_MAP_SWIZZLE_128B);
  EXPECT_EQ(kTensorMapPromote256Bytes, CU_TENSOR_MAP_L2_PROMOTION_L2_256B);
  EXPECT_EQ(kTensorMapZeroFill, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  EXPECT_EQ(sizeof(TensorMap), sizeof(CUtensorMap));
  EXPECT_EQ(sizeof(LaunchConfiguration), sizeof(CUlaunchConfig));
  EXPECT_EQ(offsetof(LaunchConfiguration, stream), offsetof(CUlaunchConfig, hStream));
  EXPECT_EQ(offsetof(LaunchConfiguration, num_attributes), offsetof(CUlaunchConfig, numAttrs));
  EXPECT_EQ(sizeof(LaunchAttribute), sizeof(CUlaunchAttribute));
  EXPECT_EQ(offsetof(LaunchAttribute, value), offsetof(CUlaunchAttribute, value));
  EXPECT_EQ(kLaunchProgrammaticSerialization,
            static_cast<int>(CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION));
  EXPECT_EQ(sizeof(DriverUuid), sizeof(CUuuid));
  EXPECT_EQ(sizeof(DeviceAddress), sizeof(CUdeviceptr));
}

}  // namespace
}  // namespace brisk::cuda

#else

TEST(CudaAbi, ConstantsAreTheHeaders) {
  GTEST_SKIP() << "the CUDA toolkit's headers are not installed";
}

#endif
