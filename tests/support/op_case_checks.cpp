#include "tests/support/op_case_checks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "brisk/autodiff/gradient.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/ir/rewrite.h"
#include "brisk/ir/text.h"
#include "brisk/runtime/backend.h"
#include "tests/support/case_graph.h"
#include "tests/support/finite_differences.h"
#include "tests/support/tested_backends.h"
#include "tests/support/tolerances.h"

namespace brisk::testing {
namespace {

bool any_node(const Graph& graph, const std::function<bool(const Node&)>& predicate) {
  return std::any_of(graph.nodes().begin(), graph.nodes().end(), [&](const Node& node) {
    return predicate(node) ||
           std::any_of(node.regions.begin(), node.regions.end(),
                       [&](const Graph& region) { return any_node(region, predicate); });
  });
}

/// Ops whose every result element is one rounding of a short expression.
bool is_single(OpKind kind) {
  return kind == OpKind::elementwise || kind == OpKind::move || kind == OpKind::source;
}

ErrorModel error_model(const Graph& graph) {
  return any_node(graph, [](const Node& node) { return !is_single(node.op->kind); })
             ? ErrorModel::sum
             : ErrorModel::single;
}

std::vector<size_t> differentiated_inputs(const OpCase& op_case) {
  std::vector<size_t> wrt;
  for (size_t i = 0; i < op_case.operands.size(); ++i) {
    const CaseOperand& operand = op_case.operands[i];
    if (operand.differentiated && is_floating(operand.type.value_or(DType::f64))) wrt.push_back(i);
  }
  return wrt;
}

bool has_f64_gradient(const OpCase& op_case) {
  const auto& types = op_case.types;
  return op_case.check_gradient && std::count(types.begin(), types.end(), DType::f64) > 0 &&
         !differentiated_inputs(op_case).empty();
}

/// A graph of outputs and gradients without its outputs.
Graph gradients_only(const Graph& graph, std::span<const size_t> wrt) {
  const Graph both = gradient(graph, 0, wrt);
  Builder builder(both.ops(), both.name());
  std::vector<Value> inputs;
  for (size_t i = 0; i < both.inputs().size(); ++i)
    inputs.push_back(builder.input(both.input_name(i), both.input_type(i)));
  const std::vector<Value> outputs = builder.inline_graph(both, inputs);
  std::vector<Builder::Output> kept;
  for (size_t i = graph.outputs().size(); i < outputs.size(); ++i)
    kept.push_back({both.outputs()[i].name, outputs[i]});
  return builder.finish(kept);
}

std::vector<Tensor> with_weights(std::vector<Tensor> tensors, const Graph& graph, uint64_t key) {
  const std::vector<Tensor> weights = weights_for(graph, tensors.size(), key);
  tensors.insert(tensors.end(), weights.begin(), weights.end());
  return tensors;
}

void expect_agree(const std::vector<Tensor>& expected, std::span<const Tensor> actual,
                  ErrorModel model, double roundings, const std::string& what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(difference(expected[i], actual[i], model, roundings), "") << what << ", result " << i;
}

Compilation compile_afresh(const Program& program, const Backend& backend, CompileOptions options) {
  options.verify = true;
  options.cache = false;  // what the code generator makes now, not what it made some day
  return compile(program, backend, options);
}

std::vector<Tensor> run_on(const Graph& graph, const std::vector<Tensor>& inputs,
                           const Backend& backend, const CompileOptions& options) {
  const Program program{.graph = graph,
                        .num_results = static_cast<int64_t>(graph.outputs().size())};
  const Compilation compiled = compile_afresh(program, backend, options);
  std::vector<Tensor> copies;  // the executable owns what it returns
  for (const Tensor& result : compiled.executable->run(inputs)) copies.push_back(result.clone());
  return copies;
}

std::string where(const std::string& what, const Backend& backend, const CompileOptions& options) {
  return fmt::format("{}{} on backend '{}'{}", what, options.tf32 ? " as TF32" : "", backend.name(),
                     options.disabled_passes.empty() ? "" : " without fusion");
}

/// A graph on a backend against plain evaluation.
void check_backend(const Graph& graph, const std::vector<Tensor>& inputs, double roundings,
                   const Backend& backend, const CompileOptions& options, const std::string& what) {
  expect_agree(reference::evaluate(graph, inputs), run_on(graph, inputs, backend, options),
               error_model(graph), roundings, where(what, backend, options));
}

/// The same with the weights as state that stays as it is, in three runs: a backend may prepare
/// weights once, and capture what it ran before.
void check_with_weights(const OpCase& op_case, const Graph& graph,
                        const std::vector<Tensor>& inputs, const Backend& backend,
                        const std::string& what) {
  const auto is_weight = [&](size_t i) { return i > 0 && i <= op_case.num_weights; };
  Builder builder(graph.ops(), "with_weights");
  Program program;
  std::vector<Value> values(inputs.size());
  std::vector<Tensor> weights, rest;
  for (const bool as_weight : {true, false})
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (is_weight(i) != as_weight) continue;
      values[i] = builder.input(graph.input_name(i), graph.input_type(i));
      (as_weight ? weights : rest).push_back(inputs[i]);
      if (as_weight)
        program.state.push_back(
            {.name = graph.input_name(i), .type = graph.input_type(i), .trainable = false});
    }
  std::vector<Builder::Output> outputs;
  for (const Value& value : builder.inline_graph(graph, values))
    outputs.push_back({fmt::format("result{}", outputs.size()), value});
  program.num_results = static_cast<int64_t>(outputs.size());
  program.graph = builder.finish(outputs);
  const Compilation compiled = compile_afresh(program, backend, {});
  compiled.executable->bind_state(weights);
  const std::vector<Tensor> expected = reference::evaluate(graph, inputs);
  for (int run = 0; run < 3; ++run)
    expect_agree(expected, compiled.executable->run(rest), error_model(graph), op_case.roundings,
                 fmt::format("{} with weights that stay, run {}", where(what, backend, {}), run));
}

/// The case with f32 operands of the same values: what its sums are before anything is rounded.
std::vector<Tensor> unrounded(const OpCase& op_case, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> wide;
  for (size_t i = 0; i < inputs.size(); ++i)
    wide.push_back(op_case.operands[i].type ? inputs[i] : inputs[i].cast(DType::f32));
  return reference::evaluate(case_graph(op_case, DType::f32), wide);
}

/// OpCase::sums_of_result of what a backend has made.
std::vector<Tensor> rounded(const OpCase& op_case, const Graph& graph, std::vector<Tensor> inputs,
                            const std::vector<Tensor>& results) {
  Builder builder(graph.ops(), "sums");
  std::vector<Value> values;
  inputs.insert(inputs.end(), results.begin(), results.end());
  for (const Tensor& tensor : inputs)
    values.push_back(builder.input(fmt::format("value{}", values.size()),
                                   Type(tensor.dtype(), Shape(tensor.sizes()))));
  std::vector<Builder::Output> outputs;
  for (const Value& sum : op_case.sums_of_result(builder, values))
    outputs.push_back({fmt::format("sum{}", outputs.size()), sum});
  return reference::evaluate(builder.finish(outputs), inputs);
}

/// As check_backend, but that the results behind the first one are sums over it, each of which must
/// be the one before or the one after rounding, in f32's tolerance.
void check_sums(const OpCase& op_case, const Graph& graph, const std::vector<Tensor>& inputs,
                const Backend& backend, const CompileOptions& options, const std::string& what) {
  const std::string text = where(what, backend, options);
  const std::vector<Tensor> actual = run_on(graph, inputs, backend, options);
  EXPECT_EQ(difference(reference::evaluate(graph, inputs)[0], actual[0], ErrorModel::sum,
                       op_case.roundings),
            "")
      << text;
  const std::vector<Tensor> before = unrounded(op_case, inputs);
  const std::vector<Tensor> after = rounded(op_case, graph, inputs, actual);
  ASSERT_EQ(after.size() + 1, actual.size());
  for (size_t i = 1; i < actual.size(); ++i) {
    const auto differs = [&](const Tensor& expected) {
      return difference(expected, actual[i], ErrorModel::sum, op_case.roundings);
    };
    const std::string from_before = differs(before[i]), from_after = differs(after[i - 1]);
    EXPECT_TRUE(from_before.empty() || from_after.empty())
        << text << ", result " << i << ": before rounding, " << from_before << "; after it, "
        << from_after;
  }
}

/// Has products, perhaps after decomposition.
bool multiplies(const Graph& graph) {
  return any_node(graph, [](const Node& node) {
    return node.op->kind == OpKind::contract || node.op->kind == OpKind::convolve ||
           node.op->kind == OpKind::composite;
  });
}

/// TF32 has as many bits as f16.
double tf32_roundings(double roundings) {
  return roundings * tolerance(DType::f16) / tolerance(DType::f32);
}

/// More than one node that computes, once composites are decomposed: what fusion can change.
bool can_be_fused(const Graph& graph) {
  int64_t nodes = 0;
  for (const Node& node : graph.nodes())
    nodes += node.op->kind == OpKind::source ? 0 : node.op->decompose_rule ? 2 : 1;
  return nodes > 1;
}

}  // namespace

void check_meaning(const OpCase& op_case) {
  for (const DType type : op_case.types) {
    const Graph graph = case_graph(op_case, type);
    EXPECT_TRUE(any_node(graph, [&](const Node& node) { return node.op->name == op_case.op; }))
        << print(graph);
    verify(graph);
    const std::vector<Tensor> results = reference::evaluate(graph, case_values(op_case, type));
    for (size_t i = 0; i < results.size(); ++i)
      EXPECT_EQ(Type(results[i].dtype(), Shape(results[i].sizes())), graph.output_type(i));
    const std::string text = print(graph);
    const Result<Graph> again = parse_graph(text, graph.ops());
    ASSERT_TRUE(again.ok()) << again.error() << "\n" << text;
    EXPECT_EQ(print(*again), text);
    EXPECT_TRUE(*again == graph) << text;
  }
}

void check_backends(const OpCase& op_case) {
  for (const auto& backend : tested_backends()) {
    for (const DType type : op_case.types) {
      const Graph graph = case_graph(op_case, type);
      const std::vector<Tensor> inputs = case_values(op_case, type);
      const std::string what(name(type));
      const auto check = [&](const CompileOptions& options) {
        if (is_short_float(type) && op_case.sums_of_result)
          check_sums(op_case, graph, inputs, *backend, options, what);
        else
          check_backend(graph, inputs, op_case.roundings, *backend, options, what);
      };
      check({});
      if (op_case.num_weights > 0) check_with_weights(op_case, graph, inputs, *backend, what);
      if (backend->target().fused_loops && can_be_fused(graph))
        check({.disabled_passes = {"fuse_loops", "fuse_epilogues"}});
      if (type == DType::f32 && multiplies(graph) && backend->tf32_target().ok())
        check_backend(graph, inputs, tf32_roundings(op_case.roundings), *backend, {.tf32 = true},
                      what);
    }
  }
}

void check_gradient_on_backends(const OpCase& op_case) {
  if (!has_f64_gradient(op_case)) return;
  const Graph graph = case_graph(op_case, DType::f32);
  const std::optional<Graph> loss = projected(graph);
  if (!loss) return;  // no result is floating
  const Graph gradients = gradients_only(*loss, differentiated_inputs(op_case));
  const std::vector<Tensor> inputs =
      with_weights(case_values(op_case, DType::f32), *loss, key_of(op_case.name));
  for (const auto& backend : tested_backends()) {
    // A gradient is a formula of several ops, each rounded or not.
    check_backend(gradients, inputs, 8.0 * op_case.roundings, *backend, {}, "gradient in f32");
  }
}

void check_gradient(const OpCase& op_case) {
  if (!has_f64_gradient(op_case)) return;
  const std::vector<size_t> wrt = differentiated_inputs(op_case);
  const Graph graph = case_graph(op_case, DType::f64);
  const std::optional<Graph> loss = projected(graph);
  if (!loss) return;  // no result is floating
  const uint64_t key = key_of(op_case.name);
  const std::vector<Tensor> inputs = with_weights(case_values(op_case, DType::f64), *loss, key);
  const Graph first = gradients_only(*loss, wrt);
  EXPECT_EQ(gradient_difference(*loss, inputs, wrt, reference::evaluate(first, inputs), key), "");

  if (any_node(graph, [](const Node& node) { return !node.op->smooth; })) return;
  const std::optional<Graph> slope = projected(first);
  const std::vector<Tensor> more = with_weights(inputs, *slope, key + 1);
  const Graph second = gradients_only(*slope, wrt);
  EXPECT_EQ(gradient_difference(*slope, more, wrt, reference::evaluate(second, more), key), "")
      << "second derivative";
}

void check_decomposition(const OpCase& op_case) {
  const auto& types = op_case.types;
  const DType type = std::count(types.begin(), types.end(), DType::f64) > 0 ? DType::f64 : types[0];
  const Graph graph = case_graph(op_case, type);
  if (!any_node(graph, [](const Node& node) { return bool(node.op->decompose_rule); })) return;
  const Graph decomposed =
      rewrite(graph,
              [](Builder& builder, const Node& node, NodeId,
                 std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                if (!node.op->decompose_rule) return std::nullopt;
                return node.op->decompose_rule(
                    {builder, operands, node.attributes, node.regions, node.results});
              });
  std::vector<Tensor> inputs = case_values(op_case, type);
  expect_agree(reference::evaluate(graph, inputs), reference::evaluate(decomposed, inputs),
               ErrorModel::sum, op_case.roundings, "decomposed");
  if (!has_f64_gradient(op_case)) return;
  const std::vector<size_t> wrt = differentiated_inputs(op_case);
  if (!projected(graph)) return;  // no result is floating
  const Graph loss = *projected(graph), decomposed_loss = *projected(decomposed);
  inputs = with_weights(inputs, loss, key_of(op_case.name));
  // Two formulas for one derivative: roundings differ, so a wider multiple of f64's tolerance.
  expect_agree(reference::evaluate(gradients_only(loss, wrt), inputs),
               reference::evaluate(gradients_only(decomposed_loss, wrt), inputs), ErrorModel::sum,
               1e3, "gradient of the decomposition");
}

void check_index_map(const OpCase& op_case) {
  const Graph graph = case_graph(op_case, op_case.types[0]);
  for (const Node& node : graph.nodes()) {
    if (!node.op->index_map_rule || node.operands.size() != 1) continue;
    const std::vector<Type> operands = {graph.type(node.operands[0])};
    const auto map = node.op->index_map_rule({*node.op, operands, node.attributes, node.regions},
                                             node.results[0]);
    if (!map) continue;
    // The operand's elements are their own numbers, so that the result tells where they come from.
    Node numbered = node;
    numbered.results = {Type(DType::i64, node.results[0].shape())};
    Tensor numbers(DType::i64, operands[0].shape().sizes());
    for (int64_t i = 0; i < numbers.num_elements(); ++i) numbers.set(i, static_cast<double>(i));
    const Tensor moved = reference::evaluate_node(numbered, std::span(&numbers, 1))[0];
    const auto sizes = moved.sizes(), strides = row_major_strides(sizes);
    const auto source_strides = row_major_strides(numbers.sizes());
    for (int64_t i = 0; i < moved.num_elements(); ++i) {
      int64_t source = 0;
      for (size_t d = 0; d < source_strides.size(); ++d) {
        int64_t index = map->offset[d];
        for (size_t j = 0; j < sizes.size(); ++j)
          index += map->stride[d][j] * (i / strides[j] % sizes[j]);
        source += index * source_strides[d];
      }
      ASSERT_EQ(source, static_cast<int64_t>(moved.get(i))) << "source of element " << i;
    }
  }
}

}  // namespace brisk::testing
