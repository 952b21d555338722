// A stranger's program against an installed brisk: tensors, element types and random numbers.

#include <cstdio>

#include "brisk/base/philox.h"
#include "brisk/base/tensor.h"

int main() {
  brisk::Tensor weights(brisk::DType::f32, {64, 10});
  brisk::PhiloxSequence random(/*key=*/7);
  for (float& weight : weights.data<float>()) weight = static_cast<float>(random.next_normal());
  const brisk::Tensor stored = weights.cast(brisk::DType::bf16);
  std::printf("%s takes %lld bytes, as %s %lld\n", weights.describe().c_str(),
              static_cast<long long>(weights.num_bytes()), stored.describe().c_str(),
              static_cast<long long>(stored.num_bytes()));
  return 2 * stored.num_bytes() == weights.num_bytes() ? 0 : 1;
}
