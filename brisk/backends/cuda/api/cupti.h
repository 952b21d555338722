#pragma once

/// CUPTI, which tells when each kernel ran by the device's own clock (libcupti.so): the only door
/// to it. Declares what brisk calls of its activity interface (https://docs.nvidia.com/cupti),
/// version 12.0 and newer. Nothing but profiling needs it.

#include <cstddef>
#include <cstdint>
#include <string>

#include "brisk/backends/cuda/api/entry_points.h"

namespace brisk::cuda::cupti {

/// CUptiResult; 0 is success.
using Status = int;

/// CUpti_ActivityKind.
enum class Kind : int32_t {
  copy = 1,
  fill = 2,
  driver_call = 4,
  runtime_call = 5,
  kernel = 10,  ///< by a mode that leaves kernels at the same time at the same time
  external_correlation = 39,
};

/// CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0.
inline constexpr int32_t kOurCorrelation = 3;
/// CUPTI_ACTIVITY_FLAG_FLUSH_FORCED.
inline constexpr uint32_t kFlushAll = 1;

/// What every record begins with.
struct Record {
  Kind kind;
};

/// CUpti_ActivityKernel9 and newer, which only grow at their end: up to the name.
struct alignas(8) KernelRecord {
  Kind kind;
  uint8_t cache_config, shared_memory_config;
  uint16_t registers;
  int32_t global_cache_requested, global_cache_executed;
  uint64_t start, end, completed;  ///< nanoseconds; 0: not known
  uint32_t device, context, stream;
  int32_t grid[3], block[3];
  int32_t static_shared_memory, dynamic_shared_memory;
  uint32_t local_memory_per_thread, local_memory;
  uint32_t correlation;
  int64_t grid_id;
  const char* name;
};

/// CUpti_ActivityMemcpy6 and newer: up to the correlation.
struct alignas(8) CopyRecord {
  Kind kind;
  uint8_t copy_kind, source_kind, target_kind, flags;
  uint64_t bytes, start, end;
  uint32_t device, context, stream;
  uint32_t correlation;
};

/// CUpti_ActivityMemset4 and newer: up to the correlation.
struct alignas(8) FillRecord {
  Kind kind;
  uint32_t value;
  uint64_t bytes, start, end;
  uint32_t device, context, stream;
  uint32_t correlation;
};

/// CUpti_ActivityExternalCorrelation: which of our marks a call into the driver was made under.
struct alignas(8) CorrelationRecord {
  Kind kind;
  int32_t external_kind;
  uint64_t external_id;
  uint32_t correlation;
};

using BufferRequested = void (*)(uint8_t** buffer, size_t* bytes, size_t* most_records);
using BufferCompleted = void (*)(void* context, uint32_t stream, uint8_t* buffer, size_t bytes,
                                 size_t valid_bytes);

/// 12.0, as its get_version tells it; 13.0 tells 130000.
inline constexpr uint32_t kOldestVersion = 19;

struct Library {
  Status (*get_version)(uint32_t* version);
  Status (*get_result_string)(Status status, const char** text);
  Status (*register_callbacks)(BufferRequested requested, BufferCompleted completed);
  Status (*enable)(Kind kind);
  Status (*disable)(Kind kind);
  Status (*flush_all)(uint32_t flags);
  Status (*get_next_record)(uint8_t* buffer, size_t valid_bytes, Record** record);
  Status (*push_external_correlation)(int32_t kind, uint64_t id);
  Status (*pop_external_correlation)(int32_t kind, uint64_t* id);

  uint32_t version = 0;  ///< 130001: 13.0, update 1
  std::string path;      ///< the file that the loader took
};

/// CUPTI, opened once a process; the sentence why there is none: no library, too old.
Result<const Library*> library();

/// 130001: "13.0.1"; 19: "12.0".
std::string version_text(int64_t version);

/// What CUPTI says of a failed call.
std::string error_text(const Library& library, Status status);

}  // namespace brisk::cuda::cupti
