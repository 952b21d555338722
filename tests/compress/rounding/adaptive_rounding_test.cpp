#include "brisk/compress/rounding/adaptive_rounding.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "tests/compress/residual_model.h"
#include "tests/compress/rounding/mixed_inputs.h"

namespace brisk {
namespace {

/// What PyTorch makes of the same weights and inputs (tests/oracle/adaptive_rounding.py).
TEST(AdaptiveRounding, IsTorchs) {
  const std::filesystem::path path =
      std::filesystem::path(BRISK_SOURCE_DIR) / "tests/compress/rounding/torch_adaround.json";
  const Json torch = parse_json(read_file(path).value(), path.string()).value();
  const auto sizes = torch.at("sizes").get<std::vector<int64_t>>();
  const auto numbers = [&](const char* key, std::vector<int64_t> of) {
    return Tensor::of<float>(std::move(of), torch.at(key).get<std::vector<float>>());
  };
  const Tensor weights = numbers("weights", sizes),
               moments = numbers("moments", {sizes[0], sizes[1], sizes[1]});
  const auto scales = torch.at("scales").get<std::vector<double>>();
  const RoundingGrid grid = {.scales = scales, .low = -7, .high = 7};
  const AdaptiveRoundingOptions options = {
      .steps = torch.at("steps").get<int64_t>(),
      .regularization = torch.at("regularization").get<double>(),
      .warm_start = 0,
      .greatest_beta = torch.at("greatest_beta").get<double>(),
      .threads = 1};
  const Tensor up = learn_roundings(weights, moments, grid, options),
               integers = round_adaptively(weights, moments, grid, options);
  const auto wanted = torch.at("soft").get<std::vector<double>>();
  int moved = 0;
  for (int64_t i = 0; i < up.num_elements(); ++i) {
    const auto at = static_cast<size_t>(i);
    const double scale =
        scales[static_cast<size_t>(i / (sizes[1] * sizes[2]) * sizes[2] + i % sizes[2])];
    const double soft = std::clamp(std::floor(weights.get(i) / scale) + up.get(i), -7.0, 7.0);
    EXPECT_NEAR(soft, wanted[at], 1e-3) << i;
    EXPECT_NEAR(integers.get(i), wanted[at], 0.501) << i;
    moved += integers.get(i) != std::nearbyint(weights.get(i) / scale) ? 1 : 0;
  }
  EXPECT_GT(moved, 5) << "the nearest integers are not the best";
}

TEST(AdaptiveRounding, LosesLessThanTheNearest) {
  const Tensor moments = moments_of(mixed(60, 24, 4, 7)), weights = mixed(24, 16, 2, 8);
  const std::vector<double> scales(16, 0.4);
  const RoundingGrid grid = {.scales = scales, .low = -7, .high = 7};
  const Tensor whole = moments.reshaped({1, 24, 24});
  const Tensor found = round_adaptively(weights.reshaped({1, 24, 16}), whole, grid);
  Tensor nearest(DType::i8, {24, 16});
  for (int64_t i = 0; i < nearest.num_elements(); ++i)
    nearest.set(i, std::clamp(std::nearbyint(weights.get(i) / 0.4), -7.0, 7.0));
  EXPECT_LT(rounding_error(weights, found.reshaped({24, 16}), moments, grid),
            0.5 * rounding_error(weights, nearest, moments, grid));
  EXPECT_TRUE(bit_equal(found, round_adaptively(weights.reshaped({1, 24, 16}), whole, grid)));
}

TEST(AdaptiveRounding, SaysWhatIsWrong) {
  const std::vector<double> scales(2, 0.1);
  const auto refused = [&](const RoundingGrid& grid, std::vector<int64_t> moments, int64_t steps,
                           const std::string& part) {
    try {
      round_adaptively(Tensor::zeros(DType::f32, {1, 4, 2}),
                       Tensor::zeros(DType::f32, std::move(moments)), grid, {.steps = steps});
      ADD_FAILURE() << "no refusal: " << part;
    } catch (const UserError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused({.scales = scales}, {1, 3, 3}, 10, "are f32[1, 3, 3], not f32[1, 4, 4]");
  refused({.scales = scales, .block_size = 2}, {1, 4, 4}, 10, "blocks, which are not learned");
  refused({.scales = scales}, {1, 4, 4}, 0, "learned in 0 steps");
}

}  // namespace
}  // namespace brisk
