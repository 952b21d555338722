#pragma once

/// One GPU: context, properties, memory, streams, events. Every handle is RAII; a failed call of
/// the driver becomes a UserError that names the call, the error and what helps (out of memory: how
/// much was asked for and how much is free; a lost device: that checkpoints are intact).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "brisk/base/error.h"

namespace brisk::cuda {

/// Address in the device's memory.
using DeviceAddress = uint64_t;
/// The driver's CUstream, CUevent, CUgraphExec, CUmodule and CUfunction.
using StreamHandle = struct CUstream_st*;
using EventHandle = struct CUevent_st*;
using FunctionHandle = struct CUfunc_st*;
using ModuleHandle = struct CUmod_st*;

struct DeviceProperties {
  std::string name;          ///< "NVIDIA H200"
  int major = 0, minor = 0;  ///< compute capability
  int multiprocessors = 0;
  int64_t memory_bytes = 0;
  int64_t l2_bytes = 0;
  int64_t shared_bytes_per_block = 0;  ///< with opt-in
  int driver_version = 0;              ///< 13000: CUDA 13.0
  std::string uuid;                    ///< 32 hexadecimal digits
  /// "sm_90a" and the like, as NVRTC takes it.
  std::string architecture() const;
  /// What keys of caches on disk contain: name, capability, multiprocessors.
  std::string cache_key() const;
};

class Device;
using DevicePtr = std::shared_ptr<Device>;

/// Memory of the device, freed with its last owner.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  DeviceAddress address() const { return address_; }
  int64_t bytes() const { return bytes_; }
  bool defined() const { return bytes_ > 0; }

 private:
  friend class Device;
  std::shared_ptr<void> owner_;
  DeviceAddress address_ = 0;
  int64_t bytes_ = 0;
};

/// Page-locked memory of the host.
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  std::byte* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  friend class Device;
  std::shared_ptr<void> owner_;
  std::byte* data_ = nullptr;
  int64_t bytes_ = 0;
};

class Stream {
 public:
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  StreamHandle handle() const { return handle_; }
  void synchronize();
  void copy_to_device(DeviceAddress to, const void* from, int64_t bytes);
  void copy_to_host(void* to, DeviceAddress from, int64_t bytes);
  void copy_on_device(DeviceAddress to, DeviceAddress from, int64_t bytes);
  /// Sets bytes; `fill(…, 0xFF, …)` poisons floats with NaN.
  void fill(DeviceAddress to, uint8_t value, int64_t bytes);
  /// Writes a few bytes that are taken now and written in the stream's order (a learning rate).
  void set(DeviceAddress to, const void* value, int64_t bytes);

 private:
  friend class Device;
  explicit Stream(DevicePtr device);
  DevicePtr device_;
  StreamHandle handle_ = nullptr;
};

/// Enqueues a copy on a bare stream; nothing when both are the same memory.
void copy_on_device(DeviceAddress to, DeviceAddress from, int64_t bytes, StreamHandle stream);
/// The same of `Stream::fill`.
void fill_on_device(DeviceAddress to, uint8_t value, int64_t bytes, StreamHandle stream);

/// A point of a stream's work; with timing.
class Event {
 public:
  ~Event();
  Event(Event&&) noexcept;
  Event(const Event&) = delete;
  void record(Stream& stream);
  /// Makes later work of `stream` wait for this point.
  void hold_back(Stream& stream);
  void synchronize();
  /// Of two recorded and finished events.
  static double milliseconds_between(const Event& first, const Event& second);

 private:
  friend class Device;
  explicit Event(DevicePtr device);
  DevicePtr device_;
  EventHandle handle_ = nullptr;
};

class Device : public std::enable_shared_from_this<Device> {
 public:
  /// The device numbered `ordinal` (CUDA_VISIBLE_DEVICES counts), one object a process and device;
  /// fails with a sentence: no driver, driver too old, no device.
  static Result<DevicePtr> open(int ordinal = 0);
  ~Device();

  const DeviceProperties& properties() const { return properties_; }
  /// Makes the context current in the calling thread; every member function does so itself.
  void make_current() const;
  /// Aligned to 256 bytes.
  DeviceBuffer allocate(int64_t bytes);
  PinnedBuffer allocate_pinned(int64_t bytes);
  std::shared_ptr<Stream> make_stream();
  Event make_event();
  int64_t free_bytes() const;

 private:
  Device() = default;
  struct Handles;
  std::unique_ptr<Handles> handles_;
  DeviceProperties properties_;
};

}  // namespace brisk::cuda
