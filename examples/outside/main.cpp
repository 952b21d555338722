// A stranger's program against an installed brisk: two rings of points, a small network that tells
// them apart, trained for a few seconds, and its answers for points it has not seen.

#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

#include "brisk/base/philox.h"
#include "brisk/data/memory_source.h"
#include "brisk/nn/layers.h"
#include "brisk/train/trainer.h"

namespace {

/// `count` points f32[count, 2] on rings of radius 1 and 2, blurred, and the ring of each.
brisk::Dataset rings(int64_t count, uint64_t seed) {
  brisk::Tensor points(brisk::DType::f32, {count, 2});
  brisk::Tensor labels(brisk::DType::i32, {count});
  brisk::PhiloxSequence random(seed);
  for (int64_t i = 0; i < count; ++i) {
    const double ring = static_cast<double>(random.next_below(2));
    const double angle = 2 * std::numbers::pi * random.next_unit();
    const double radius = 1 + ring + 0.1 * random.next_normal();
    points.set(2 * i, radius * std::cos(angle));
    points.set(2 * i + 1, radius * std::sin(angle));
    labels.set(i, ring);
  }
  return brisk::from_tensor_slices({points, labels});
}

brisk::Model two_layers() {
  brisk::ModelBuilder model("rings");
  brisk::Value x = model.input("point", {2});
  x = model(brisk::Dense{.units = 32, .activation = "relu"}, x);
  x = model(brisk::Dense{.units = 2}, x);
  return model.finish({{"logits", x}});
}

}  // namespace

int main() {
  const brisk::Dataset train = rings(4096, /*seed=*/1).shuffle(4096).batch(64, true).prefetch();
  const brisk::Dataset test = rings(512, /*seed=*/2).batch(64);

  brisk::Trainer trainer(two_layers(), {.optimizer = brisk::adam({.learning_rate = 0.01})});
  trainer.fit(train, {.epochs = 5});
  const double accuracy = trainer.evaluate(test).at("accuracy");

  const brisk::Tensor logits = trainer.predict(test);
  std::printf("accuracy %.3f, first answer: ring %d\n", accuracy,
              logits.get(0) > logits.get(1) ? 1 : 2);
  return accuracy > 0.95 ? 0 : 1;
}
