#pragma once

/// The CUDA driver (libcuda.so.1): the only door to it. Declares what brisk calls of the driver API
/// (https://docs.nvidia.com/cuda/cuda-driver-api), version 12.0 and newer.

#include <cstddef>
#include <cstdint>
#include <string>

#include "brisk/backends/cuda/api/entry_points.h"
#include "brisk/backends/cuda/device.h"

namespace brisk::cuda {

/// CUresult; 0 is success.
using DriverStatus = int;
using ContextHandle = struct CUctx_st*;
using GraphHandle = struct CUgraph_st*;
using GraphExecHandle = struct CUgraphExec_st*;
using GraphNodeHandle = struct CUgraphNode_st*;

struct DriverUuid {
  char bytes[16];
};

/// CUgraphEdgeData: how much of a node another one waits for.
struct GraphEdgeData {
  unsigned char from_port = 0, to_port = 0, type = 0, reserved[5] = {};
};

// CUresult, of those that brisk tells apart.
constexpr DriverStatus kDriverSuccess = 0;
constexpr DriverStatus kDriverOutOfMemory = 2;
constexpr DriverStatus kDriverNoDevice = 100;
constexpr DriverStatus kDriverInvalidDevice = 101;
constexpr DriverStatus kDriverNoBinaryForGpu = 209;
constexpr DriverStatus kDriverEccUncorrectable = 214;
constexpr DriverStatus kDriverNotReady = 600;
constexpr DriverStatus kDriverIllegalAddress = 700;
constexpr DriverStatus kDriverLaunchFailed = 719;
constexpr DriverStatus kDriverSystemNotReady = 802;
constexpr DriverStatus kDriverSystemDriverMismatch = 803;

// CUdevice_attribute.
constexpr int kAttributeMultiprocessors = 16;
constexpr int kAttributeL2Bytes = 38;
constexpr int kAttributeMajor = 75;
constexpr int kAttributeMinor = 76;
constexpr int kAttributeSharedBytesOptIn = 97;

// CUfunction_attribute.
constexpr int kFunctionMaxThreads = 0;
constexpr int kFunctionRegisters = 4;
constexpr int kFunctionMaxDynamicSharedBytes = 8;

// CUtensorMapDataType, CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion,
// CUtensorMapFloatOOBfill.
constexpr int kTensorMapWords16 = 1;
constexpr int kTensorMapWords32 = 2;
constexpr int kTensorMapWords64 = 4;
constexpr int kTensorMapNotInterleaved = 0;
constexpr int kTensorMapNoSwizzle = 0;
constexpr int kTensorMapSwizzle128Bytes = 3;
constexpr int kTensorMapPromote256Bytes = 3;
constexpr int kTensorMapZeroFill = 0;

constexpr unsigned kStreamNonBlocking = 1;
constexpr unsigned kEventDefault = 0;
constexpr unsigned kEventDisableTiming = 2;
/// CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may allocate meanwhile.
constexpr int kCaptureThreadLocal = 1;
/// CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION.
constexpr int kLaunchProgrammaticSerialization = 6;
/// CU_STREAM_SET_CAPTURE_DEPENDENCIES.
constexpr unsigned kSetCaptureDependencies = 1;

/// CUlaunchAttribute.
struct LaunchAttribute {
  int id = 0, padding = 0;
  union {
    int programmatic_serialization_allowed;
    char bytes[64];
  } value = {};
};

/// CUlaunchConfig.
struct LaunchConfiguration {
  unsigned grid_x = 1, grid_y = 1, grid_z = 1;
  unsigned block_x = 1, block_y = 1, block_z = 1;
  unsigned shared_bytes = 0;
  StreamHandle stream = nullptr;
  LaunchAttribute* attributes = nullptr;
  unsigned num_attributes = 0;
};

/// The entry points; all are there once `driver()` has succeeded, but for those since 12.3.
struct Driver {
  DriverStatus (*init)(unsigned flags);
  DriverStatus (*driver_get_version)(int* version);
  DriverStatus (*get_error_name)(DriverStatus error, const char** text);
  DriverStatus (*get_error_string)(DriverStatus error, const char** text);

  DriverStatus (*device_get_count)(int* count);
  DriverStatus (*device_get)(int* device, int ordinal);
  DriverStatus (*device_get_name)(char* name, int length, int device);
  DriverStatus (*device_get_attribute)(int* value, int attribute, int device);
  DriverStatus (*device_total_mem)(size_t* bytes, int device);
  DriverStatus (*device_get_uuid)(DriverUuid* uuid, int device);
  DriverStatus (*primary_context_retain)(ContextHandle* context, int device);
  DriverStatus (*primary_context_release)(int device);
  DriverStatus (*context_set_current)(ContextHandle context);

  DriverStatus (*mem_get_info)(size_t* free, size_t* total);
  DriverStatus (*mem_alloc)(DeviceAddress* address, size_t bytes);
  DriverStatus (*mem_free)(DeviceAddress address);
  DriverStatus (*mem_host_alloc)(void** pointer, size_t bytes, unsigned flags);
  DriverStatus (*mem_free_host)(void* pointer);
  DriverStatus (*memcpy_to_device)(DeviceAddress to, const void* from, size_t bytes,
                                   StreamHandle stream);
  DriverStatus (*memcpy_to_host)(void* to, DeviceAddress from, size_t bytes, StreamHandle stream);
  DriverStatus (*memcpy_on_device)(DeviceAddress to, DeviceAddress from, size_t bytes,
                                   StreamHandle stream);
  DriverStatus (*memset_8)(DeviceAddress to, unsigned char value, size_t count,
                           StreamHandle stream);
  DriverStatus (*memset_16)(DeviceAddress to, unsigned short value, size_t count,
                            StreamHandle stream);
  DriverStatus (*memset_32)(DeviceAddress to, unsigned value, size_t count, StreamHandle stream);

  DriverStatus (*stream_create)(StreamHandle* stream, unsigned flags);
  DriverStatus (*stream_destroy)(StreamHandle stream);
  DriverStatus (*stream_synchronize)(StreamHandle stream);
  DriverStatus (*stream_wait_event)(StreamHandle stream, EventHandle event, unsigned flags);
  DriverStatus (*stream_begin_capture)(StreamHandle stream, int mode);
  DriverStatus (*stream_end_capture)(StreamHandle stream, GraphHandle* graph);
  /// Since 12.3; null before.
  DriverStatus (*stream_get_capture_info)(StreamHandle stream, int* status, uint64_t* id,
                                          GraphHandle* graph, const GraphNodeHandle** dependencies,
                                          const GraphEdgeData** edges, size_t* count);
  /// Since 12.3; null before.
  DriverStatus (*stream_update_capture_dependencies)(StreamHandle stream,
                                                     GraphNodeHandle* dependencies,
                                                     const GraphEdgeData* edges, size_t count,
                                                     unsigned flags);
  DriverStatus (*graph_instantiate)(GraphExecHandle* executable, GraphHandle graph,
                                    unsigned long long flags);
  DriverStatus (*graph_launch)(GraphExecHandle executable, StreamHandle stream);
  DriverStatus (*graph_destroy)(GraphHandle graph);
  DriverStatus (*graph_exec_destroy)(GraphExecHandle executable);

  DriverStatus (*event_create)(EventHandle* event, unsigned flags);
  DriverStatus (*event_record)(EventHandle event, StreamHandle stream);
  DriverStatus (*event_synchronize)(EventHandle event);
  DriverStatus (*event_elapsed_time)(float* milliseconds, EventHandle start, EventHandle end);
  DriverStatus (*event_destroy)(EventHandle event);

  DriverStatus (*module_load_data)(ModuleHandle* module, const void* image);
  DriverStatus (*module_unload)(ModuleHandle module);
  DriverStatus (*module_get_function)(FunctionHandle* function, ModuleHandle module,
                                      const char* name);
  DriverStatus (*function_get_attribute)(int* value, int attribute, FunctionHandle function);
  DriverStatus (*function_set_attribute)(FunctionHandle function, int attribute, int value);
  DriverStatus (*launch_kernel)(const LaunchConfiguration* configuration, FunctionHandle function,
                                void** parameters, void** extra);
  DriverStatus (*occupancy_max_blocks)(int* blocks, FunctionHandle function, int block_size,
                                       size_t dynamic_shared_bytes);
  DriverStatus (*tensor_map_encode_tiled)(void* map, int type, uint32_t rank, void* address,
                                          const uint64_t* sizes, const uint64_t* strides,
                                          const uint32_t* box, const uint32_t* steps,
                                          int interleave, int swizzle, int promotion, int fill);
  DriverStatus (*tensor_map_encode_im2col)(void* map, int type, uint32_t rank, void* address,
                                           const uint64_t* sizes, const uint64_t* strides,
                                           const int* lower_corner, const int* upper_corner,
                                           uint32_t channels, uint32_t places,
                                           const uint32_t* steps, int interleave, int swizzle,
                                           int promotion, int fill);
};

/// The driver, opened and initialised once a process; the sentence why there is none: no library,
/// too old, no device.
Result<const Driver*> driver();
/// Where it was loaded from and what version it says of itself, without initialising a device.
LibraryReport driver_report();

/// Throws UserError when a call failed. `call`: "cuMemAlloc". Names the error and what helps.
void check(DriverStatus status, const char* call);
/// The sentence for a failed call.
std::string describe_failure(DriverStatus status, const char* call);

/// 13000 -> "13.0".
std::string cuda_version_text(int version);

/// The oldest driver that brisk runs with: CUDA 12.0.
constexpr int kOldestDriver = 12000;

}  // namespace brisk::cuda
