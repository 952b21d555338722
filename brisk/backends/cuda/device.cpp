#include "brisk/backends/cuda/device.h"

#include <cstring>
#include <map>
#include <mutex>

#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {
namespace {

const Driver& api() {
  static const Driver* const loaded = driver().value();
  return *loaded;
}

std::string gibibytes(int64_t bytes) {
  return bytes < (int64_t{1} << 30)
             ? fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20))
             : fmt::format("{:.2f} GiB", static_cast<double>(bytes) / (1 << 30));
}

std::string hexadecimal(const DriverUuid& uuid) {
  std::string text;
  for (const char byte : uuid.bytes)
    text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return text;
}

}  // namespace

std::string DeviceProperties::architecture() const {
  // The suffix `a` opens what only one architecture has (wgmma on 9.0); older ones have none.
  return fmt::format("sm_{}{}{}", major, minor, major >= 9 ? "a" : "");
}

std::string DeviceProperties::cache_key() const {
  return fmt::format("{} {}.{} {}", name, major, minor, multiprocessors);
}

struct Device::Handles {
  int device = 0;
  ContextHandle context = nullptr;  ///< the device's primary one, left to the process's end
};

Device::~Device() = default;

Result<DevicePtr> Device::open(int ordinal) {
  const Result<const Driver*> loaded = driver();
  if (!loaded) return loaded.failure();
  // One object a process and device: every executable shares the context, and since making one
  // takes a good part of a second, it stays.
  static std::mutex mutex;
  static std::map<int, DevicePtr> open_devices;
  const std::lock_guard lock(mutex);
  if (const auto existing = open_devices.find(ordinal); existing != open_devices.end())
    return existing->second;
  const Driver& cuda = **loaded;
  int count = 0;
  cuda.device_get_count(&count);
  if (ordinal < 0 || ordinal >= count)
    return fail("there is no CUDA device {}: the driver sees {} (CUDA_VISIBLE_DEVICES chooses)",
                ordinal, count);
  DevicePtr device(new Device);
  device->handles_ = std::make_unique<Handles>();
  Handles& handles = *device->handles_;
  DeviceProperties& properties = device->properties_;
  char name[256] = {};
  size_t total = 0;
  int l2 = 0, shared = 0;
  DriverUuid uuid{};
  DriverStatus status = cuda.device_get(&handles.device, ordinal);
  const auto also = [&](DriverStatus next) { status = status == kDriverSuccess ? next : status; };
  also(cuda.device_get_name(name, sizeof(name), handles.device));
  also(cuda.device_get_attribute(&properties.major, kAttributeMajor, handles.device));
  also(cuda.device_get_attribute(&properties.minor, kAttributeMinor, handles.device));
  also(cuda.device_get_attribute(&properties.multiprocessors, kAttributeMultiprocessors,
                                 handles.device));
  also(cuda.device_get_attribute(&l2, kAttributeL2Bytes, handles.device));
  also(cuda.device_get_attribute(&shared, kAttributeSharedBytesOptIn, handles.device));
  also(cuda.device_total_mem(&total, handles.device));
  also(cuda.device_get_uuid(&uuid, handles.device));
  also(cuda.driver_get_version(&properties.driver_version));
  if (status != kDriverSuccess)
    return fail("{}", describe_failure(status, "asking the device for its properties"));
  properties.name = name;
  properties.memory_bytes = static_cast<int64_t>(total);
  properties.l2_bytes = l2;
  properties.shared_bytes_per_block = shared;
  properties.uuid = hexadecimal(uuid);
  if (properties.major < 8)
    return fail("{} has compute capability {}.{}, but brisk needs 8.0 (Ampere) or newer",
                properties.name, properties.major, properties.minor);
  status = cuda.primary_context_retain(&handles.context, handles.device);
  if (status != kDriverSuccess)
    return fail("{} can't be used: {}", properties.name,
                describe_failure(status, "cuDevicePrimaryCtxRetain"));
  open_devices[ordinal] = device;
  return device;
}

void Device::make_current() const {
  check(api().context_set_current(handles_->context), "cuCtxSetCurrent");
}

int64_t Device::free_bytes() const {
  make_current();
  size_t free = 0, total = 0;
  check(api().mem_get_info(&free, &total), "cuMemGetInfo");
  return static_cast<int64_t>(free);
}

DeviceBuffer Device::allocate(int64_t bytes) {
  DeviceBuffer buffer;
  if (bytes <= 0) return buffer;
  make_current();
  DeviceAddress address = 0;
  const DriverStatus status = api().mem_alloc(&address, static_cast<size_t>(bytes));
  require(status != kDriverOutOfMemory,
          "{} is out of memory: {} were asked for, {} of {} are free; other programs on the device "
          "may hold some "
          "(nvidia-smi lists them)",
          properties_.name, gibibytes(bytes), gibibytes(free_bytes()),
          gibibytes(properties_.memory_bytes));
  check(status, "cuMemAlloc");
  buffer.address_ = address;
  buffer.bytes_ = bytes;
  buffer.owner_ = std::shared_ptr<void>(nullptr, [self = shared_from_this(), address](void*) {
    api().context_set_current(self->handles_->context);
    api().mem_free(address);
  });
  return buffer;
}

PinnedBuffer Device::allocate_pinned(int64_t bytes) {
  PinnedBuffer buffer;
  if (bytes <= 0) return buffer;
  make_current();
  void* pointer = nullptr;
  const DriverStatus status = api().mem_host_alloc(&pointer, static_cast<size_t>(bytes), 0);
  require(status != kDriverOutOfMemory,
          "the host can't give {} of page-locked memory for the device's transfers",
          gibibytes(bytes));
  check(status, "cuMemHostAlloc");
  buffer.data_ = static_cast<std::byte*>(pointer);
  buffer.bytes_ = bytes;
  buffer.owner_ = std::shared_ptr<void>(nullptr, [self = shared_from_this(), pointer](void*) {
    api().context_set_current(self->handles_->context);
    api().mem_free_host(pointer);
  });
  return buffer;
}

std::shared_ptr<Stream> Device::make_stream() {
  return std::shared_ptr<Stream>(new Stream(shared_from_this()));
}
Event Device::make_event() {
  return Event(shared_from_this());
}

Stream::Stream(DevicePtr device) : device_(std::move(device)) {
  device_->make_current();
  check(api().stream_create(&handle_, kStreamNonBlocking), "cuStreamCreate");
}

Stream::~Stream() {
  if (handle_ != nullptr) api().stream_destroy(handle_);
}

void Stream::synchronize() {
  check(api().stream_synchronize(handle_), "cuStreamSynchronize");
}

void Stream::copy_to_device(DeviceAddress to, const void* from, int64_t bytes) {
  if (bytes == 0) return;
  check(api().memcpy_to_device(to, from, static_cast<size_t>(bytes), handle_), "cuMemcpyHtoDAsync");
}

void Stream::copy_to_host(void* to, DeviceAddress from, int64_t bytes) {
  if (bytes == 0) return;
  check(api().memcpy_to_host(to, from, static_cast<size_t>(bytes), handle_), "cuMemcpyDtoHAsync");
}

void Stream::copy_on_device(DeviceAddress to, DeviceAddress from, int64_t bytes) {
  cuda::copy_on_device(to, from, bytes, handle_);
}

void copy_on_device(DeviceAddress to, DeviceAddress from, int64_t bytes, StreamHandle stream) {
  if (bytes == 0 || to == from) return;
  check(api().memcpy_on_device(to, from, static_cast<size_t>(bytes), stream), "cuMemcpyDtoDAsync");
}

void Stream::fill(DeviceAddress to, uint8_t value, int64_t bytes) {
  fill_on_device(to, value, bytes, handle_);
}

void fill_on_device(DeviceAddress to, uint8_t value, int64_t bytes, StreamHandle stream) {
  if (bytes == 0) return;
  check(api().memset_8(to, value, static_cast<size_t>(bytes), stream), "cuMemsetD8Async");
}

void Stream::set(DeviceAddress to, const void* value, int64_t bytes) {
  const auto* from = static_cast<const std::byte*>(value);
  for (int64_t done = 0; done < bytes;) {
    uint32_t word = 0;
    const int64_t width = bytes - done >= 4 ? 4 : bytes - done >= 2 ? 2 : 1;
    std::memcpy(&word, from + done, static_cast<size_t>(width));
    const DeviceAddress at = to + static_cast<DeviceAddress>(done);
    if (width == 4) check(api().memset_32(at, word, 1, handle_), "cuMemsetD32Async");
    if (width == 2)
      check(api().memset_16(at, static_cast<uint16_t>(word), 1, handle_), "cuMemsetD16Async");
    if (width == 1)
      check(api().memset_8(at, static_cast<uint8_t>(word), 1, handle_), "cuMemsetD8Async");
    done += width;
  }
}

Event::Event(DevicePtr device) : device_(std::move(device)) {
  device_->make_current();
  check(api().event_create(&handle_, kEventDefault), "cuEventCreate");
}

Event::Event(Event&& other) noexcept
    : device_(std::move(other.device_)), handle_(std::exchange(other.handle_, nullptr)) {}

Event::~Event() {
  if (handle_ != nullptr) api().event_destroy(handle_);
}

void Event::record(Stream& stream) {
  check(api().event_record(handle_, stream.handle()), "cuEventRecord");
}

void Event::hold_back(Stream& stream) {
  check(api().stream_wait_event(stream.handle(), handle_, 0), "cuStreamWaitEvent");
}

void Event::synchronize() {
  check(api().event_synchronize(handle_), "cuEventSynchronize");
}

double Event::milliseconds_between(const Event& first, const Event& second) {
  float milliseconds = 0;
  check(api().event_elapsed_time(&milliseconds, first.handle_, second.handle_),
        "cuEventElapsedTime");
  return milliseconds;
}

}  // namespace brisk::cuda
