#include <gtest/gtest.h>

#include <algorithm>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/passes/pipeline.h"
#include "tests/train/tiny_training.h"

// Optimisations must not change what is trained. In f64 rounding is far below 1e-9 even after fifty
// steps, so that whatever is left over is a wrong program.

namespace brisk::test {
namespace {

const std::set<std::string, std::less<>> kAllSwitchedOff = {"simplify", "fuse_loops",
                                                            "fuse_epilogues", "sink_below_pool"};

StepOptions training(Precision precision) {
  StepOptions options;
  options.optimizer = adam({.learning_rate = 0.01});
  options.precision = precision;
  return options;
}

void expect_alike(const RunningStep& a, const RunningStep& b, double tolerance) {
  ASSERT_EQ(a.program.state.size(), b.program.state.size());
  for (const StateEntry& entry : a.program.state)
    EXPECT_LE(relative_difference(a.state(entry.name), b.state(entry.name)), tolerance)
        << entry.name;
}

class SwitchedOff : public testing::TestWithParam<std::string> {};

TEST_P(SwitchedOff, FiftyStepsInF64Agree) {
  const Model model = tiny_cnn(true);
  StepOptions options = training(Precision::float64);
  RunningStep fused(model, options, 8);
  if (GetParam() == "all")
    options.disabled_passes = kAllSwitchedOff;
  else
    options.disabled_passes = {GetParam()};
  RunningStep plain(model, options, 8);
  for (uint64_t i = 0; i < 50; ++i) {
    const std::vector<Tensor> batch = tiny_images(8, i);
    fused.run(batch);
    plain.run(batch);
    ASSERT_LE(relative_difference(fused.results[0], plain.results[0]), 1e-9)
        << "loss of step " << i;
  }
  EXPECT_LT(fused.results[0].item(), 0.5) << "it should have learnt by now";
  expect_alike(fused, plain, 1e-9);
}

INSTANTIATE_TEST_SUITE_P(Passes, SwitchedOff,
                         testing::Values("all", "simplify", "fuse_loops", "fuse_epilogues",
                                         "sink_below_pool"),
                         [](const auto& info) { return info.param; });

TEST(FusedStep, AgreesWithTheReferenceBackendInF64) {
  const Model model = tiny_cnn(true);
  const StepOptions options = training(Precision::float64);
  RunningStep cpu(model, options, 4), reference(model, options, 4, "reference");
  for (uint64_t i = 0; i < 3; ++i) {
    cpu.run(tiny_images(4, i));
    reference.run(tiny_images(4, i));
  }
  expect_alike(cpu, reference, 1e-12);
}

TEST(FusedStep, GroupsOfLoopsChangeNoBit) {
  const Model model = tiny_cnn(true);
  for (const Precision precision : {Precision::float32, Precision::mixed_float16}) {
    const Program step = make_training_step(model, training(precision), 4);
    LoweringTarget target{.name = "test", .fused_loops = true, .longest_fused_row = 32768};
    const Program alone = run_pipeline(step, lowering_pipeline(), {.target = target});
    target.loop_groups = true;
    const Program grouped = run_pipeline(step, lowering_pipeline(), {.target = target});
    const auto count = [](const Program& program, std::string_view op) {
      return std::ranges::count_if(program.graph.nodes(),
                                   [&](const Node& node) { return node.op->name == op; });
    };
    EXPECT_GE(count(grouped, "loop_group"), 1);
    EXPECT_LT(count(grouped, "fused_loop"), count(alone, "fused_loop"));
    std::vector<Tensor> inputs = initial_step_state(step, model);
    for (const Tensor& tensor : tiny_images(4)) inputs.push_back(tensor);
    const std::vector<Tensor> expected = reference::evaluate(alone.graph, inputs);
    const std::vector<Tensor> actual = reference::evaluate(grouped.graph, inputs);
    ASSERT_EQ(expected.size(), actual.size());
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_TRUE(bit_equal(expected[i], actual[i])) << alone.graph.outputs()[i].name;
  }
}

TEST(FusedStep, GradientsOfOneStepInF32Agree) {
  const Model model = tiny_cnn(true);
  StepOptions options = gradient_options();
  RunningStep fused(model, options, 16);
  options.disabled_passes = kAllSwitchedOff;
  RunningStep plain(model, options, 16);
  options.disabled_passes = {};
  options.precision = Precision::float64;
  RunningStep exact(model, options, 16);
  const std::vector<Tensor> batch = tiny_images(16);
  for (RunningStep* step : {&fused, &plain, &exact}) step->run(batch);
  for (const std::string& name : gradient_names(fused.program)) {
    EXPECT_LE(relative_difference(fused.state(name), plain.state(name)), 1e-5) << name;
    EXPECT_LE(relative_difference(exact.state(name), fused.state(name)), 1e-5) << name;
  }
}

TEST(FusedStep, SinkingBelowThePoolChangesTheProgram) {
  StepOptions options = training(Precision::float32);
  const Model model = tiny_cnn(true);
  const Program sunk = make_training_step(model, options, 8);
  options.disabled_passes = {"sink_below_pool"};
  EXPECT_FALSE(sunk.graph == make_training_step(model, options, 8).graph);
}

TEST(FusedStep, NamesOfEitherPipelineAreTakenAndOthersRefused) {
  StepOptions options = training(Precision::float32);
  options.disabled_passes = {"fuse_loop"};
  try {
    make_training_step(tiny_mlp(), options, 8);
    FAIL() << "an unknown pass was let pass";
  } catch (const UserError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("did you mean 'fuse_loops'?"), std::string::npos) << message;
    EXPECT_NE(message.find("sink_below_pool"), std::string::npos) << message;
  }
}

TEST(FusedStep, InF64EverythingButTheFeaturesIsF64) {
  const Program step = make_training_step(tiny_cnn(true), training(Precision::float64), 8);
  for (const StateEntry& entry : step.state)
    EXPECT_EQ(entry.type.dtype(), entry.role == StateRole::random_key ? DType::u32 : DType::f64)
        << entry.name;
  EXPECT_EQ(step.graph.input_type(step.state.size()).dtype(), DType::f32);
  verify(step);
  for (const Node& node : step.graph.nodes())
    for (const Type& type : node.results) {
      if (node.op->name == "input" || !is_floating(type.dtype())) continue;
      EXPECT_TRUE(type.dtype() == DType::f64 || node.label == "loss")
          << node.op->name << " of " << node.label;
    }
}

}  // namespace
}  // namespace brisk::test
