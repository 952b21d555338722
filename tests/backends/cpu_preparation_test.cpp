#include <gtest/gtest.h>

#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

// What inference computes from its weights alone is computed once after each bind.

namespace brisk::cpu {
namespace {

/// x [4, 3] times the transposed w [2, 3], scaled by exp(s) [2].
Graph scaled_product() {
  Builder builder(standard_ops(), "product");
  const Value w = builder.input("w", Type(DType::f32, {2, 3})),
              s = builder.input("s", Type(DType::f32, {2})),
              x = builder.input("x", Type(DType::f32, {4, 3}));
  const Value y = matmul(x, transpose(w, {1, 0})) * broadcast(exp(s), {4, 2}, {1});
  return builder.finish({{"y", y}});
}

TEST(CpuPreparation, ABindAndASetEntryComputeItAnew) {
  Program program;
  program.graph = scaled_product();
  program.num_results = 1;
  program.state = {{"w", Type(DType::f32, {2, 3})}, {"s", Type(DType::f32, {2})}};
  const Compilation compiled =
      compile(program, *find_backend("cpu").value(), {.threads = 1, .cache = false});
  const Tensor ones = Tensor::of<float>({4, 3}, std::vector<float>(12, 1.0F)),
               zeros = Tensor::of<float>({2}, std::vector<float>{0, 0});
  const auto weights = [](float a, float b) {
    return Tensor::of<float>({2, 3}, std::vector<float>{a, a, a, b, b, b});
  };
  const auto first_row = [&] {
    const Tensor& y = compiled.executable->run(std::vector<Tensor>{ones})[0];
    return std::vector<double>{y.get(0), y.get(1)};
  };
  compiled.executable->bind_state(std::vector<Tensor>{weights(1, 2), zeros});
  EXPECT_EQ(first_row(), (std::vector<double>{3, 6}));
  EXPECT_EQ(first_row(), (std::vector<double>{3, 6}));
  compiled.executable->bind_state(std::vector<Tensor>{weights(3, 4), zeros});
  EXPECT_EQ(first_row(), (std::vector<double>{9, 12}));
  compiled.executable->set_state(0, weights(5, 6));
  EXPECT_EQ(first_row(), (std::vector<double>{15, 18}));
}

}  // namespace
}  // namespace brisk::cpu
