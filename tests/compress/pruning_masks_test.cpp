#include <gtest/gtest.h>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/compress/magnitude_mask.h"
#include "brisk/compress/sparsity_schedule.h"
#include "tests/support/refusal.h"

// Masks and schedules against those that the TensorFlow Model Optimization Toolkit made
// (tests/oracle/pruning_masks.py).

namespace brisk {
namespace {

using testing::refusal;

const Json& tfmot() {
  static const Json json = parse_json(read_file(std::filesystem::path(BRISK_SOURCE_DIR) /
                                                "tests/compress/tfmot_pruning.json")
                                          .value(),
                                      "tfmot_pruning.json")
                               .value();
  return json;
}

Tensor weights_of(const Json& json) {
  return Tensor::of<float>(json.at("sizes").get<std::vector<int64_t>>(),
                           json.at("weights").get<std::vector<float>>());
}

std::string bits_of(const Tensor& mask) {
  std::string bits;
  for (int64_t i = 0; i < mask.num_elements(); ++i) bits += mask.get(i) != 0 ? '1' : '0';
  return bits;
}

TEST(PruningMasks, AreTfmots) {
  ASSERT_GE(tfmot().at("masks").size(), 11u);
  for (const Json& json : tfmot().at("masks")) {
    const Tensor weights = weights_of(json);
    for (const DType type : {DType::f32, DType::f64}) {
      Tensor mask;
      if (json.contains("m_by_n")) {
        mask = group_mask(weights.cast(type), json["m_by_n"][0], json["m_by_n"][1]);
      } else {
        const BlockShape block{
            json["block"][0], json["block"][1],
            json["pooling"] == "MAX" ? BlockPooling::maximum : BlockPooling::average};
        mask = magnitude_mask(weights.cast(type), json["sparsity"].get<float>(), block);
      }
      EXPECT_EQ(mask.dtype(), type);
      EXPECT_EQ(bits_of(mask), json.at("mask").get<std::string>()) << json.at("name");
    }
  }
}

TEST(PruningMasks, SchedulesAreTfmots) {
  for (const Json& json : tfmot().at("schedules")) {
    const Json& a = json.at("arguments");
    const SparsitySchedule schedule =
        a.contains("target_sparsity")
            ? constant_sparsity(a["target_sparsity"], a["begin_step"],
                                {.end_step = a.value("end_step", -1), .frequency = a["frequency"]})
            : polynomial_decay(a["initial_sparsity"], a["final_sparsity"], a["begin_step"],
                               a["end_step"],
                               {.power = a.value("power", 3.0), .frequency = a["frequency"]});
    const std::string due = json.at("due");
    for (int64_t step = 0; step < static_cast<int64_t>(due.size()); ++step) {
      EXPECT_EQ(schedule.due(step), due[static_cast<size_t>(step)] == '1')
          << json.at("name") << " at " << step;
      EXPECT_FLOAT_EQ(schedule.sparsity(step),
                      json.at("sparsity")[static_cast<size_t>(step)].get<float>())
          << json.at("name") << " at " << step;
    }
  }
}

TEST(PruningMasks, BlocksThatAreCutOffLieAtTheEnd) {
  Tensor weights = Tensor::zeros(DType::f32, {3, 5});
  for (int64_t i = 0; i < 15; ++i) weights.set(i, 1);
  weights.set(14, 9);  // the last block holds this one alone
  EXPECT_EQ(bits_of(magnitude_mask(weights, 0.8f, {2, 4})), "000000000000001");
}

TEST(PruningMasks, ANanIsKept) {
  const Tensor weights = Tensor::of<float>({4}, {0.5f, NAN, 3, -2});
  EXPECT_EQ(bits_of(magnitude_mask(weights, 0.5f)), "0110");
}

TEST(PruningMasks, AllTensorsTogetherHaveOneThreshold) {
  const std::vector<Tensor> weights = {Tensor::of<float>({3}, {1, 2, 3}),
                                       Tensor::of<float>({2}, {-10, 20})};
  const double threshold = ranked_threshold(weights, 3);
  EXPECT_EQ(threshold, 3);
  EXPECT_EQ(bits_of(threshold_mask(weights[0], threshold)), "001");
  EXPECT_EQ(bits_of(threshold_mask(weights[1], threshold)), "11");
}

TEST(PruningMasks, RefusesWhatMeansNothing) {
  const Tensor weights = Tensor::zeros(DType::f32, {2, 2, 2});
  const auto says = [](const auto& action, const std::string& part) {
    const std::string text = refusal(action);
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says(
      [&] {
        magnitude_mask(weights, 0.5f, {2, 2});
      },
      "weights of two axes, but this one is f32[2, 2, 2]");
  says([&] { group_mask(weights, 4, 4); }, "give fewer zeros than weights");
  says([&] { group_mask(Tensor::zeros(DType::f32, {4}), 2, 4); }, "input channels of a kernel");
  says([&] { constant_sparsity(1, 0); }, "must be in [0, 1)");
  says([&] { constant_sparsity(0.5, -1); }, "begin_step is -1");
  says([&] { constant_sparsity(0.5, 4, {.frequency = 0}); }, "frequency is 0");
  says([&] { polynomial_decay(0.5, 0.8, 10, -1); }, "needs an end_step after begin_step 10");
  says([&] { polynomial_decay(0.5, 0.8, 10, 9); }, "end_step 9 comes before begin_step 10");
}

}  // namespace
}  // namespace brisk
