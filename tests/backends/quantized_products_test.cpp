#include <gtest/gtest.h>

#include "brisk/backends/cpu/cpu_features.h"
#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/runtime/backend.h"
#include "tests/support/case_graph.h"
#include "tests/support/kernel_case.h"
#include "tests/support/op_cases.h"

// The op cases give a product operands that may change, which no integer kernel takes. Here weights
// are state, as in a model: kernels against the decomposition, to the last bit.

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

/// The result of `op_case` on the CPU with `threads`, after weights of all zeros were bound first;
/// `kernel` gets the name of what runs it.
Tensor run_on_cpu(const OpCase& op_case, const Graph& graph, std::span<const Tensor> operands,
                  int threads, std::string& kernel) {
  const std::vector<Tensor> state(operands.begin() + 1, operands.begin() + 4);
  std::vector<Tensor> batch = {operands[0]};
  if (operands.size() > 4) batch.push_back(operands[4]);
  CompileOptions options;
  options.threads = threads;
  const auto executable =
      compile(with_weights_as_state(graph), **find_backend("cpu"), options).executable;
  executable->bind_state(
      std::vector<Tensor>{Tensor::zeros(DType::i8, state[0].sizes()), state[1], state[1]});
  executable->run(batch);
  executable->bind_state(state);  // what was packed from the others is stale
  Tensor result = executable->run(batch)[0].clone();
  EXPECT_TRUE(bit_equal(executable->run(batch)[0], result))
      << op_case << " differs in a second run";
  for (const KernelReport& report : executable->explain())
    if (report.op == op_case.op) kernel = report.kernel;
  return result;
}

/// The kernel of our own that takes it where there is VNNI; empty where none is faster than
/// oneDNN's.
std::string own_kernel(const OpCase& op_case, const Graph& graph) {
  const auto has = [&](const char* part) { return op_case.name.find(part) != std::string::npos; };
  const bool to_integers = graph.output_type(0).dtype() != DType::f32;
  if (has("depthwise") && graph.inputs().size() == 4 && to_integers) return "quantized_depthwise/";
  const auto last_extent = [](const Type& type) { return type.shape().size(type.rank() - 1); };
  const bool pointwise = (op_case.op == "quantized_dot" || has("1x1")) &&
                         last_extent(graph.input_type(0)) % 4 == 0 &&
                         last_extent(graph.output_type(0)) >= 32 && !cpu::has_feature("amx_int8");
  return pointwise ? "quantized_pointwise/" : "";
}

/// `takes`: whether a kernel's name is of one that is expected to run a case that is not empty.
template <typename Takes>
void expect_the_decompositions(const Takes& takes) {
  for (const OpCase& op_case : products())
    for (const DType type : op_case.types) {
      const Graph graph = case_graph(op_case, type);
      const std::vector<Tensor> operands = case_values(op_case, type);
      const Tensor expected = reference::evaluate(graph, operands).at(0);
      for (const int threads : {1, 2}) {
        std::string kernel;
        const Tensor result = run_on_cpu(op_case, graph, operands, threads, kernel);
        EXPECT_TRUE(bit_equal(result, expected))
            << op_case << " in " << name(type) << ", " << threads << " threads, by " << kernel;
        EXPECT_TRUE(expected.num_elements() == 0 || takes(op_case, graph, kernel))
            << op_case << " in " << name(type) << " is left to " << kernel;
      }
    }
}

TEST(QuantizedProducts, AreTheDecompositionsToTheLastBit) {
  if (!cpu::kernels_have_vnni()) GTEST_SKIP() << "this processor has no VNNI";
  expect_the_decompositions(
      [](const OpCase& op_case, const Graph& graph, const std::string& kernel) {
        const std::string own = own_kernel(op_case, graph);
        if (!own.empty()) return kernel.starts_with(own);
        return kernel.starts_with("onednn/") || kernel.starts_with("integer/");
      });
}

TEST(QuantizedProducts, AreTheSameWithoutInstructionsOfTheirOwn) {
  for (const char* isa : {"avx512", "avx2"}) {
    const testing::IsaScope scope(isa);
    if (cpu::name(cpu::kernel_isa()) != isa) continue;
    const std::string wanted = std::string("integer/") + isa;
    expect_the_decompositions(
        [&](const OpCase&, const Graph&, const std::string& kernel) { return kernel == wanted; });
  }
}

TEST(QuantizedProducts, OfBytesKeepToTheirMemory) {
  for (const OpCase& op_case : products()) {
    const testing::KernelCase k(op_case, DType::u8);
    if (k.expected()[0].num_elements() > 0) expect_agrees(k, "integer", testing::ErrorModel::sum);
  }
}

}  // namespace
}  // namespace brisk
