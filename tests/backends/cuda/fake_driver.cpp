// A driver of CUDA that is none: memory of the host, streams that do everything at once, graphs
// that replay copies in another order than they were captured in. Built as libcuda.so.1 into a
// folder of its own, it lets tests without a GPU reach what lies above the driver: memory, slots,
// captures, and how failures are told. Kernels can't run on it. The environment says how it
// behaves:
//   FAKE_CUDA_VERSION  what it says of its version; 13000 when unset
//   FAKE_CUDA_DEVICES  how many devices it has; 1 when unset
//   FAKE_CUDA_MEMORY   bytes of the device; 1 GiB when unset
//   FAKE_CUDA_LOST_AT  the number of the synchronisation from which on the device is lost

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <utility>
#include <vector>

namespace {

using Status = int;
constexpr Status kSuccess = 0, kOutOfMemory = 2, kNoDevice = 100, kInvalid = 1, kLost = 700,
                 kNotSupported = 801;

/// Work that waits for other work.
struct Node {
  std::function<void()> work;
  std::vector<Node*> after;
  bool done = false;
};
using Graph = std::deque<Node>;

int64_t setting(const char* name, int64_t otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoll(value);
}

struct FakeStream {
  Graph* capture = nullptr;
  std::vector<Node*> frontier;  ///< what is captured next waits for these
};

std::map<uint64_t, size_t>& allocations() {
  static std::map<uint64_t, size_t> all;
  return all;
}
int64_t used() {
  int64_t bytes = 0;
  for (const auto& [address, size] : allocations()) bytes += static_cast<int64_t>(size);
  return bytes;
}
int64_t memory() {
  return setting("FAKE_CUDA_MEMORY", int64_t{1} << 30);
}

/// Memory of the device must be inside an allocation.
bool inside(uint64_t address, size_t bytes) {
  auto after = allocations().upper_bound(address);
  if (after == allocations().begin()) return false;
  --after;
  return address + bytes <= after->first + after->second;
}

Status now_or_captured(void* stream, std::function<void()> work) {
  auto* fake = static_cast<FakeStream*>(stream);
  if (fake->capture == nullptr) {
    work();
    return kSuccess;
  }
  fake->capture->push_back({std::move(work), fake->frontier});
  fake->frontier = {&fake->capture->back()};
  return kSuccess;
}

/// In an order that a device may take, as far from that of the capture as can be: of what waits for
/// nothing any more, what was captured last.
void replay(Graph& graph) {
  for (Node& node : graph) node.done = false;
  for (size_t left = graph.size(); left > 0; --left) {
    const auto ready = std::find_if(graph.rbegin(), graph.rend(), [](const Node& node) {
      return !node.done && std::all_of(node.after.begin(), node.after.end(),
                                       [](const Node* other) { return other->done; });
    });
    ready->work();
    ready->done = true;
  }
}

Status synchronised() {
  static int64_t count = 0;
  const int64_t lost_at = setting("FAKE_CUDA_LOST_AT", 0);
  return lost_at > 0 && ++count >= lost_at ? kLost : kSuccess;
}

template <typename T>
Status fill(uint64_t to, T value, size_t count, void* stream) {
  if (!inside(to, count * sizeof(T))) return kInvalid;
  return now_or_captured(stream, [=] {
    for (size_t i = 0; i < count; ++i)
      std::memcpy(reinterpret_cast<char*>(to) + i * sizeof(T), &value, sizeof(T));
  });
}

}  // namespace

extern "C" {

Status cuInit(unsigned) {
  return setting("FAKE_CUDA_DEVICES", 1) > 0 ? kSuccess : kNoDevice;
}
Status cuDriverGetVersion(int* version) {
  return *version = static_cast<int>(setting("FAKE_CUDA_VERSION", 13000)), kSuccess;
}
Status cuGetErrorName(Status error, const char** text) {
  *text = error == kLost          ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : error == kOutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY"
                                  : "CUDA_ERROR_FAKE";
  return kSuccess;
}
Status cuGetErrorString(Status, const char** text) {
  return *text = "as the fake driver was told", kSuccess;
}

Status cuDeviceGetCount(int* count) {
  return *count = static_cast<int>(setting("FAKE_CUDA_DEVICES", 1)), kSuccess;
}
Status cuDeviceGet(int* device, int ordinal) {
  return *device = ordinal, kSuccess;
}
Status cuDeviceGetName(char* name, int length, int) {
  return std::strncpy(name, "Fake GPU", static_cast<size_t>(length)), kSuccess;
}
Status cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == 75 ? 9 : attribute == 76 ? 0 : attribute == 16 ? 4 : 1 << 20;
  return kSuccess;
}
Status cuDeviceTotalMem_v2(size_t* bytes, int) {
  return *bytes = static_cast<size_t>(memory()), kSuccess;
}
Status cuDeviceGetUuid_v2(char* uuid, int) {
  return std::memset(uuid, 7, 16), kSuccess;
}
Status cuDevicePrimaryCtxRetain(void** context, int) {
  return *context = reinterpret_cast<void*>(8), kSuccess;
}
Status cuDevicePrimaryCtxRelease_v2(int) {
  return kSuccess;
}
Status cuCtxSetCurrent(void*) {
  return kSuccess;
}

Status cuMemGetInfo_v2(size_t* free, size_t* total) {
  *total = static_cast<size_t>(memory());
  *free = static_cast<size_t>(memory() - used());
  return kSuccess;
}
Status cuMemAlloc_v2(uint64_t* address, size_t bytes) {
  if (used() + static_cast<int64_t>(bytes) > memory()) return kOutOfMemory;
  void* pointer = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (pointer == nullptr) return kOutOfMemory;
  std::memset(pointer, 0xFF, bytes);
  *address = reinterpret_cast<uint64_t>(pointer);
  allocations()[*address] = bytes;
  return kSuccess;
}
Status cuMemFree_v2(uint64_t address) {
  if (allocations().erase(address) == 0) return kInvalid;
  std::free(reinterpret_cast<void*>(address));
  return kSuccess;
}
Status cuMemHostAlloc(void** pointer, size_t bytes, unsigned) {
  *pointer = std::malloc(bytes);
  return *pointer == nullptr ? kOutOfMemory : kSuccess;
}
Status cuMemFreeHost(void* pointer) {
  return std::free(pointer), kSuccess;
}
Status cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void* stream) {
  if (!inside(to, bytes)) return kInvalid;
  return now_or_captured(stream, [=] { std::memcpy(reinterpret_cast<void*>(to), from, bytes); });
}
Status cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void* stream) {
  if (!inside(from, bytes)) return kInvalid;
  return now_or_captured(stream, [=] { std::memcpy(to, reinterpret_cast<void*>(from), bytes); });
}
Status cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* stream) {
  if (!inside(to, bytes) || !inside(from, bytes)) return kInvalid;
  return now_or_captured(stream, [=] {
    std::memcpy(reinterpret_cast<void*>(to), reinterpret_cast<void*>(from), bytes);
  });
}
Status cuMemsetD8Async(uint64_t to, unsigned char value, size_t count, void* stream) {
  return fill(to, value, count, stream);
}
Status cuMemsetD16Async(uint64_t to, unsigned short value, size_t count, void* stream) {
  return fill(to, value, count, stream);
}
Status cuMemsetD32Async(uint64_t to, unsigned value, size_t count, void* stream) {
  return fill(to, value, count, stream);
}

Status cuStreamCreate(void** stream, unsigned) {
  return *stream = new FakeStream, kSuccess;
}
Status cuStreamDestroy_v2(void* stream) {
  return delete static_cast<FakeStream*>(stream), kSuccess;
}
Status cuStreamSynchronize(void*) {
  return synchronised();
}
Status cuStreamWaitEvent(void*, void*, unsigned) {
  return kSuccess;
}
Status cuStreamBeginCapture_v2(void* stream, int) {
  *static_cast<FakeStream*>(stream) = {new Graph, {}};
  return kSuccess;
}
Status cuStreamEndCapture(void* stream, void** graph) {
  *graph = std::exchange(static_cast<FakeStream*>(stream)->capture, nullptr);
  return kSuccess;
}
Status cuStreamGetCaptureInfo_v3(void* stream, int* status, uint64_t*, void**, Node*** frontier,
                                 const void** edges, size_t* count) {
  auto* fake = static_cast<FakeStream*>(stream);
  *status = fake->capture == nullptr ? 0 : 1;
  *frontier = fake->frontier.data();
  *edges = nullptr;
  *count = fake->frontier.size();
  return kSuccess;
}
Status cuStreamUpdateCaptureDependencies_v2(void* stream, Node** frontier, const void*,
                                            size_t count, unsigned flags) {
  if (flags != 1) return kNotSupported;
  static_cast<FakeStream*>(stream)->frontier.assign(frontier, frontier + count);
  return kSuccess;
}
Status cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
  return *executable = new Graph(std::move(*static_cast<Graph*>(graph))), kSuccess;
}
Status cuGraphLaunch(void* executable, void*) {
  return replay(*static_cast<Graph*>(executable)), kSuccess;
}
Status cuGraphDestroy(void* graph) {
  return delete static_cast<Graph*>(graph), kSuccess;
}
Status cuGraphExecDestroy(void* executable) {
  return delete static_cast<Graph*>(executable), kSuccess;
}

Status cuEventCreate(void** event, unsigned) {
  return *event = new int(0), kSuccess;
}
Status cuEventRecord(void*, void*) {
  return kSuccess;
}
Status cuEventSynchronize(void*) {
  return synchronised();
}
Status cuEventElapsedTime(float* milliseconds, void*, void*) {
  return *milliseconds = 0.5F, kSuccess;
}
Status cuEventDestroy_v2(void* event) {
  return delete static_cast<int*>(event), kSuccess;
}

Status cuModuleLoadData(void**, const void*) {
  return kNotSupported;
}
Status cuModuleUnload(void*) {
  return kSuccess;
}
Status cuModuleGetFunction(void**, void*, const char*) {
  return kNotSupported;
}
Status cuFuncGetAttribute(int*, int, void*) {
  return kNotSupported;
}
Status cuFuncSetAttribute(void*, int, int) {
  return kNotSupported;
}
Status cuLaunchKernelEx(const void*, void*, void**, void**) {
  return kNotSupported;
}
Status cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void*, int, size_t) {
  return *blocks = 1, kSuccess;
}
Status cuTensorMapEncodeTiled(void*, int, uint32_t, void*, const uint64_t*, const uint64_t*,
                              const uint32_t*, const uint32_t*, int, int, int, int) {
  return kNotSupported;
}
Status cuTensorMapEncodeIm2col(void*, int, uint32_t, void*, const uint64_t*, const uint64_t*,
                               const int*, const int*, uint32_t, uint32_t, const uint32_t*, int,
                               int, int, int) {
  return kNotSupported;
}

}  // extern "C"
