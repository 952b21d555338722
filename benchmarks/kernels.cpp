// Every CPU kernel that takes a layer, side by side: brisk_kernel_benchmark [--threads N]
// [--batch N] [--constant] [--cpu_time] [words]. --batch replaces the layers' own; --constant: as
// in inference, where filters do not change and may be packed once. Words choose the layers whose
// line contains one of them; --cpu_time counts the processor's time instead of the clock's, which a
// busy machine disturbs less.
//
// A line is one kernel on one node: the least and the median time of its runs, and what that is in
// GFLOP/s (by the definition's operations) or in GB/s where the kernel is bound by memory.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "brisk/backends/cpu/kernel.h"
#include "brisk/base/parallel.h"
#include "brisk/base/tensor.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/standard.h"
#include "brisk/ops/window/window.h"

namespace brisk {
namespace {

/// Seconds since some moment, of the clock or of all threads' work.
double now(bool cpu_time) {
  if (cpu_time) return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

struct Options {
  int threads = available_cores();
  int64_t batch = 0;  ///< 0: the layers' own
  bool constant = false, cpu_time = false;
};

/// One node under measurement: inputs filled with numbers, memory for the results.
class Subject {
 public:
  explicit Subject(std::string title) : title_(std::move(title)), builder_(standard_ops()) {}

  Value input(DType type, std::vector<int64_t> sizes, int64_t below = 0) {
    Tensor tensor(type, sizes);
    for (int64_t i = 0; i < tensor.num_elements(); ++i)
      tensor.set(i, below > 0 ? static_cast<double>(i * 7919 % below)
                              : static_cast<double>(i * 7919 % 201) * 0.01 - 1);
    operands_.push_back(tensor);
    return builder_.input(fmt::format("x{}", operands_.size()), Type(type, Shape(sizes)));
  }
  void measure(const Options& options) const {
    const Node& node = builder_.node(builder_.num_nodes() - 1);
    std::vector<Type> types;
    for (const Tensor& operand : operands_)
      types.emplace_back(operand.dtype(), Shape(operand.sizes()));
    std::vector<bool> constant(operands_.size(), false);
    if (constant.size() > 1) constant[1] = options.constant;
    const cpu::KernelRequest request{node, types, constant, options.threads, true};
    fmt::print("{} {}\n", node.op->name, title_);
    for (const cpu::Kernel& kernel : cpu::kernels_for(node.op->name)) {
      if (const auto reason = kernel.refuse(request))
        fmt::print("    {:<28} {}\n", kernel.name, *reason);
      else
        measure(*kernel.prepare(request), node, options.cpu_time);
    }
    std::fflush(stdout);
  }

 private:
  void measure(cpu::Launch& launch, const Node& node, bool cpu_time) const {
    std::vector<std::byte*> operands, results;
    std::vector<Tensor> outputs;
    int64_t bytes = 0;
    for (const Tensor& operand : operands_) {
      operands.push_back(const_cast<std::byte*>(operand.bytes()));  // kernels only read operands
      bytes += operand.num_bytes();
    }
    for (const Type& type : node.results) {
      outputs.push_back(Tensor::zeros(type.dtype(), type.shape().sizes()));
      results.push_back(outputs.back().bytes());
      bytes += outputs.back().num_bytes();
    }
    const auto scratch = allocate_aligned(launch.scratch_bytes());
    std::vector<double> seconds;
    double total = 0;
    for (int i = 0; i < 3 || (i < 60 && total < 1); ++i) {
      const double begin = now(cpu_time);
      launch.run(operands, results, scratch.get());
      const double taken = now(cpu_time) - begin;
      total += taken;
      if (i > 1) seconds.push_back(taken);
    }
    std::sort(seconds.begin(), seconds.end());
    const double least = seconds.front(), median = seconds[seconds.size() / 2];
    const bool counts_flops = launch.flops() > 0;
    const double rate = (counts_flops ? launch.flops() : static_cast<double>(bytes)) / least * 1e-9;
    fmt::print("    {:<28} {:8.3f} ms least {:8.3f} median {:7.1f} {}\n", launch.name(),
               least * 1e3, median * 1e3, rate, counts_flops ? "GFLOP/s" : "GB/s");
  }

  std::string title_;
  Builder builder_;
  std::vector<Tensor> operands_;
};

/// Emits the node to measure. Made only for the titles that were asked for.
struct Job {
  std::string title;
  std::function<void(Subject&)> emit;
};

struct Layer {
  const char* name;
  int64_t batch, size, channels, filters, kernel, stride, pad, groups = 1;
};

/// The small CNN on 28x28 images at batch 128, and ResNet-50's and MobileNet's shapes at 16.
const Layer kLayers[] = {
    {"small conv1", 128, 28, 1, 32, 3, 1, 0},      {"small conv2", 128, 13, 32, 64, 3, 1, 0},
    {"resnet first", 16, 224, 3, 64, 7, 2, 3},     {"resnet 3x3 64", 16, 56, 64, 64, 3, 1, 1},
    {"resnet 3x3 128", 16, 28, 128, 128, 3, 1, 1}, {"resnet 3x3 256", 16, 14, 256, 256, 3, 1, 1},
    {"resnet 3x3 512", 16, 7, 512, 512, 3, 1, 1},  {"cifar first", 128, 32, 3, 16, 3, 1, 1},
    {"cifar 3x3 16", 128, 32, 16, 16, 3, 1, 1},    {"cifar 3x3 32", 128, 16, 32, 32, 3, 1, 1},
    {"depthwise 96", 16, 56, 96, 96, 3, 1, 1, 96}, {"depthwise 96/2", 16, 112, 96, 96, 3, 2, 1, 96},
};

void add_convolutions(std::vector<Job>& jobs, const Options& options) {
  for (Layer l : kLayers) {
    if (options.batch > 0) l.batch = options.batch;
    const int64_t out = (l.size + 2 * l.pad - l.kernel) / l.stride + 1;
    const std::vector<int64_t> input = {l.batch, l.size, l.size, l.channels};
    const std::vector<int64_t> filter = {l.kernel, l.kernel, l.channels / l.groups, l.filters};
    const std::vector<int64_t> result = {l.batch, out, out, l.filters};
    const ConvolutionAttributes attributes{
        {l.stride, l.stride}, {l.pad, l.pad}, {l.pad, l.pad}, {1, 1}, l.groups};
    jobs.push_back({l.name, [=](Subject& s) {
                      const std::vector<Value> operands = {s.input(DType::f32, input),
                                                           s.input(DType::f32, filter),
                                                           s.input(DType::f32, {l.filters})};
                      fused_convolution(operands, {attributes, true, false, Activation::relu});
                    }});
    jobs.push_back({l.name, [=](Subject& s) {
                      const Value gradient = s.input(DType::f32, result);
                      convolution_input_gradient(gradient, s.input(DType::f32, filter),
                                                 Shape(input), attributes);
                    }});
    jobs.push_back({l.name, [=](Subject& s) {
                      const Value x = s.input(DType::f32, input);
                      convolution_filter_gradient(x, s.input(DType::f32, result), Shape(filter),
                                                  attributes);
                    }});
  }
}

void add_pools(std::vector<Job>& jobs) {
  struct Pool {
    const char* name;
    int64_t batch, size, channels, window, stride, pad;
  };
  for (const Pool& p :
       {Pool{"small pool1", 128, 26, 32, 2, 2, 0}, Pool{"small pool2", 128, 11, 64, 2, 2, 0},
        Pool{"resnet pool", 16, 112, 64, 3, 2, 1}}) {
    const WindowAttributes attributes{
        {p.window, p.window}, {p.stride, p.stride}, {p.pad, p.pad}, {p.pad, p.pad}};
    const std::vector<int64_t> input = {p.batch, p.size, p.size, p.channels};
    const int64_t out = (p.size + 2 * p.pad - p.window) / p.stride + 1;
    const std::vector<int64_t> pooled = {p.batch, out, out, p.channels};
    jobs.push_back({p.name, [=](Subject& s) { max_pool(s.input(DType::f32, input), attributes); }});
    jobs.push_back({p.name, [=](Subject& s) {
                      const Value gradient = s.input(DType::f32, pooled);
                      max_pool_gradient(gradient, s.input(DType::u8, pooled, 4), Shape(input),
                                        attributes);
                    }});
    jobs.push_back({p.name, [=](Subject& s) {
                      average_pool(s.input(DType::f32, input), {attributes, false});
                    }});
  }
}

void add_index(std::vector<Job>& jobs) {
  jobs.push_back({"embedding 4096 of 30522x768", [](Subject& s) {
                    const Value table = s.input(DType::f32, {30522, 768});
                    gather(table, s.input(DType::i32, {4096}, 30522));
                  }});
  jobs.push_back({"embedding 4096 of 30522x768", [](Subject& s) {
                    const Value table = s.input(DType::f32, {30522, 768});
                    const Value indices = s.input(DType::i32, {4096}, 30522);
                    scatter_add(table, indices, s.input(DType::f32, {4096, 768}));
                  }});
  jobs.push_back({"heads [32, 128, 12, 64]", [](Subject& s) {
                    transpose(s.input(DType::f32, {32, 128, 12, 64}), {0, 2, 1, 3});
                  }});
  jobs.push_back({"matrix [2048, 3072]", [](Subject& s) {
                    transpose(s.input(DType::f32, {2048, 3072}), {1, 0});
                  }});
}

int run(int count, char** words) {
  Options options;
  std::vector<std::string> chosen;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--threads" && i + 1 < count)
      options.threads = std::max(1, std::atoi(words[++i]));
    else if (word == "--batch" && i + 1 < count)
      options.batch = std::max(1, std::atoi(words[++i]));
    else if (word == "--constant")
      options.constant = true;
    else if (word == "--cpu_time")
      options.cpu_time = true;
    else
      chosen.emplace_back(words[i]);
  }
  std::vector<Job> jobs;
  add_convolutions(jobs, options);
  add_pools(jobs);
  add_index(jobs);
  for (const Job& job : jobs) {
    const auto named = [&](const std::string& word) {
      return job.title.find(word) != std::string::npos;
    };
    if (!chosen.empty() && std::none_of(chosen.begin(), chosen.end(), named)) continue;
    Subject subject(job.title);
    job.emit(subject);
    subject.measure(options);
  }
  return 0;
}

}  // namespace
}  // namespace brisk

int main(int count, char** words) {
  return brisk::run(count, words);
}
