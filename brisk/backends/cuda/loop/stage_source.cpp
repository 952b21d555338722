#include "brisk/backends/cuda/loop/stage_source.h"

#include <algorithm>

#include "brisk/backends/cuda/loop/stage_frame.h"

namespace brisk::cuda {

int64_t StageFrame::count(const std::vector<size_t>& axes) const {
  int64_t product = 1;
  for (const size_t a : axes) product *= program.axes[a].size;
  return product;
}

uint64_t StageFrame::bits(const std::vector<size_t>& axes) {
  uint64_t mask = 0;
  for (const size_t a : axes) mask |= uint64_t{1} << a;
  return mask;
}

std::string StageFrame::coordinates(const std::vector<size_t>& axes,
                                    const std::string& number) const {
  std::vector<size_t> moving;
  for (const size_t a : axes)
    if (program.axes[a].size > 1) moving.push_back(a);
  std::string code;
  int64_t step = 1;
  for (size_t i = moving.size(); i-- > 0;) {
    const int64_t size = program.axes[moving[i]].size;
    std::string value = number;
    if (step > 1) value = fmt::format("{} / {}u", value, step);
    if (i > 0) value = fmt::format("{} % {}u", value, size);
    code += fmt::format("      const ix c{} = {};\n", moving[i], value);
    step *= size;
  }
  return code;
}

std::string StageFrame::turned(const std::string& number, int64_t count) const {
  return stage.descending ? fmt::format("(ix)({}ull) - ({})", count - 1, number) : number;
}

std::vector<size_t> StageFrame::reductions_of(int32_t phase) const {
  std::vector<size_t> list;
  for (size_t r = 0; r < program.reductions.size(); ++r)
    if (plan.line_phase[static_cast<size_t>(program.reductions[r].line)] == phase)
      list.push_back(r);
  return list;
}

DType StageFrame::type_of(size_t reduction) const {
  return program.lines[static_cast<size_t>(program.reductions[reduction].line)].type;
}

std::string StageFrame::identity(size_t reduction) const {
  return literal_text(type_of(reduction), program.reductions[reduction].identity,
                      program.reductions[reduction].identity_bits);
}

std::string StageFrame::combiner(size_t reduction) const {
  const std::string type = compute_text(type_of(reduction));
  return fmt::format("[]({} x, {} y) {{ return op_{}(x, y); }}", type, type,
                     brisk::name(program.reductions[reduction].combiner));
}

std::string StageFrame::accumulators(const std::vector<size_t>& reductions, int32_t lanes) const {
  std::string code;
  for (const size_t r : reductions)
    code += fmt::format("  {} a{}[{}];\n  EACH(v, {}) a{}[v] = {};\n", compute_text(type_of(r)), r,
                        lanes, lanes, r, identity(r));
  return code;
}

std::string StageFrame::accumulate(const std::vector<size_t>& reductions) const {
  std::string code;
  for (const size_t r : reductions)
    code += fmt::format("        a{}[v] = op_{}(a{}[v], {});\n", r,
                        brisk::name(program.reductions[r].combiner), r,
                        lines.text(program.reductions[r].line));
  return code;
}

std::string StageFrame::kernel(const std::string& body) const {
  return fmt::format(
      "\nextern \"C\" __global__ void __launch_bounds__({}) $name({}) {{\n  after_previous();\n"
      "  typedef {} ix;\n{}}}\n",
      stage.threads(), lines.buffer_parameters(), plan.wide_index ? "u64" : "u32", body);
}

KernelSource stage_source(const LoopProgram& program, const DeviceLoopPlan& plan,
                          const LoopStage& stage) {
  StageFrame frame(program, plan, stage);
  std::string body;
  if (stage.form == LoopStage::Form::row)
    body = row_body(frame);
  else if (stage.form == LoopStage::Form::row_fold || program.axes.size() == 1)
    body = vectors_body(frame);
  else
    body = rows_body(frame);
  return {fmt::format("loop_{}", name(stage.form)), frame.kernel(body)};
}

}  // namespace brisk::cuda
