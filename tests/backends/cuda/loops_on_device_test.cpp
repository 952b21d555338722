#include <algorithm>
#include <future>

#include "brisk/backends/cuda/loop/loop_launch.h"
#include "tests/backends/cuda/loop_cases.h"

// Generated loops on a GPU against the interpreter, and the memory rates they reach. Skipped where
// there is no device.

namespace brisk {
namespace {

using cuda::DeviceAddress;
using cuda::DeviceProperties;

/// A few loops, compiled together, with buffers of their own on the device.
class DeviceLoops {
 public:
  explicit DeviceLoops(cuda::DevicePtr device)
      : device_(std::move(device)), stream_(device_->make_stream()) {}

  /// `properties`: what the plan is made for.
  size_t add(const LoopProgram& program, const DeviceProperties& properties) {
    launches_.push_back(make_loop_launch(program, properties, code_));
    return launches_.size() - 1;
  }
  void build() {
    code_.build(device_, {.architecture = device_->properties().architecture(), .cache = false});
    int64_t counters = 256;
    for (auto& launch : launches_) {
      launch->load(code_);
      counters = std::max(counters, launch->counter_bytes());
    }
    counters_ = device_->allocate(counters);
    stream_->fill(counters_.address(), 0, counters);
  }

  struct Memory {
    std::vector<cuda::DeviceBuffer> buffers;
    cuda::DeviceBuffer workspace;
    std::vector<DeviceAddress> operands, results;
  };
  Memory allocate(size_t loop, const std::vector<int64_t>& bytes, size_t num_operands) {
    Memory memory;
    for (const int64_t size : bytes) {
      memory.buffers.push_back(device_->allocate(std::max<int64_t>(size, 1)));
      stream_->fill(memory.buffers.back().address(), 0xFF,
                    memory.buffers.back().bytes());  // NaN where nothing is written
      auto& list = memory.buffers.size() <= num_operands ? memory.operands : memory.results;
      list.push_back(memory.buffers.back().address());
    }
    memory.workspace = device_->allocate(std::max<int64_t>(launches_[loop]->workspace_bytes(), 1));
    stream_->fill(memory.workspace.address(), 0xFF, memory.workspace.bytes());
    return memory;
  }
  void enqueue(size_t loop, const Memory& memory) {
    launches_[loop]->enqueue({.operands = memory.operands,
                              .results = memory.results,
                              .workspace = memory.workspace.address(),
                              .stream = stream_->handle(),
                              .counters = counters_.address()});
  }
  /// Median milliseconds of one run among `runs`, the caches full of other data before each.
  double milliseconds(size_t loop, const Memory& memory, const cuda::DeviceBuffer& other,
                      int runs = 9) {
    std::vector<double> times;
    for (int run = 0; run <= runs; ++run) {
      stream_->fill(other.address(), 1, other.bytes());
      cuda::Event first = device_->make_event(), last = device_->make_event();
      first.record(*stream_);
      enqueue(loop, memory);
      last.record(*stream_);
      last.synchronize();
      if (run > 0) times.push_back(cuda::Event::milliseconds_between(first, last));
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }
  cuda::Stream& stream() { return *stream_; }
  cuda::Device& device() { return *device_; }
  std::string name(size_t loop) const { return launches_[loop]->name(); }

 private:
  cuda::DevicePtr device_;
  std::shared_ptr<cuda::Stream> stream_;
  cuda::CodeLibrary code_;
  std::vector<std::unique_ptr<cuda::Launch>> launches_;
  cuda::DeviceBuffer counters_;
};

/// `magnitude`: of the terms of a sum, 0 where a result is none.
std::string difference(const Tensor& actual, const Tensor& expected, double tolerance,
                       double magnitude) {
  // A short float is rounded once more, and may fall to the other side of a border.
  const double rounding = is_short_float(expected.dtype())
                              ? std::ldexp(1.0, expected.dtype() == DType::f16    ? -10
                                                : expected.dtype() == DType::bf16 ? -7
                                                                                  : -2)
                              : 0;
  for (int64_t i = 0; i < expected.num_elements(); ++i) {
    if (!is_floating(expected.dtype())) {
      if (read_scalar(actual, i).bits != read_scalar(expected, i).bits)
        return fmt::format("at {}: {} for {}", i, read_scalar(actual, i).bits,
                           read_scalar(expected, i).bits);
      continue;
    }
    const double a = actual.get(i), b = expected.get(i);
    const double size = std::max(1.0, std::fabs(b));
    const double allowed = tolerance * std::max(magnitude, size) + rounding * size;
    const bool same = std::isnan(b)   ? std::isnan(a)
                      : std::isinf(b) ? a == b
                                      : std::fabs(a - b) <= allowed;
    if (!same) return fmt::format("at {}: {} for {} (within {:.3g})", i, a, b, allowed);
  }
  return {};
}

TEST(CudaLoopsOnDevice, AgreeWithTheInterpreter) {
  const auto device = cuda::Device::open();
  if (!device) GTEST_SKIP() << device.error();
  const std::vector<LoopCase> cases = loop_cases();
  std::vector<std::future<std::vector<Tensor>>> expected;
  for (const LoopCase& loop : cases)
    expected.push_back(std::async(std::launch::async, [&loop] {
      std::vector<Tensor> buffers = clones(loop.buffers);
      interpret(loop.program, buffers);
      return buffers;
    }));
  // For the device as it is, and for one so small that other forms are chosen.
  DeviceProperties small = (*device)->properties();
  small.multiprocessors = 2;
  DeviceLoops loops(*device);
  for (const LoopCase& loop : cases)
    for (const DeviceProperties& properties : {(*device)->properties(), small})
      loops.add(loop.program, properties);
  loops.build();
  for (size_t c = 0; c < cases.size(); ++c) {
    const std::vector<Tensor> good = expected[c].get();
    const auto operands = static_cast<size_t>(cases[c].program.num_operands);
    for (size_t variant = 0; variant < 2; ++variant) {
      const size_t number = 2 * c + variant;
      std::vector<int64_t> bytes;
      for (const Tensor& buffer : good) bytes.push_back(buffer.num_bytes());
      const auto memory = loops.allocate(number, bytes, operands);
      for (size_t i = 0; i < operands; ++i)
        if (bytes[i] > 0)
          loops.stream().copy_to_device(memory.operands[i], good[i].bytes(), bytes[i]);
      for (int run = 0; run < 2; ++run) {  // counters and workspace serve a second time
        loops.enqueue(number, memory);
        for (size_t r = 0; r + operands < good.size(); ++r) {
          Tensor actual(good[operands + r].dtype(), good[operands + r].sizes());
          if (actual.num_bytes() > 0)
            loops.stream().copy_to_host(actual.bytes(), memory.results[r], actual.num_bytes());
          loops.stream().synchronize();
          const std::vector<double>& magnitudes = cases[c].magnitudes;
          const std::string wrong = difference(actual, good[operands + r], cases[c].tolerance,
                                               r < magnitudes.size() ? magnitudes[r] : 0);
          EXPECT_TRUE(wrong.empty())
              << cases[c].name << " by " << loops.name(number) << ", result " << r << " " << wrong;
        }
      }
    }
  }
}

/// One loop to be measured: the bytes that it has to move, each operand and result once but for the
/// passes that statistics cost.
struct Measured {
  LoopCase loop;
  std::vector<int64_t> bytes;  ///< of buffers
  double moved = 0;
};

Measured measured_batch_norm(int64_t rows, int64_t channels, bool gradient) {
  const std::vector<LoopAxis> axes{{rows, true}, {channels, false}};
  const int64_t big = rows * channels * 2, small = channels * 4;
  if (!gradient)
    return {batch_norm_case(axes, DType::f16, false),
            {big, small, small, small, big, small, small, small},
            3.0 * static_cast<double>(big)};
  return {batch_norm_gradient_case(axes, DType::f16, false),
          {big, big, big, small, small, small, big, small, small},
          7.0 * static_cast<double>(big)};
}

TEST(CudaLoopsOnDevice, MemoryRates) {
  const auto device = cuda::Device::open();
  if (!device) GTEST_SKIP() << device.error();
  DeviceLoops loops(*device);
  const DeviceProperties& properties = (*device)->properties();
  std::vector<Measured> list;
  // ResNet-50 at batch 256: rows and channels of its batch norms.
  for (const auto& [side, channels] : {std::pair<int64_t, int64_t>{112, 64},
                                       {56, 64},
                                       {56, 256},
                                       {28, 128},
                                       {28, 512},
                                       {14, 256},
                                       {14, 1024},
                                       {7, 512},
                                       {7, 2048}})
    for (const bool gradient : {false, true})
      list.push_back(measured_batch_norm(256 * side * side, channels, gradient));
  const int64_t join = 256 * 56 * 56, c = 256;
  Measured pointwise{
      pointwise_case({{join, false}, {c, false}}, DType::f16, DType::f32, false), {}, 0};
  pointwise.bytes = {join * c * 2, join * c * 2, c * 4, join * c * 2};
  pointwise.moved = 3.0 * static_cast<double>(join * c * 2);
  list.push_back(std::move(pointwise));
  Measured rows{softmax_case({{32768, false}, {1024, true}}, DType::f16, false),
                {32768 * 1024 * 2, 32768 * 1024 * 2},
                2.0 * 32768 * 1024 * 2};
  list.push_back(std::move(rows));
  for (const Measured& item : list) loops.add(item.loop.program, properties);
  loops.build();
  const cuda::DeviceBuffer other = (*device)->allocate(int64_t{256} << 20);
  const int64_t copied = int64_t{1} << 30;
  const cuda::DeviceBuffer a = (*device)->allocate(copied), b = (*device)->allocate(copied);
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    cuda::Event first = (*device)->make_event(), last = (*device)->make_event();
    first.record(loops.stream());
    loops.stream().copy_on_device(b.address(), a.address(), copied);
    last.record(loops.stream());
    last.synchronize();
    best = std::min(best, cuda::Event::milliseconds_between(first, last));
  }
  const double copy_rate = 2.0 * static_cast<double>(copied) / best / 1e6;
  fmt::print("{}: copy {:.0f} GB/s\n", properties.name, copy_rate);
  for (size_t i = 0; i < list.size(); ++i) {
    const auto memory =
        loops.allocate(i, list[i].bytes, static_cast<size_t>(list[i].loop.program.num_operands));
    for (const auto& buffer : memory.buffers)
      loops.stream().fill(buffer.address(), 0x3A, buffer.bytes());  // 0.8 in f16
    const double time = loops.milliseconds(i, memory, other);
    const double rate = list[i].moved / time / 1e6;
    fmt::print("{:<44} {:<36} {:8.4f} ms {:6.0f} GB/s {:4.0f} %\n", list[i].loop.name,
               loops.name(i), time, rate, 100 * rate / copy_rate);
    EXPECT_GT(rate, 0.2 * copy_rate) << list[i].loop.name;
  }
}

}  // namespace
}  // namespace brisk
