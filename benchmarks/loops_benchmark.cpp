// Fused loops of the CPU backend: bytes read and written a second, one to all cores; and what it
// costs to get the code, compiled and from the cache.

#include <benchmark/benchmark.h>

#include <filesystem>

#include "brisk/backends/cpu/loop/loop_compiler.h"
#include "brisk/base/parallel.h"
#include "brisk/base/tensor.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

using Make = std::vector<Value> (*)(std::span<const Value>);

LoopProgram program_of(const std::vector<Type>& operands, Make make) {
  Builder builder(standard_ops(), "loop");
  std::vector<Value> inputs;
  for (const Type& type : operands)
    inputs.push_back(builder.input(fmt::format("operand{}", inputs.size()), type));
  std::vector<Builder::Output> outputs;
  for (const Value& value : make(inputs))
    outputs.push_back({fmt::format("result{}", outputs.size()), value});
  return make_loop_program(builder.finish(outputs)).value();
}

struct Case {
  std::vector<Type> operands;
  Make make;
};

Type f32(Shape shape) {
  return Type(DType::f32, std::move(shape));
}

/// About 11 MB an operand: ResNet-50's [16, 56, 56, 56] and its like.
Case relu_add() {
  return {{f32({50176, 56}), f32({50176, 56})},
          [](std::span<const Value> in) { return std::vector{relu(in[0] + in[1])}; }};
}
Case relu_add_bf16() {
  return {{Type(DType::bf16, {50176, 112}), Type(DType::bf16, {50176, 112})},
          [](std::span<const Value> in) { return std::vector{relu(in[0] + in[1])}; }};
}
Case scale_shift_relu() {
  return {{f32({44032, 64}), f32({64}), f32({64})}, [](std::span<const Value> in) {
            const auto spread = [&](Value x) { return broadcast_to(x, in[0].shape()); };
            return std::vector{relu(in[0] * spread(in[1]) + spread(in[2]))};
          }};
}
Case column_sum() {
  return {{f32({44032, 64})},
          [](std::span<const Value> in) { return std::vector{reduce_sum(in[0], {0})}; }};
}
Case wide_column_sum() {
  return {{f32({1376, 2048})},
          [](std::span<const Value> in) { return std::vector{reduce_sum(in[0], {0})}; }};
}
Case column_statistics() {
  return {{f32({44032, 64})}, [](std::span<const Value> in) {
            return std::vector{reduce_sum(in[0], {0}), reduce_sum(in[0] * in[0], {0})};
          }};
}
Case full_sum() {
  return {{f32({2818048})},
          [](std::span<const Value> in) { return std::vector{reduce_sum(in[0], {0})}; }};
}
Case row_softmax() {
  return {{f32({2816, 1000})}, [](std::span<const Value> in) {
            const auto spread = [&](Value x) { return broadcast_to(x, in[0].shape()); };
            const Value e = exp(in[0] - spread(reduce_max(in[0], {1}, true)));
            return std::vector{e / spread(reduce_sum(e, {1}, true))};
          }};
}
Case layer_normalization() {
  return {{f32({3669, 768}), f32({768}), f32({768})}, [](std::span<const Value> in) {
            const auto spread = [&](Value x) { return broadcast_to(x, in[0].shape()); };
            const Value centred = in[0] - spread(reduce_sum(in[0], {1}, true) * (1.0 / 768));
            const Value variance = reduce_sum(centred * centred, {1}, true) * (1.0 / 768);
            return std::vector{centred * spread(rsqrt(variance + 1e-5)) * spread(in[1]) +
                               spread(in[2])};
          }};
}
Case gelu_erf() {
  return {{f32({2818048})}, [](std::span<const Value> in) { return std::vector{gelu(in[0])}; }};
}
Case turned() {
  return {{f32({1664, 1696})}, [](std::span<const Value> in) {
            return std::vector{transpose(in[0], {1, 0})};
          }};
}

int64_t bytes_of(const Type& type) {
  return byte_size(type.dtype(), type.shape().num_elements());
}

void run_case(benchmark::State& state, Case (*make_case)()) {
  const Case chosen = make_case();
  const int threads = static_cast<int>(state.range(0));
  const LoopProgram program = program_of(chosen.operands, chosen.make);
  const auto loops =
      compile_loops(std::span(&program, 1), {.threads = threads, .cache = false}).value();
  std::vector<Tensor> tensors;
  int64_t bytes = 0;
  for (const Type& type : chosen.operands) {
    tensors.push_back(Tensor::zeros(type.dtype(), type.shape().sizes()));
    bytes += bytes_of(type);
  }
  for (const LoopStore& store : program.stores) {
    int64_t points = 1;
    for (const LoopAxis& axis : program.axes)
      if (!axis.reduced || !program.lines[static_cast<size_t>(store.line)].reduced)
        points *= axis.size;
    tensors.push_back(Tensor::zeros(store.type, {points}));
    bytes += tensors.back().num_bytes();
  }
  std::vector<void*> buffers;
  for (Tensor& tensor : tensors) buffers.push_back(tensor.bytes());
  const auto scratch = allocate_aligned(loops.scratch_bytes(0, threads));
  for (auto _ : state) loops.run(0, buffers, scratch.get(), threads);
  state.SetBytesProcessed(state.iterations() * bytes);
}

void compile_case(benchmark::State& state, Case (*make_case)(), bool warm) {
  const Case chosen = make_case();
  const LoopProgram program = program_of(chosen.operands, chosen.make);
  const auto directory = std::filesystem::temp_directory_path() / "brisk-loops-benchmark";
  const LoopCompileOptions options{.cache = warm, .cache_directory = directory};
  compile_loops(std::span(&program, 1), options).value();
  for (auto _ : state)
    benchmark::DoNotOptimize(compile_loops(std::span(&program, 1), options).value());
  std::filesystem::remove_all(directory);
}

void with_threads(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1)->UseRealTime()->Unit(benchmark::kMicrosecond);
  if (available_cores() > 1) benchmark->Arg(available_cores());
}

BENCHMARK_CAPTURE(run_case, relu_add, relu_add)->Apply(with_threads);
BENCHMARK_CAPTURE(run_case, relu_add_bf16, relu_add_bf16)->Apply(with_threads);
BENCHMARK_CAPTURE(run_case, scale_shift_relu, scale_shift_relu)->Apply(with_threads);
BENCHMARK_CAPTURE(run_case, column_sum, column_sum)->Apply(with_threads);
BENCHMARK_CAPTURE(run_case, wide_column_sum, wide_column_sum)->Apply(with_threads);
BENCHMARK_CAPTURE(run_case, column_statistics, column_statistics)->Apply(with_threads);
BENCHMARK_CAPTURE(run_case, full_sum, full_sum)->Apply(with_threads);
BENCHMARK_CAPTURE(run_case, row_softmax, row_softmax)->Apply(with_threads);
BENCHMARK_CAPTURE(run_case, layer_normalization, layer_normalization)->Apply(with_threads);
BENCHMARK_CAPTURE(run_case, gelu, gelu_erf)->Apply(with_threads);
BENCHMARK_CAPTURE(run_case, transpose, turned)->Apply(with_threads);
BENCHMARK_CAPTURE(compile_case, cold_relu_add, relu_add, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(compile_case, cold_softmax, row_softmax, false)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(compile_case, warm_softmax, row_softmax, true)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace brisk
