#include <gtest/gtest.h>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

// A loop's result may take over the memory of an operand that dies there. Other results of the loop
// still have to see the operand.

namespace brisk {
namespace {

TEST(LoopInPlace, AResultThatTakesAnOperandsMemoryLeavesItToTheOthers) {
  Builder builder(standard_ops());
  const Type type(DType::f32, {40});
  const Value a = builder.input("a", type), b = builder.input("b", type);
  // Running sums are kernels of their own: what lies between them is one loop with two results, of
  // which the first does not read the operand that dies.
  const Value dying = cumulative_sum(a, 0);
  const Value first = b * 2.0;
  const Value second = dying + first;
  Program program;
  program.graph = builder.finish({Builder::Output{"first", cumulative_sum(first, 0)},
                                  Builder::Output{"second", cumulative_sum(second, 0)}});
  program.num_results = 2;
  const Tensor ones = Tensor::of<float>({40}, std::vector<float>(40, 1));
  const Tensor halves = Tensor::of<float>({40}, std::vector<float>(40, 0.5));
  const Compilation compiled = compile(program, *find_backend("cpu").value(), {.threads = 1});
  compiled.executable->bind_state({});
  const std::vector<Tensor> inputs = {ones, halves};
  const std::span<const Tensor> results = compiled.executable->run(inputs);
  float sum = 0;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(results[0].data<float>()[static_cast<size_t>(i)], static_cast<float>(i + 1));
    sum += static_cast<float>(i + 1) + 1;
    EXPECT_EQ(results[1].data<float>()[static_cast<size_t>(i)], sum) << i;
  }
}

}  // namespace
}  // namespace brisk
