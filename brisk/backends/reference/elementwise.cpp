// Elementwise ops: the op's scalar expression is flattened once and interpreted line by line over
// blocks of elements, each line by `evaluate` of ir/expr.h, which is the definition.

#include <algorithm>

#include "brisk/backends/reference/elements.h"
#include "brisk/backends/reference/kernels.h"
#include "brisk/base/error.h"

namespace brisk::reference {
namespace {

constexpr int64_t kBlock = 128;
using Line = std::vector<Scalar>;  ///< values of one instruction over a block

ScalarProgram program_of(const KernelCall& call) {
  std::vector<Expr> inputs;
  for (size_t i = 0; i < call.operands.size(); ++i)
    inputs.push_back(Expr::input(static_cast<int>(i), compute_type(call.in(i).dtype())));
  const TensorType& result = call.result();
  const Expr expr = call.node.op->expr_rule(
      {inputs, call.node.attributes, compute_type(result.dtype), result.shape});
  invariant(expr.type() == compute_type(result.dtype), "[{}] its expression is {}, its result {}",
            call.node.op->name, name(expr.type()), name(result.dtype));
  return flatten(expr);
}

Scalar constant_of(const ScalarInstruction& instruction) {
  const double value = instruction.type == DType::f32
                           ? static_cast<double>(static_cast<float>(instruction.value))
                           : instruction.value;
  return {value, instruction.bits};
}

/// The interpreter's registers, and where in the result they stand.
class Block {
 public:
  Block(const KernelCall& call, const ScalarProgram& program)
      : call_(call),
        program_(program),
        sizes_(call.result().shape.sizes()),
        strides_(row_major_strides(sizes_)),
        lines_(program.size(), Line(kBlock)) {}

  /// Values of the last line for elements [start, start + count).
  std::span<const Scalar> run(int64_t start, int64_t count) {
    for (size_t i = 0; i < program_.size(); ++i)
      run_line(program_[i], std::span(lines_[i]).first(static_cast<size_t>(count)), start);
    return std::span(lines_.back()).first(static_cast<size_t>(count));
  }

 private:
  void run_line(const ScalarInstruction& instruction, std::span<Scalar> line, int64_t start) {
    switch (instruction.op) {
      case ScalarOp::input:
        return load_scalars(call_.in(static_cast<size_t>(instruction.index)), start, line);
      case ScalarOp::constant:
        return std::fill(line.begin(), line.end(), constant_of(instruction));
      case ScalarOp::linear_index:
        for (size_t i = 0; i < line.size(); ++i) line[i].bits = static_cast<uint64_t>(start) + i;
        return;
      case ScalarOp::coordinate: {
        const auto axis = static_cast<size_t>(instruction.index);
        for (size_t i = 0; i < line.size(); ++i)
          line[i].bits = static_cast<uint64_t>((start + static_cast<int64_t>(i)) / strides_[axis] %
                                               sizes_[axis]);
        return;
      }
      default:
        return compute_line(instruction, line);
    }
  }

  void compute_line(const ScalarInstruction& instruction, std::span<Scalar> line) {
    std::array<const Scalar*, 3> sources{};
    size_t count = 0;
    for (; count < 3 && instruction.operands[count] >= 0; ++count)
      sources[count] = lines_[static_cast<size_t>(instruction.operands[count])].data();
    const size_t typed = instruction.op == ScalarOp::select ? 1 : 0;
    const DType type = program_[static_cast<size_t>(instruction.operands[typed])].type;
    std::array<Scalar, 3> operands;
    for (size_t i = 0; i < line.size(); ++i) {
      for (size_t k = 0; k < count; ++k) operands[k] = sources[k][i];
      line[i] = evaluate(instruction, type, std::span<const Scalar>(operands).first(count));
    }
  }

  const KernelCall& call_;
  const ScalarProgram& program_;
  std::vector<int64_t> sizes_, strides_;
  std::vector<Line> lines_;
};

}  // namespace

std::vector<Tensor> evaluate_expression(const KernelCall& call) {
  const TensorType& type = call.result();
  Tensor result(type.dtype, type.shape.sizes());
  for (const Tensor& operand : call.operands)
    require(operand.sizes() == result.sizes(), "[{}] operand {} differs in shape from result {}",
            call.node.op->name, operand.describe(), result.describe());
  const ScalarProgram program = program_of(call);
  Block block(call, program);
  for (int64_t start = 0; start < result.num_elements(); start += kBlock) {
    const int64_t count = std::min(kBlock, result.num_elements() - start);
    store_scalars(result, start, block.run(start, count));
  }
  return {result};
}

}  // namespace brisk::reference
