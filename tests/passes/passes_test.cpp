// Text in, text out, for every pass: the cases stand in tests/passes/<pass>.txt. To see what a
// changed pass makes of them, run with BRISK_UPDATE_EXPECTED=1 and read the difference.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/base/philox.h"
#include "brisk/ir/rewrite.h"
#include "brisk/ir/text.h"
#include "brisk/ops/standard.h"
#include "brisk/passes/accumulate_gradients.h"
#include "brisk/passes/change_precision.h"
#include "brisk/passes/fuse_loops.h"
#include "brisk/passes/mixed_precision.h"
#include "brisk/passes/pipeline.h"
#include "brisk/passes/simplify.h"
#include "tests/support/pass_cases.h"
#include "tests/support/tolerances.h"

namespace brisk::testing {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(BRISK_SOURCE_DIR) / "tests" / "passes";

std::vector<Pass> pipeline_passes() {
  std::vector<Pass> passes = forward_pipeline();
  for (Pass& pass : differentiation_pipeline()) passes.push_back(std::move(pass));
  for (Pass& pass : lowering_pipeline()) passes.push_back(std::move(pass));
  return passes;
}

std::vector<std::string> words(const PassCase& pass_case, const std::string& key) {
  const auto found = pass_case.options.find(key);
  return found == pass_case.options.end() ? std::vector<std::string>() : found->second;
}

int64_t number(const PassCase& pass_case, const std::string& key) {
  return std::stoll(words(pass_case, key).at(0));
}

/// "target fused_dot batch_norm": what the backend can do, and its native composites.
LoweringTarget target_of(const PassCase& pass_case) {
  LoweringTarget target{.name = "test"};
  for (const std::string& word : words(pass_case, "target")) {
    if (word == "fused_loops")
      target.fused_loops = true;
    else if (word == "fused_rows")
      target.longest_fused_row = 32768;
    else if (word == "channels_of_4_or_8")
      target.channel_steps = {4, 8};
    else if (word == "tf32")
      target.tf32 = true;
    else if (word == "slow_bf16")
      target.slow_products = {DType::bf16};
    else if (word == "loop_groups")
      target.loop_groups = true;
    else if (word == "fused_convolution")
      target.fused_convolution = true;
    else if (word == "fused_dot")
      target.fused_dot = true;
    else if (word == "fused_relu6")
      target.fused_relu6 = true;
    else if (word == "folds_batch_norm")
      target.folds_batch_norm = true;
    else if (word == "batch_norm_parts")
      target.batch_norm_parts = {DType::f32};
    else if (word == "batch_norm_through_pointwise")
      target.batch_norm_through_pointwise = {DType::f32};
    else
      target.native_composites.insert(word);
  }
  return target;
}

Program read_input(const std::string& text) {
  if (text.starts_with("program")) return parse_program(text, standard_ops()).value();
  Graph graph = parse_graph(text, standard_ops()).value();
  const auto num_results = static_cast<int64_t>(graph.outputs().size());
  return {.graph = std::move(graph), .num_results = num_results};
}

DType type_named(const std::string& name) {
  const auto type = parse_dtype(name);
  require(type.has_value(), "'{}' is no element type", name);
  return *type;
}

Program apply(const PassCase& pass_case, Program program) {
  if (pass_case.pass == "mixed_precision")
    return mixed_precision(std::move(program), type_named(words(pass_case, "type").at(0)));
  if (pass_case.pass == "change_precision")
    return change_precision(std::move(program), type_named(words(pass_case, "from").at(0)),
                            type_named(words(pass_case, "to").at(0)));
  if (pass_case.pass == "accumulate_gradients") {
    program.graph =
        accumulate_gradients(program.graph, number(pass_case, "parts"), program.state.size(),
                             static_cast<size_t>(number(pass_case, "averaged")), program.updates);
    return program;
  }
  if (pass_case.pass == "one_loop_an_op") {
    program.graph = one_loop_an_op(program.graph);
    return program;
  }
  const PassContext context{.target = target_of(pass_case)};
  for (const Pass& pass : pipeline_passes())
    if (pass.name == pass_case.pass) return run_pass(std::move(program), pass, context);
  refuse("there is no pass '{}'", pass_case.pass);
}

/// Floats in [-2, 2], small whole numbers, coin flips.
std::vector<Tensor> some_inputs(const Graph& graph) {
  PhiloxSequence random(graph.hash());
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const Type& type = graph.input_type(i);
    Tensor& input = inputs.emplace_back(type.dtype(), type.shape().sizes());
    const bool floats = is_floating(type.dtype());
    for (int64_t e = 0; e < input.num_elements(); ++e)
      input.set(e, floats ? 4 * random.next_unit() - 2
                          : static_cast<double>(
                                random.next_below(type.dtype() == DType::boolean ? 2 : 3)));
  }
  return inputs;
}

/// Passes that may change more than the order of roundings, judged where their numbers are tested.
bool keeps_results(const std::string& pass) {
  return pass != "mixed_precision" && pass != "change_precision" && pass != "accumulate_gradients";
}

class Passes : public ::testing::TestWithParam<PassCase> {};

TEST_P(Passes, MakeTheExpectedText) {
  const Program before = read_input(GetParam().input);
  const Program after = apply(GetParam(), before);
  verify(after);
  const std::string text = print(after);
  if (std::getenv("BRISK_UPDATE_EXPECTED") != nullptr)
    replace_output(kFolder, GetParam(), text);
  else
    EXPECT_EQ(text, GetParam().output);
}

TEST_P(Passes, KeepTheResults) {
  const Program before = read_input(GetParam().input);
  const Program after = apply(GetParam(), before);
  if (!keeps_results(GetParam().pass) || !before.graph.dimensions().empty()) return;
  const std::vector<Tensor> inputs = some_inputs(before.graph);
  const std::vector<Tensor> expected = reference::evaluate(before.graph, inputs);
  const std::vector<Tensor> actual = reference::evaluate(after.graph, inputs);
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(difference(expected[i], actual[i], ErrorModel::sum, 10), "") << "result " << i;
}

TEST_P(Passes, HaveNothingMoreToDoTheSecondTime) {
  if (!keeps_results(GetParam().pass)) return;
  const Program once = apply(GetParam(), read_input(GetParam().input));
  EXPECT_EQ(print(apply(GetParam(), once)), print(once));
}

INSTANTIATE_TEST_SUITE_P(, Passes, ::testing::ValuesIn(read_pass_cases(kFolder)),
                         [](const auto& info) { return info.param.pass + "_" + info.param.name; });

TEST(PassFiles, ThereIsOneForEachPass) {
  for (const Pass& pass : pipeline_passes())
    EXPECT_TRUE(std::filesystem::exists(kFolder / (pass.name + ".txt"))) << pass.name;
}

/// True when rewriting by this one rule changes the graph.
bool fires(const SimplifyRule& rule, const Graph& graph) {
  const Graph rewritten =
      rewrite(graph,
              [&](Builder& builder, const Node& node, NodeId,
                  std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                if (node.op->name != rule.op) return std::nullopt;
                const auto replaced = rule.apply(builder, node, operands);
                return replaced ? std::optional(std::vector{*replaced}) : std::nullopt;
              });
  return !(rewritten == graph);
}

TEST(SimplifyRules, EachHasACaseInWhichItFires) {
  std::vector<Graph> graphs;
  for (const PassCase& pass_case : read_pass_cases(kFolder))
    if (pass_case.pass == "simplify") graphs.push_back(read_input(pass_case.input).graph);
  for (const SimplifyRule& rule : simplify_rules())
    EXPECT_TRUE(std::any_of(graphs.begin(), graphs.end(),
                            [&](const Graph& graph) { return fires(rule, graph); }))
        << rule.op << ": " << rule.rule;
}

}  // namespace
}  // namespace brisk::testing
