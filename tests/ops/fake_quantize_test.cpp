#include "brisk/ops/quantize/fake_quantize.h"

#include <gtest/gtest.h>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/runtime/backend.h"
#include "tests/ops/computed.h"
#include "tests/support/refusal.h"

// tf_fake_quantize.json is what TensorFlow gives (tests/oracle/fake_quantize.py).

namespace brisk::testing {
namespace {

const Json& tensorflow() {
  static const Json json = [] {
    const std::string path = BRISK_SOURCE_DIR "/tests/ops/tf_fake_quantize.json";
    return parse_json(read_file(path, 1 << 24).value(), path).value();
  }();
  return json.at("cases");
}

Tensor numbers(const Json& json, const Json& sizes) {
  return Tensor::of<float>(sizes.get<std::vector<int64_t>>(), json.get<std::vector<float>>());
}

/// The result and the gradients of its projection, of x, minimum, maximum and the cotangent.
std::vector<Tensor> both_ways(const std::string& backend, const std::vector<Tensor>& inputs,
                              const FakeQuantizeAttributes& attributes) {
  Builder builder(standard_ops());
  const std::vector<Value> in = inputs_for(builder, inputs);
  const Value y = fake_quantize(in[0], in[1], in[2], attributes);
  std::vector<Builder::Output> outputs = {{"y", y}};
  for (const Value& g : gradient(reduce_sum(y * in[3]), std::span(in).first(3)))
    outputs.push_back({fmt::format("gradient{}", outputs.size()), g});
  Program program;
  program.graph = builder.finish(outputs);
  program.num_results = static_cast<int64_t>(outputs.size());
  const auto executable = compile(program, **find_backend(backend)).executable;
  std::vector<Tensor> results;
  for (const Tensor& result : executable->run(inputs)) results.push_back(result.clone());
  return results;
}

class TensorFlowFakeQuantize : public ::testing::TestWithParam<size_t> {};

TEST_P(TensorFlowFakeQuantize, GivesTheSameNumbersAndGradients) {
  const Json& json = tensorflow().at(GetParam());
  const Json &sizes = json.at("sizes"), &range = json.at("range_sizes");
  const std::vector<Tensor> inputs = {
      numbers(json.at("x"), sizes), numbers(json.at("minimum"), range),
      numbers(json.at("maximum"), range), numbers(json.at("cotangent"), sizes)};
  for (const std::string backend : {"reference", "cpu"}) {
    const std::vector<Tensor> found =
        both_ways(backend, inputs, {json.at("num_bits"), json.at("narrow_range")});
    EXPECT_TRUE(bit_equal(found[0], numbers(json.at("y"), sizes))) << backend;
    for (const size_t i : {size_t{0}, size_t{1}, size_t{2}}) {
      const Tensor wanted = numbers(json.at("gradients").at(i), i == 0 ? sizes : range);
      const double allowed = i == 0 ? 0 : 4e-6;  // for sums of some ten numbers around 1
      for (int64_t j = 0; j < wanted.num_elements(); ++j)
        EXPECT_NEAR(found[i + 1].get(j), wanted.get(j), allowed) << backend << " " << i << " " << j;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    , TensorFlowFakeQuantize, ::testing::Range(size_t{0}, tensorflow().size()),
    [](const auto& info) {
      return tensorflow().at(info.param).at("name").template get<std::string>();
    });

TEST(FakeQuantize, RefusesRangesThatDoNotFit) {
  const auto says = [](std::vector<int64_t> limits, const FakeQuantizeAttributes& attributes,
                       const std::string& part) {
    const std::string text = refusal([&] {
      computed({Tensor(DType::f32, {3, 4}), Tensor(DType::f32, limits), Tensor(DType::f32, limits)},
               [&](Builder&, std::span<const Value> in) {
                 return fake_quantize(in[0], in[1], in[2], attributes);
               });
    });
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says({3}, {}, "[fake_quantize] the minimum is f32[3], but must be one number, or one for each");
  says({}, {.num_bits = 1}, "num_bits is 1, but must be 2 to 16");
}

}  // namespace
}  // namespace brisk::testing
