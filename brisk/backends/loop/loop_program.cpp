#include "brisk/backends/loop/loop_program.h"

#include <fmt/format.h>

#include <iterator>

#include "brisk/base/error.h"

namespace brisk {
namespace {

std::string_view name(LoopLine::Kind kind) {
  switch (kind) {
    case LoopLine::Kind::operation:
      return "operation";
    case LoopLine::Kind::load:
      return "load";
    case LoopLine::Kind::position:
      return "position";
    case LoopLine::Kind::reduction:
      return "reduction";
    case LoopLine::Kind::rounded:
      return "rounded";
  }
  return "?";
}

template <typename T>
const T* entry(const std::vector<T>& list, int32_t index) {
  return index >= 0 && static_cast<size_t>(index) < list.size() ? &list[static_cast<size_t>(index)]
                                                                : nullptr;
}

void check_index(const LoopProgram& program, const AffineIndex& at, bool reduced,
                 std::string_view what) {
  invariant(at.strides.size() == program.axes.size(), "a loop's {} has {} strides for {} axes",
            what, at.strides.size(), program.axes.size());
  for (size_t a = 0; reduced && a < program.axes.size(); ++a)
    invariant(!program.axes[a].reduced || at.strides[a] == 0,
              "a loop's {} of a reduced line moves along reduced axis {}", what, a);
}

void check_axes(const LoopProgram& program) {
  invariant(!program.axes.empty() && program.axes.size() <= 64, "a loop has {} axes",
            program.axes.size());
  // kept..., reduced..., at most one kept: two changes at most.
  int changes = program.axes.front().reduced ? 1 : 0;
  for (size_t a = 0; a < program.axes.size(); ++a) {
    invariant(program.axes[a].size >= 0, "loop axis {} has size {}", a, program.axes[a].size);
    if (a > 0 && program.axes[a].reduced != program.axes[a - 1].reduced) ++changes;
  }
  const size_t rank = program.axes.size();
  const bool kept_after_reduced = changes == 2;
  invariant(changes <= 2 && (!kept_after_reduced || program.axes[rank - 2].reduced),
            "a loop's axes are not in the order kept, reduced, one kept");
}

void check_line(const LoopProgram& program, size_t number) {
  const LoopLine& line = program.lines[number];
  invariant(!is_short_float(line.type), "line {} of a loop computes in {}", number,
            name(line.type));
  int operands = 0;
  for (const int32_t operand : line.operands) {
    if (operand < 0) continue;
    ++operands;
    invariant(static_cast<size_t>(operand) < number, "line {} of a loop uses line {}", number,
              operand);
    invariant(!line.reduced || program.lines[static_cast<size_t>(operand)].reduced,
              "reduced line {} of a loop uses line {}, which is not", number, operand);
  }
  const auto expect = [&](bool known, int count) {
    invariant(known && operands == count, "line {} of a loop ({}) has {} operands, index {}",
              number, name(line.kind), operands, line.index);
  };
  switch (line.kind) {
    case LoopLine::Kind::operation:
      expect(line.op != ScalarOp::input && line.op != ScalarOp::linear_index &&
                 line.op != ScalarOp::coordinate,
             line.op == ScalarOp::constant ? 0 : num_operands(line.op));
      break;
    case LoopLine::Kind::load: {
      const LoopLoad* load = entry(program.loads, line.index);
      expect(load != nullptr && compute_type(load->type) == line.type && load->buffer >= 0 &&
                 load->buffer < program.num_operands + program.num_results,
             0);
      check_index(program, load->at, line.reduced, "load");
      break;
    }
    case LoopLine::Kind::position: {
      const AffineIndex* position = entry(program.positions, line.index);
      expect(position != nullptr && (line.type == DType::i64 || line.type == DType::u64), 0);
      check_index(program, *position, line.reduced, "position");
      break;
    }
    case LoopLine::Kind::reduction: {
      const LoopReduction* reduction = entry(program.reductions, line.index);
      expect(reduction != nullptr && line.reduced && reduction->line >= 0 &&
                 static_cast<size_t>(reduction->line) < number &&
                 program.lines[static_cast<size_t>(reduction->line)].type == line.type &&
                 !program.lines[static_cast<size_t>(reduction->line)].reduced,
             0);
      break;
    }
    case LoopLine::Kind::rounded:
      expect(line.type == DType::f32 && is_short_float(line.storage), 1);
      break;
  }
}

void append(std::string& text, const AffineIndex& at) {
  fmt::format_to(std::back_inserter(text), "{}", at.offset);
  for (const int64_t stride : at.strides) fmt::format_to(std::back_inserter(text), ",{}", stride);
  text += '\n';
}

}  // namespace

std::string to_text(const LoopProgram& program) {
  std::string text;
  const auto out = [&] { return std::back_inserter(text); };
  fmt::format_to(out(), "loop {} {}\n", program.num_operands, program.num_results);
  for (const LoopAxis& axis : program.axes)
    fmt::format_to(out(), "axis {} {}\n", axis.size, axis.reduced ? "reduced" : "kept");
  for (const LoopLoad& load : program.loads) {
    fmt::format_to(out(), "load {} {} ", load.buffer, brisk::name(load.type));
    append(text, load.at);
  }
  for (const AffineIndex& position : program.positions) {
    text += "position ";
    append(text, position);
  }
  for (const LoopReduction& reduction : program.reductions)
    fmt::format_to(out(), "reduction {} {} {} {}\n", reduction.line,
                   brisk::name(reduction.combiner), reduction.identity, reduction.identity_bits);
  for (const LoopLine& line : program.lines) {
    fmt::format_to(out(), "line {} {} {}{} {},{},{} {} {} {}", name(line.kind),
                   brisk::name(line.op), brisk::name(line.type), line.reduced ? " reduced" : "",
                   line.operands[0], line.operands[1], line.operands[2], line.index, line.value,
                   line.bits);
    if (line.kind == LoopLine::Kind::rounded)
      fmt::format_to(out(), " {}", brisk::name(line.storage));
    text += '\n';
  }
  for (const LoopStore& store : program.stores) {
    fmt::format_to(out(), "store {} {} {} ", store.line, store.buffer, brisk::name(store.type));
    append(text, store.at);
  }
  return text;
}

void check(const LoopProgram& program) {
  check_axes(program);
  for (size_t i = 0; i < program.lines.size(); ++i) check_line(program, i);
  for (const LoopReduction& reduction : program.reductions)
    invariant(entry(program.lines, reduction.line) != nullptr, "a loop folds line {} of {}",
              reduction.line, program.lines.size());
  for (const LoopStore& store : program.stores) {
    const LoopLine* line = entry(program.lines, store.line);
    invariant(line != nullptr && compute_type(store.type) == line->type &&
                  store.buffer >= program.num_operands &&
                  store.buffer < program.num_operands + program.num_results,
              "a loop stores line {} as {} into buffer {}", store.line, brisk::name(store.type),
              store.buffer);
    check_index(program, store.at, line->reduced, "store");
  }
}

}  // namespace brisk
