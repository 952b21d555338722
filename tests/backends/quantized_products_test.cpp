#include <gtest/gtest.h>

#include "brisk/backends/cpu/cpu_features.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/runtime/backend.h"
#include "tests/support/case_graph.h"
#include "tests/support/op_cases.h"

// The op cases give a product operands that may change, which no integer kernel takes. Here weights
// are state, as in a model: our own and oneDNN's kernels against the decomposition, to the last
// bit.

namespace brisk {
namespace {

using testing::OpCase;

std::vector<OpCase> products() {
  std::vector<OpCase> cases;
  for (OpCase& op_case : testing::quantize_cases())
    if (op_case.op.starts_with("quantized_")) cases.push_back(std::move(op_case));
  return cases;
}

/// The case with its filter, bias and multiplier as state; state comes first.
Program with_weights_as_state(const Graph& graph) {
  Builder builder(graph.ops(), "product");
  std::vector<Value> values(graph.inputs().size());
  Program program;
  for (const bool state : {true, false})
    for (size_t i = 0; i < values.size(); ++i)
      if ((i >= 1 && i <= 3) == state) {
        values[i] = builder.input(graph.input_name(i), graph.input_type(i));
        if (state) program.state.push_back({graph.input_name(i), graph.input_type(i)});
      }
  const std::vector<Value> results = builder.inline_graph(graph, values);
  program.graph = builder.finish({{"y", results[0]}});
  program.num_results = 1;
  return program;
}

/// The kernel that takes it where there is VNNI; nothing where none does.
std::string wanted_kernel(const OpCase& op_case, const Graph& graph) {
  const auto has = [&](const char* part) { return op_case.name.find(part) != std::string::npos; };
  const bool to_integers = graph.output_type(0).dtype() != DType::f32;
  if (has("depthwise") && graph.inputs().size() == 4 && to_integers) return "quantized_depthwise/";
  if (has("cropped")) return "";
  const auto last_extent = [](const Type& type) { return type.shape().size(type.rank() - 1); };
  const bool own = (op_case.op == "quantized_dot" || has("1x1")) &&
                   last_extent(graph.input_type(0)) % 4 == 0 &&
                   last_extent(graph.output_type(0)) >= 32 && !cpu::has_feature("amx_int8");
  return own ? "quantized_pointwise/" : "onednn/";
}

TEST(QuantizedProducts, AreTheDecompositionsToTheLastBit) {
  const bool fast = cpu::has_feature("avx512_vnni");
  for (const OpCase& op_case : products())
    for (const DType type : op_case.types) {
      const Graph graph = case_graph(op_case, type);
      const std::vector<Tensor> operands = case_values(op_case, type);
      const Tensor expected = reference::evaluate(graph, operands).at(0);
      const Program program = with_weights_as_state(graph);
      const std::vector<Tensor> state(operands.begin() + 1, operands.begin() + 4);
      std::vector<Tensor> batch = {operands[0]};
      if (operands.size() > 4) batch.push_back(operands[4]);
      for (const int threads : {1, 2}) {
        CompileOptions options;
        options.threads = threads;
        const auto executable = compile(program, **find_backend("cpu"), options).executable;
        std::vector<Tensor> other = {Tensor::zeros(DType::i8, state[0].sizes()), state[1],
                                     state[1]};
        executable->bind_state(other);
        executable->run(batch);
        executable->bind_state(state);  // what was packed from the others is stale
        for (int run = 0; run < 2; ++run)
          EXPECT_TRUE(bit_equal(executable->run(batch)[0], expected))
              << op_case << " in " << name(type) << ", " << threads << " threads, run " << run;
        if (!fast || expected.num_elements() == 0) continue;
        const std::string wanted = wanted_kernel(op_case, graph);
        const auto reports = executable->explain();
        EXPECT_TRUE(std::any_of(reports.begin(), reports.end(),
                                [&](const KernelReport& report) {
                                  return report.op == op_case.op &&
                                         report.kernel.starts_with(wanted);
                                }))
            << op_case << " in " << name(type) << " is not " << wanted;
      }
    }
}

}  // namespace
}  // namespace brisk
