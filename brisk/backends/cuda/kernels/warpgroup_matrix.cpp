#include "brisk/backends/cuda/kernels/warpgroup_matrix.h"

#include "brisk/base/error.h"

namespace brisk::cuda {

std::string warpgroup_matrix_text(const WarpgroupMatrix& matrix) {
  const auto count = static_cast<size_t>(matrix.columns / 2);
  const bool registers = matrix.left.size() > 1;
  std::string products, results;
  for (size_t i = 0; i < count; ++i) {
    products += fmt::format("{}%{}", i == 0 ? "" : ", ", i);
    results += fmt::format("{}\"+f\"({}[{}])", i == 0 ? "" : ", ", matrix.sums, i);
  }
  std::string left, operands;
  for (size_t i = 0; i < matrix.left.size(); ++i) {
    left += fmt::format("{}%{}", i == 0 ? "" : ", ", count + i);
    operands += fmt::format("\"{}\"({}), ", registers ? "r" : "l", matrix.left[i]);
  }
  const size_t right = count + matrix.left.size();
  std::string kind = "k8.f32.tf32.tf32", turns;
  if (matrix.type != DType::f32) {
    kind = fmt::format("k16.f32.{0}.{0}", name(matrix.type));
    if (!registers) turns = fmt::format(", {}", matrix.left_turned ? 1 : 0);
    turns += fmt::format(", {}", matrix.right_turned ? 1 : 0);
  }
  return fmt::format(
      "asm volatile(\"{{\\n.reg .pred p;\\nsetp.ne.b32 p, %{}, 0;\\n"
      "wgmma.mma_async.sync.aligned.m64n{}{} {{{}}}, {}, %{}, p, 1, 1{};\\n}}\" : {} : "
      "{}\"l\"({}), "
      "\"r\"((u32)({})));",
      right + 1, matrix.columns, kind, products, registers ? "{" + left + "}" : left, right, turns,
      results, operands, matrix.right, matrix.adds);
}

}  // namespace brisk::cuda
