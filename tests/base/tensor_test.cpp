#include "brisk/base/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace brisk {
namespace {

TEST(Tensor, HoldsAlignedElements) {
  const Tensor tensor = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(tensor.describe(), "f32[2, 3]");
  EXPECT_EQ(tensor.num_elements(), 6);
  EXPECT_EQ(tensor.num_bytes(), 24);
  EXPECT_EQ(tensor.get(4), 5.0);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.bytes()) % 64, 0u);
  EXPECT_FALSE(Tensor().defined());
  EXPECT_TRUE(Tensor(DType::f32, {0, 7}).defined());
  EXPECT_EQ(Tensor(DType::f32, {0, 7}).num_bytes(), 0);
}

TEST(Tensor, MisuseIsRefused) {
  EXPECT_THROW(Tensor::of<float>({2, 2}, {1, 2, 3}), UserError);
  EXPECT_THROW(Tensor(DType::f32, {-1}), UserError);
  EXPECT_THROW(Tensor(DType::f32, {int64_t{1} << 40, int64_t{1} << 40}), UserError);
  EXPECT_THROW(Tensor(DType::u8, {int64_t{1} << 57}), UserError);
  const Tensor tensor = Tensor::of<float>({2}, {1, 2});
  EXPECT_THROW((void)tensor.item(), UserError);
  EXPECT_THROW((void)tensor.reshaped({3}), UserError);
  EXPECT_THROW((void)tensor.data<double>(), InternalError);
}

TEST(Tensor, CopiesShareAndClonesDoNot) {
  Tensor tensor = Tensor::of<int32_t>({2}, {1, 2});
  const Tensor shared = tensor;
  const Tensor viewed = tensor.reshaped({2, 1});
  const Tensor cloned = tensor.clone();
  tensor.set(0, 9);
  EXPECT_EQ(shared.get(0), 9);
  EXPECT_EQ(viewed.get(0), 9);
  EXPECT_EQ(cloned.get(0), 1);
  EXPECT_TRUE(bit_equal(tensor, shared));
  EXPECT_FALSE(bit_equal(tensor, cloned));
  EXPECT_FALSE(bit_equal(tensor, viewed)) << "other sizes";
  EXPECT_FALSE(bit_equal(tensor, Tensor::of<uint32_t>({2}, {9, 2}))) << "another type";
}

TEST(Tensor, BitEqualityIsOfBits) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(bit_equal(Tensor::of<float>({1}, {nan}), Tensor::of<float>({1}, {nan})));
  EXPECT_FALSE(bit_equal(Tensor::of<float>({1}, {0.0f}), Tensor::of<float>({1}, {-0.0f})));
}

TEST(Tensor, CastsBetweenIntegersKeepAllBits) {
  const int64_t large = (int64_t{1} << 53) + 1;  // the first integer that double lacks
  const Tensor wide = Tensor::of<int64_t>({2}, {large, -1});
  EXPECT_EQ(wide.cast(DType::u64).data<uint64_t>()[0], static_cast<uint64_t>(large));
  EXPECT_EQ(wide.cast(DType::u64).data<uint64_t>()[1], std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(wide.cast(DType::i32).data<int32_t>()[0], 1);
}

TEST(Tensor, CastsBetweenFloatsRoundToNearestEven) {
  const Tensor values = Tensor::of<float>({4}, {1.0f, 2049.0f, 2051.0f, 70000.0f});
  const Tensor halves = values.cast(DType::f16);
  EXPECT_EQ(halves.dtype(), DType::f16);
  EXPECT_EQ(halves.get(1), 2048.0);
  EXPECT_EQ(halves.get(2), 2052.0);
  EXPECT_TRUE(std::isinf(halves.get(3)));
  EXPECT_EQ(halves.cast(DType::f32).get(2), 2052.0);
  EXPECT_EQ(Tensor::scalar(DType::f64, 0.1).cast(DType::f32).item(), static_cast<double>(0.1f));
}

TEST(Tensor, CastsBetweenKinds) {
  const Tensor values = Tensor::of<float>({4}, {-1.9f, 0.0f, 0.5f, 3.0f});
  EXPECT_EQ(values.cast(DType::i32).data<int32_t>()[0], -1) << "truncates";
  EXPECT_EQ(values.cast(DType::i32).data<int32_t>()[2], 0);
  EXPECT_FALSE(values.cast(DType::boolean).data<bool>()[1]);
  EXPECT_TRUE(values.cast(DType::boolean).data<bool>()[2]);
  EXPECT_EQ(values.cast(DType::boolean).cast(DType::f32).get(3), 1.0);
  EXPECT_TRUE(bit_equal(values.cast(DType::f32), values));
}

TEST(Tensor, KeepsForeignStorageAlive) {
  bool released = false;
  {
    auto* memory = new float[2]{1.5f, 2.5f};
    std::shared_ptr<std::byte[]> storage(reinterpret_cast<std::byte*>(memory), [&](std::byte* p) {
      released = true;
      delete[] reinterpret_cast<float*>(p);
    });
    Tensor view;
    {
      const Tensor tensor(DType::f32, {2}, std::move(storage));
      view = tensor.reshaped({2, 1});
    }
    EXPECT_FALSE(released);
    EXPECT_EQ(view.get(1), 2.5);
  }
  EXPECT_TRUE(released);
}

}  // namespace
}  // namespace brisk
