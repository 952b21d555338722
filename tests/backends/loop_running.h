#pragma once

/// Compiles one loop program and runs it on tensors.

#include <gtest/gtest.h>

#include "brisk/backends/cpu/loop/host_isa.h"
#include "brisk/backends/cpu/loop/loop_compiler.h"
#include "brisk/base/philox.h"
#include "loop_interpreter.h"

namespace brisk {

/// The instruction sets that this machine can run.
inline std::vector<VectorIsa> testable_isas() {
  std::vector<VectorIsa> isas{VectorIsa::avx2};
  if (host_isa().value() == VectorIsa::avx512) isas.push_back(VectorIsa::avx512);
  return isas;
}

struct LoopRun {
  int planned_threads = 1;
  int threads = 1;
  VectorIsa isa = VectorIsa::avx2;
};

inline void run_compiled(const LoopProgram& program, std::vector<Tensor>& buffers,
                         const LoopRun& how) {
  const auto loops = compile_loops(
      std::span(&program, 1),
      {.isa = how.isa, .threads = how.planned_threads, .cache = false, .cache_directory = {}});
  ASSERT_TRUE(loops.ok()) << loops.error() << "\n" << to_text(program);
  std::vector<void*> addresses;
  for (Tensor& buffer : buffers) addresses.push_back(buffer.bytes());
  const auto scratch = allocate_aligned(loops->scratch_bytes(0, how.threads));
  loops->run(0, addresses, scratch.get(), how.threads);
}

/// Values of mixed size and sign; floats in about [-8, 8].
inline Tensor random_tensor(DType type, std::vector<int64_t> sizes, uint64_t key) {
  Tensor tensor(type, std::move(sizes));
  PhiloxSequence random(key);
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    if (is_floating(type))
      tensor.set(i, (random.next_unit() - 0.5) * (i % 3 == 0 ? 16 : 2));
    else if (type == DType::boolean)
      tensor.set(i, static_cast<double>(random.next_below(2)));
    else
      tensor.set(i, static_cast<double>(random.next_below(100)) - (is_signed(type) ? 50 : 0));
  }
  return tensor;
}

inline std::vector<Tensor> clones(const std::vector<Tensor>& tensors) {
  std::vector<Tensor> result;
  for (const Tensor& tensor : tensors) result.push_back(tensor.clone());
  return result;
}

/// Equal within `tolerance` relative (absolute below 1); NaN equals NaN, infinities themselves.
inline void expect_close(const Tensor& actual, const Tensor& expected, double tolerance,
                         const std::string& what) {
  ASSERT_EQ(actual.num_elements(), expected.num_elements());
  for (int64_t i = 0; i < actual.num_elements(); ++i) {
    if (!is_floating(actual.dtype())) {
      ASSERT_EQ(read_scalar(actual, i).bits, read_scalar(expected, i).bits) << what << " at " << i;
      continue;
    }
    const double a = actual.get(i), b = expected.get(i);
    if (std::isnan(b))
      ASSERT_TRUE(std::isnan(a)) << what << " at " << i << ": " << a;
    else if (std::isinf(b))
      ASSERT_EQ(a, b) << what << " at " << i;
    else
      ASSERT_LE(std::fabs(a - b), tolerance * std::max(1.0, std::fabs(b)))
          << what << " at " << i << ": " << a << " for " << b;
  }
}

/// The loop compiled for each instruction set, with one and two threads, against the interpreter.
inline void expect_as_interpreted(const LoopProgram& program, const std::vector<Tensor>& buffers,
                                  double tolerance) {
  check(program);
  std::vector<Tensor> expected = clones(buffers);
  interpret(program, expected);
  for (const VectorIsa isa : testable_isas()) {
    for (const int threads : {1, 2}) {
      std::vector<Tensor> actual = clones(buffers);
      run_compiled(program, actual, {.planned_threads = threads, .threads = threads, .isa = isa});
      for (size_t i = static_cast<size_t>(program.num_operands); i < buffers.size(); ++i)
        expect_close(actual[i], expected[i], tolerance,
                     fmt::format("{}, {} threads, buffer {} of\n{}", name(isa), threads, i,
                                 to_text(program)));
      if (::testing::Test::HasFailure()) return;
    }
  }
}

/// Writes programs line by line.
struct LoopWriter {
  LoopProgram program;

  explicit LoopWriter(std::vector<LoopAxis> axes, int32_t num_operands, int32_t num_results) {
    program.axes = std::move(axes);
    program.num_operands = num_operands;
    program.num_results = num_results;
  }
  int32_t add(LoopLine line) {
    program.lines.push_back(line);
    return static_cast<int32_t>(program.lines.size()) - 1;
  }
  int32_t load(int32_t buffer, DType type, AffineIndex at, bool reduced = false) {
    program.loads.push_back({buffer, type, std::move(at)});
    return add({.kind = LoopLine::Kind::load,
                .type = compute_type(type),
                .reduced = reduced,
                .index = static_cast<int32_t>(program.loads.size()) - 1});
  }
  int32_t position(DType type, AffineIndex at) {
    program.positions.push_back(std::move(at));
    return add({.kind = LoopLine::Kind::position,
                .type = type,
                .index = static_cast<int32_t>(program.positions.size()) - 1});
  }
  int32_t constant(DType type, double value, uint64_t bits = 0, bool reduced = false) {
    return add(
        {.op = ScalarOp::constant, .type = type, .reduced = reduced, .value = value, .bits = bits});
  }
  int32_t op(ScalarOp op, DType type, std::array<int32_t, 3> operands, bool reduced = false) {
    return add({.op = op, .type = type, .reduced = reduced, .operands = operands});
  }
  int32_t fold(ScalarOp combiner, int32_t line, double identity, uint64_t bits = 0) {
    program.reductions.push_back({line, combiner, identity, bits});
    return add({.kind = LoopLine::Kind::reduction,
                .type = program.lines[static_cast<size_t>(line)].type,
                .reduced = true,
                .index = static_cast<int32_t>(program.reductions.size()) - 1});
  }
  void store(int32_t line, int32_t buffer, DType type, AffineIndex at) {
    program.stores.push_back({line, buffer, type, std::move(at)});
  }
};

}  // namespace brisk
