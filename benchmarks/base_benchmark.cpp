// The base layer's inner loops: conversions, random numbers, checksums.

#include <benchmark/benchmark.h>

#include <string>

#include "brisk/base/file.h"
#include "brisk/base/philox.h"
#include "brisk/base/tensor.h"

namespace {

void cast_tensor(benchmark::State& state, brisk::DType from, brisk::DType to) {
  const brisk::Tensor tensor = brisk::Tensor::zeros(from, {state.range(0)});
  for (auto _ : state) benchmark::DoNotOptimize(tensor.cast(to));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(cast_tensor, f32_to_bf16, brisk::DType::f32, brisk::DType::bf16)->Arg(1 << 16);
BENCHMARK_CAPTURE(cast_tensor, bf16_to_f32, brisk::DType::bf16, brisk::DType::f32)->Arg(1 << 16);
BENCHMARK_CAPTURE(cast_tensor, u8_to_f32, brisk::DType::u8, brisk::DType::f32)->Arg(1 << 16);

void random_words(benchmark::State& state) {
  brisk::PhiloxSequence sequence(/*key=*/1);
  for (auto _ : state) benchmark::DoNotOptimize(sequence.next_word());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(random_words);

void checksum(benchmark::State& state) {
  const std::string bytes(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(brisk::crc32c(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Arg(1 << 20);

}  // namespace
