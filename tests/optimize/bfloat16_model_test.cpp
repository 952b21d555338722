#include "brisk/optimize/bfloat16_model.h"

#include <gtest/gtest.h>

#include "brisk/train/trainer.h"
#include "tests/train/tiny_training.h"

namespace brisk {
namespace {

TEST(InBfloat16, KeepsRoundedWeightsAndOutputsInF32) {
  const Model model = test::tiny_cnn(true), rounded = in_bfloat16(model);
  int64_t kernels = 0;
  for (size_t i = 0; i < rounded.program.state.size(); ++i)
    if (rounded.program.state[i].type.rank() >= 2) {
      ++kernels;
      EXPECT_EQ(rounded.weights[i].dtype(), DType::bf16) << rounded.program.state[i].name;
    }
  EXPECT_EQ(kernels, 3);
  const Dataset images = test::tiny_dataset(16).batch(16);
  const Tensor exact = Trainer(model, {}).predict(images), y = Trainer(rounded, {}).predict(images);
  ASSERT_EQ(y.dtype(), DType::f32);
  double largest = 0, error = 0;
  for (int64_t i = 0; i < exact.num_elements(); ++i) {
    largest = std::max(largest, std::fabs(exact.get(i)));
    error = std::max(error, std::fabs(exact.get(i) - y.get(i)));
  }
  EXPECT_LT(error, largest * 3 / 256) << "a few roundings to 8 bits";
  EXPECT_GT(error, 0);
}

}  // namespace
}  // namespace brisk
