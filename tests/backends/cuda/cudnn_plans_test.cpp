// Plans are made here without a GPU, from a description of one: a pattern that loses its engine
// with a new cuDNN fails here, before anybody has trained.

#include <gtest/gtest.h>

#include <set>

#include "brisk/backends/cuda/api/driver.h"
#include "brisk/backends/cuda/cudnn/attention_patterns.h"
#include "brisk/backends/cuda/cudnn/batch_norm_patterns.h"
#include "brisk/backends/cuda/cudnn/choose_plan.h"
#include "brisk/backends/cuda/device_description.h"
#include "brisk/base/file.h"
#include "tests/backends/cuda/resnet50_layers.h"

namespace brisk::cuda::cudnn {
namespace {

using testing::Layer;
using testing::problem_of;
using testing::resnet50_layers;
using testing::Role;

class CudnnPlans : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto cudnn = library(); !cudnn) GTEST_SKIP() << cudnn.error();
    const auto device = read_device_description(BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json");
    device_ = device.value();
    target_ = Target::described(device_).value();
  }

  /// How many of the first configurations become plans; the reasons of the others.
  struct Found {
    size_t plans = 0;
    std::string reasons;
  };
  template <typename Describe>
  Found find_plans(Describe&& describe, const EngineRules& rules, size_t limit = 4) {
    GraphBuilder builder;
    describe(builder);
    const OperationGraph graph = std::move(builder).build(target_);
    Found found;
    std::vector<std::string> refusals;
    for (const EngineConfig& config : engine_configs(graph, target_, rules, limit, &refusals)) {
      const Result<Plan> plan = Plan::make(config, target_);
      if (plan)
        ++found.plans;
      else
        found.reasons += plan.error() + "; ";
    }
    for (const std::string& refusal : refusals) found.reasons += refusal + "; ";
    return found;
  }

  DeviceProperties device_;
  Target target_;
};

void forward(GraphBuilder& graph, const ConvolutionProblem& problem) {
  const TensorNumber x = graph.tensor(problem.input), w = graph.tensor(problem.filter);
  graph.convolution(x, w, graph.tensor(problem.result), problem.geometry);
}
void input_gradient(GraphBuilder& graph, const ConvolutionProblem& problem) {
  const TensorNumber dy = graph.tensor(problem.result), w = graph.tensor(problem.filter);
  graph.convolution_input_gradient(dy, w, graph.tensor(problem.input), problem.geometry);
}
void filter_gradient(GraphBuilder& graph, const ConvolutionProblem& problem) {
  const TensorNumber x = graph.tensor(problem.input), dy = graph.tensor(problem.result);
  graph.convolution_filter_gradient(x, dy, graph.tensor(problem.filter), problem.geometry);
}

TEST_F(CudnnPlans, EveryConvolutionOfResNet50InEveryType) {
  const std::pair<const char*, void (*)(GraphBuilder&, const ConvolutionProblem&)> kinds[] = {
      {"forward", forward},
      {"input gradient", input_gradient},
      {"filter gradient", filter_gradient}};
  for (const DType type : {DType::f16, DType::bf16, DType::f32}) {
    for (const Layer& layer : resnet50_layers()) {
      const ConvolutionProblem problem = problem_of(layer, type, 256);
      for (const auto& [kind, describe] : kinds) {
        const Found found =
            find_plans([&, describe = describe](GraphBuilder& graph) { describe(graph, problem); },
                       {.deterministic = true, .tensor_cores = type != DType::f32});
        EXPECT_GT(found.plans, 0u)
            << layer.name << " " << kind << " " << name(type) << ": " << found.reasons;
      }
    }
  }
}

TEST_F(CudnnPlans, EnginesThatAreNotedToVaryAreRefusedByName) {
  const std::string sentence = "its results vary between runs";
  std::set<std::string> varying;
  for (const Layer& layer : resnet50_layers()) {
    const ConvolutionProblem problem = problem_of(layer, DType::f32, 32);
    GraphBuilder builder;
    filter_gradient(builder, problem);
    const OperationGraph graph = std::move(builder).build(target_);
    const auto named = [&](bool deterministic, std::vector<std::string>* refusals) {
      std::set<std::string> names;
      for (const EngineConfig& config :
           engine_configs(graph, target_, {.deterministic = deterministic}, 64, refusals))
        names.insert(config.name);
      return names;
    };
    std::vector<std::string> refusals, none;
    const std::set<std::string> kept = named(true, &refusals), all = named(false, &none);
    for (const std::string& refusal : refusals)
      if (const size_t at = refusal.find(": " + sentence); at != std::string::npos) {
        varying.insert(refusal.substr(0, at));
        EXPECT_TRUE(all.contains(refusal.substr(0, at))) << refusal;
        EXPECT_FALSE(kept.contains(refusal.substr(0, at))) << refusal;
      }
    for (const std::string& reason : none) EXPECT_EQ(reason.find(sentence), std::string::npos);
  }
  EXPECT_FALSE(varying.empty());
}

TEST_F(CudnnPlans, EveryFusedPatternOfTrainingInHalfPrecision) {
  for (const Layer& layer : resnet50_layers()) {
    if (layer.role == Role::stem) continue;  // its 7x7 has no fused engine
    const ConvolutionProblem problem = problem_of(layer, DType::f16, 256);
    const bool normalized = layer.role == Role::spatial || layer.role == Role::expand;
    const auto expect = [&](const char* pattern, auto&& describe) {
      const Found found = find_plans(describe, {});
      EXPECT_GT(found.plans, 0u) << layer.name << " " << pattern << ": " << found.reasons;
    };
    expect("statistics", [&](GraphBuilder& graph) {
      convolution_statistics(graph, problem, StatisticsForm::operation);
    });
    if (normalized) {
      expect("normalised, statistics", [&](GraphBuilder& graph) {
        normalized_convolution_statistics(graph, problem, StatisticsForm::operation);
      });
      expect("normalised filter gradient",
             [&](GraphBuilder& graph) { normalized_filter_gradient(graph, problem); });
      expect("input gradient through batch norm", [&](GraphBuilder& graph) {
        input_gradient_batch_norm(graph, problem, JoinForm::none);
      });
    }
    if (layer.role == Role::reduce) {
      expect("input gradient through a join", [&](GraphBuilder& graph) {
        input_gradient_batch_norm(graph, problem, JoinForm::shortcut);
      });
      expect("input gradient through a join with a projection", [&](GraphBuilder& graph) {
        input_gradient_batch_norm(graph, problem, JoinForm::projection);
      });
    }
  }
}

TEST_F(CudnnPlans, TheInferenceEpilogueInBothShortTypes) {
  for (const DType type : {DType::f16, DType::bf16})
    for (const Layer& layer : resnet50_layers())
      for (const bool residual : {false, true}) {
        const ConvolutionProblem problem = problem_of(layer, type, 64);
        const Found found = find_plans(
            [&](GraphBuilder& graph) { convolution_bias_relu(graph, problem, residual); }, {});
        EXPECT_GT(found.plans, 0u) << layer.name << " " << name(type) << ": " << found.reasons;
      }
}

/// Of GPT-2, 32 sequences.
AttentionProblem gpt2_attention(DType type) {
  return {.batch = 32,
          .heads = 12,
          .queries = 1024,
          .keys = 1024,
          .size = 64,
          .value_size = 64,
          .type = type,
          .scale = 0.125f,
          .is_causal = true};
}

// Its engines are compiled at run time, so without a driver none is offered; the descriptions are
// checked all the same.
TEST_F(CudnnPlans, AttentionForwardAndBackwardInBothShortTypes) {
  const bool offered = bool(driver());
  for (const DType type : {DType::f16, DType::bf16})
    for (const bool biased : {false, true}) {
      AttentionProblem problem = gpt2_attention(type);
      problem.is_causal = !biased;
      if (biased) problem.bias = TensorShape{{32, 1, 1, 1024}, {1024, 1024, 1024, 1}, DType::f32};
      const auto expect = [&](const char* what, auto&& describe) {
        size_t engines = 0;
        ASSERT_NO_THROW({
          GraphBuilder builder;
          describe(builder);
          const OperationGraph graph = std::move(builder).build(target_);
          engines = engine_configs(graph, target_, {}, 4).size();
        }) << what;
        if (offered) {
          EXPECT_GT(engines, 0u) << what << " " << name(type);
        }
      };
      expect("forward", [&](GraphBuilder& graph) { attention_forward(graph, problem); });
      for (const QueryGradient form : {QueryGradient::exact, QueryGradient::accumulated})
        expect("backward", [&](GraphBuilder& graph) { attention_backward(graph, problem, form); });
    }
}

TEST_F(CudnnPlans, StrictSinglePrecisionUsesNoTensorCores) {
  const ConvolutionProblem problem = problem_of(resnet50_layers()[3], DType::f32, 16);
  GraphBuilder builder;
  forward(builder, problem);
  const OperationGraph graph = std::move(builder).build(target_);
  std::vector<std::string> refusals;
  const auto strict = engine_configs(graph, target_, {.tensor_cores = false}, 64, &refusals);
  EXPECT_FALSE(strict.empty());
  EXPECT_NE(std::find_if(refusals.begin(), refusals.end(),
                         [](const std::string& refusal) {
                           return refusal.find("TF32") != std::string::npos;
                         }),
            refusals.end());
}

TEST_F(CudnnPlans, SurviveBeingWrittenDown) {
  GraphBuilder builder;
  forward(builder, problem_of(resnet50_layers()[2], DType::f16, 8));
  const OperationGraph graph = std::move(builder).build(target_);
  const auto configs = engine_configs(graph, target_, {}, 1);
  ASSERT_EQ(configs.size(), 1u);
  const Plan plan = Plan::make(configs[0], target_).value();
  const std::string text = plan.to_text();
  const Plan again = Plan::from_text(text, target_).value();
  EXPECT_EQ(again.name(), plan.name());
  EXPECT_EQ(again.workspace_bytes(), plan.workspace_bytes());
  EXPECT_EQ(again.to_text(), text);
  EXPECT_FALSE(Plan::from_text("", target_));
  EXPECT_FALSE(Plan::from_text("engine 1\n{\"this\": \"is no plan\"}", target_));
  EXPECT_FALSE(Plan::from_text(text.substr(0, text.size() / 2), target_));
}

TEST_F(CudnnPlans, AreChosenWithoutADevice) {
  const ConvolutionProblem problem = problem_of(resnet50_layers()[3], DType::bf16, 32);
  CodeLibrary code;
  const Result<ChosenPlan> chosen = choose_plan(
      [&](const Target& target) {
        GraphBuilder graph;
        forward(graph, problem);
        return std::move(graph).build(target);
      },
      {}, device_, PrepareContext{code, nullptr});
  ASSERT_TRUE(chosen) << chosen.error();
  EXPECT_TRUE(chosen->plan.has_value());
  EXPECT_EQ(chosen->memory_ids.size(), 3u);
}

TEST_F(CudnnPlans, AGraphWithoutAnEngineIsRefusedWithASentence) {
  const auto wide = [](TensorShape shape) {
    shape.type = DType::f64;
    return shape;
  };
  ConvolutionProblem problem = problem_of(resnet50_layers()[3], DType::f32, 2);
  problem.input = wide(problem.input);
  problem.filter = wide(problem.filter);
  problem.result = wide(problem.result);
  CodeLibrary code;
  const Result<ChosenPlan> chosen = choose_plan(
      [&](const Target& target) {
        GraphBuilder graph;
        forward(graph, problem);
        return std::move(graph).build(target);
      },
      {}, device_, PrepareContext{code, nullptr});
  ASSERT_FALSE(chosen);
  EXPECT_NE(chosen.error().find("cuDNN has no engine"), std::string::npos) << chosen.error();
}

// What a device says of itself is taken as it is, and what brisk composes for an absent one has the
// same fields.
TEST_F(CudnnPlans, ADevicesOwnDescriptionIsTaken) {
  const auto json = read_file(BRISK_SOURCE_DIR "/tests/backends/cuda/h100_cudnn.json");
  const Result<Target> target = Target::described(json.value());
  ASSERT_TRUE(target) << target.error();
  EXPECT_FALSE(Target::described("{}"));
  EXPECT_FALSE(Target::described("no JSON"));
}

}  // namespace
}  // namespace brisk::cuda::cudnn
