#include "brisk/backends/cuda/loop/line_writer.h"

#include <algorithm>
#include <bit>

#include "brisk/base/error.h"

namespace brisk::cuda {
namespace {

using Kind = LoopLine::Kind;

template <typename... Args>
void append(std::string& text, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
}

}  // namespace

std::string compute_text(DType type) {
  return std::string(type == DType::boolean ? "bool" : name(compute_type(type)));
}

std::string storage_text(DType type) {
  if (type == DType::i4) return "u8";  // pairs
  return std::string(type == DType::boolean ? "bool8" : name(type));
}

std::string literal_text(DType type, double value, uint64_t bits) {
  switch (type) {
    case DType::f64:
      return fmt::format("f64_of(0x{:x}ull)", std::bit_cast<uint64_t>(value));
    case DType::f32:
      return fmt::format("f32_of(0x{:x}u)", std::bit_cast<uint32_t>(static_cast<float>(value)));
    case DType::boolean:
      return bits != 0 ? "true" : "false";
    default:
      return fmt::format("(({})0x{:x}ull)", compute_text(type), bits);
  }
}

LineWriter::LineWriter(const LoopProgram& program, const DeviceLoopPlan& plan,
                       const LoopStage& stage)
    : program_(program), plan_(plan), stage_(stage) {
  // Kept indices in row-major order: where exports and partial results of a kept index lie.
  AffineIndex kept{0, std::vector<int64_t>(program.axes.size())};
  int64_t stride = 1;
  for (size_t a = program.axes.size(); a-- > 0;) {
    if (program.axes[a].reduced) continue;
    kept.strides[a] = stride;
    stride *= program.axes[a].size;
  }
  export_at_.assign(plan.exports.size(), kept);

  const int32_t buffers = program.num_operands + program.num_results;
  std::vector<std::string> types(static_cast<size_t>(buffers), "void");
  for (const LoopLoad& load : program.loads)
    types[static_cast<size_t>(load.buffer)] = storage_text(load.type);
  for (const LoopStore& store : program.stores)
    types[static_cast<size_t>(store.buffer)] = storage_text(store.type);
  for (int32_t b = 0; b < buffers; ++b) {
    buffer_types_.push_back(fmt::format("{}{}*", b < program.num_operands ? "const " : "",
                                        types[static_cast<size_t>(b)]));
    append(parameters_, "{} p{}, ", buffer_types_.back(), b);
  }
  parameters_ += "u8* workspace, u32* counters";
  text_.resize(program.lines.size());
  scope_.assign(program.lines.size(), Scope::none);
}

void LineWriter::set_axes(uint64_t fixed, uint64_t rows, bool inner_fixed) {
  fixed_ = fixed;
  rows_ = rows;
  inner_fixed_ = inner_fixed;
}

bool LineWriter::is_export(int32_t line) const {
  return std::find(plan_.exports.begin(), plan_.exports.end(), line) != plan_.exports.end();
}

/// In memory: an operand, or the workspace where an earlier stage left it.
bool LineWriter::is_load(int32_t line) const {
  if (program_.lines[static_cast<size_t>(line)].kind == Kind::load) return true;
  return stage_.form != LoopStage::Form::row && is_export(line) && phase_of(line) < phase_;
}

LineWriter::Load LineWriter::load_of(int32_t number) const {
  const LoopLine& line = program_.lines[static_cast<size_t>(number)];
  if (line.kind == Kind::load) {
    const LoopLoad& load = program_.loads[static_cast<size_t>(line.index)];
    return {fmt::format("p{}", load.buffer), load.type, &load.at};
  }
  const auto e = static_cast<size_t>(std::find(plan_.exports.begin(), plan_.exports.end(), number) -
                                     plan_.exports.begin());
  return {fmt::format("((const {}*)(workspace + {}ull))", storage_text(line.type),
                      plan_.export_offset[e]),
          line.type, &export_at_[e]};
}

void LineWriter::begin(const std::vector<bool>& needed, int32_t phase) {
  phase_ = phase;
  needed_ = needed;
  scope_.assign(program_.lines.size(), Scope::none);
  const uint64_t inner = uint64_t{1} << (program_.axes.size() - 1);
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i] || !text_[i].empty()) continue;
    const LoopLine& line = program_.lines[i];
    if (line.kind == Kind::operation && line.op == ScalarOp::constant) continue;
    uint64_t axes = plan_.line_axes[i];
    for (size_t a = 0; a < program_.axes.size(); ++a)
      if (program_.axes[a].size == 1) axes &= ~(uint64_t{1} << a);
    const bool moves_inner = (axes & inner) != 0;
    const uint64_t outer = axes & ~inner;
    if ((outer & ~fixed_) == 0)
      scope_[i] = !moves_inner ? Scope::once : inner_fixed_ ? Scope::inner : Scope::point;
    else
      scope_[i] = moves_inner ? Scope::point : Scope::row;
    // In the forms whose vectors run over rows too, there is no scope between.
    if (scope_[i] == Scope::row && !inner_fixed_) scope_[i] = Scope::point;
  }
}

bool LineWriter::has_point_loads() const {
  for (size_t i = 0; i < scope_.size(); ++i)
    if (scope_[i] == Scope::point && is_load(static_cast<int32_t>(i))) return true;
  return false;
}

bool LineWriter::reads_axis(size_t axis) const {
  for (size_t i = 0; i < scope_.size(); ++i) {
    if (scope_[i] == Scope::none) continue;
    if (program_.lines[i].kind == Kind::position &&
        program_.positions[static_cast<size_t>(program_.lines[i].index)].strides[axis] != 0)
      return true;
    if (is_load(static_cast<int32_t>(i)) && load_of(static_cast<int32_t>(i)).at->strides[axis] != 0)
      return true;
  }
  return false;
}

std::string LineWriter::offset(const AffineIndex& at, bool without_inner) const {
  std::string sum;
  const auto add = [&](const std::string& variable, int64_t stride) {
    if (stride == 0) return;
    if (!sum.empty()) sum += " + ";
    if (stride == 1)
      sum += variable;
    else
      append(sum, "{} * (ix)({}ll)", variable, stride);
  };
  if (at.offset != 0) append(sum, "(ix)({}ll)", at.offset);
  for (size_t a = 0; a + 1 < at.strides.size(); ++a)
    if (program_.axes[a].size > 1) add(fmt::format("c{}", a), at.strides[a]);
  if (!without_inner && program_.axes.back().size > 1) add("in", at.strides.back());
  return sum.empty() ? "(ix)0" : sum;
}

std::string LineWriter::element(const AffineIndex& at, const std::string& pointer) const {
  return fmt::format("widen({}[{}])", pointer, offset(at));
}

std::string LineWriter::text(int32_t number) const {
  const auto i = static_cast<size_t>(number);
  const LoopLine& line = program_.lines[i];
  if (line.kind == Kind::operation && line.op == ScalarOp::constant)
    return literal_text(line.type, line.value, line.bits);
  if (!text_[i].empty()) return text_[i];
  return fmt::format("x{}{}", number, scope_[i] == Scope::inner ? "[v]" : "");
}

/// Of a line that is not a load.
std::string LineWriter::expression(int32_t number) const {
  const LoopLine& line = program_.lines[static_cast<size_t>(number)];
  std::string operands;
  for (const int32_t operand : line.operands)
    if (operand >= 0) operands += (operands.empty() ? "" : ", ") + text(operand);
  switch (line.kind) {
    case Kind::position: {
      const AffineIndex& at = program_.positions[static_cast<size_t>(line.index)];
      std::string sum = fmt::format("({})({}ll)", compute_text(line.type), at.offset);
      const auto add = [&](const std::string& variable, int64_t stride) {
        if (stride != 0)
          append(sum, " + ({})({}) * ({})({}ll)", compute_text(line.type), variable,
                 compute_text(line.type), stride);
      };
      for (size_t a = 0; a + 1 < at.strides.size(); ++a)
        if (program_.axes[a].size > 1) add(fmt::format("c{}", a), at.strides[a]);
      if (program_.axes.back().size > 1)
        add(scope_[static_cast<size_t>(number)] == Scope::once ? "in" : "in + (ix)v",
            at.strides.back());
      return sum;
    }
    case Kind::rounded:
      return fmt::format("rounded<{}>({})", storage_text(line.storage), operands);
    case Kind::operation:
      if (line.op == ScalarOp::cast)
        return fmt::format("op_cast<{}>({})", compute_text(line.type), operands);
      return fmt::format("op_{}({})", brisk::name(line.op), operands);
    default:
      break;
  }
  invariant(false, "line {} of a loop has no expression in this scope", number);
  return {};
}

std::string LineWriter::vector_load(const Load& load, int32_t lanes) const {
  if (is_vector_access(program_, *load.at, byte_size(load.type), lanes))
    return fmt::format("load<{}>({} + ({}))", lanes, load.pointer, offset(*load.at));
  return fmt::format("load_strided<{}>({} + ({}), {}ll)", lanes, load.pointer, offset(*load.at),
                     load.at->strides.back());
}

std::string LineWriter::once() const {
  std::string code;
  for (size_t i = 0; i < scope_.size(); ++i) {
    if (scope_[i] != Scope::once) continue;
    const auto number = static_cast<int32_t>(i);
    const Load load = is_load(number) ? load_of(number) : Load{};
    append(code, "  const {} x{} = {};\n", compute_text(program_.lines[i].type), i,
           load.at != nullptr ? element(*load.at, load.pointer) : expression(number));
  }
  return code;
}

std::string LineWriter::inner(int32_t lanes) const {
  std::string code;
  for (size_t i = 0; i < scope_.size(); ++i) {
    if (scope_[i] != Scope::inner) continue;
    const auto number = static_cast<int32_t>(i);
    const std::string type = compute_text(program_.lines[i].type);
    std::string value;
    if (is_load(number)) {
      append(code, "  const auto l{} = {};\n", i, vector_load(load_of(number), lanes));
      value = fmt::format("l{}.get(v)", i);
    } else {
      value = expression(number);
    }
    append(code, "  {} x{}[{}];\n  EACH(v, {}) x{}[v] = {};\n", type, i, lanes, lanes, i, value);
  }
  return code;
}

std::string LineWriter::declare_loads(int32_t lanes, const std::string& turns) const {
  std::string code;
  for (size_t i = 0; i < scope_.size(); ++i) {
    const auto number = static_cast<int32_t>(i);
    if (!is_load(number)) continue;
    if (scope_[i] == Scope::point)
      append(code, "    Vector<{}, {}> l{}[{}];\n", storage_text(load_of(number).type), lanes, i,
             turns);
    else if (scope_[i] == Scope::row)
      append(code, "    {} r{}[{}];\n", compute_text(program_.lines[i].type), i, turns);
  }
  return code;
}

std::string LineWriter::issue_loads(int32_t lanes, const std::string& turn) const {
  std::string code;
  for (size_t i = 0; i < scope_.size(); ++i) {
    const auto number = static_cast<int32_t>(i);
    if (!is_load(number)) continue;
    const Load load = load_of(number);
    if (scope_[i] == Scope::point)
      append(code, "      l{}[{}] = {};\n", i, turn, vector_load(load, lanes));
    else if (scope_[i] == Scope::row)
      append(code, "      r{}[{}] = {};\n", i, turn, element(*load.at, load.pointer));
  }
  return code;
}

std::string LineWriter::clear_loads(const std::string& turn) const {
  std::string code;
  for (size_t i = 0; i < scope_.size(); ++i)
    if (scope_[i] == Scope::point && is_load(static_cast<int32_t>(i)))
      append(code, "      l{}[{}].clear();\n", i, turn);
  return code;
}

std::string LineWriter::rows(const std::string& turn) const {
  std::string code;
  for (size_t i = 0; i < scope_.size(); ++i) {
    if (scope_[i] != Scope::row) continue;
    const auto number = static_cast<int32_t>(i);
    append(code, "      const {} x{} = {};\n", compute_text(program_.lines[i].type), i,
           is_load(number) ? fmt::format("r{}[{}]", i, turn) : expression(number));
  }
  return code;
}

std::string LineWriter::store(const LoopStore& store, int32_t lanes,
                              const std::string& values) const {
  const std::string place = fmt::format("p{} + ({})", store.buffer, offset(store.at));
  if (lanes == 1 || is_vector_access(program_, store.at, byte_size(store.type), lanes))
    return fmt::format("      store<{}, {}>({}, {});\n", storage_text(store.type), lanes, place,
                       values);
  return fmt::format("      store_strided<{}, {}>({}, {}, {}ll);\n", storage_text(store.type),
                     lanes, place, values, store.at.strides.back());
}

std::string LineWriter::points(int32_t lanes, const std::string& turn,
                               const std::string& fold) const {
  std::string arrays, lines, stored, after;
  for (size_t i = 0; i < scope_.size(); ++i) {
    if (scope_[i] != Scope::point) continue;
    const auto number = static_cast<int32_t>(i);
    append(lines, "        const {} x{} = {};\n", compute_text(program_.lines[i].type), i,
           is_load(number) ? fmt::format("l{}[{}].get(v)", i, turn) : expression(number));
  }
  for (size_t s = 0; s < program_.stores.size(); ++s) {
    const LoopStore& item = program_.stores[s];
    if (program_.lines[static_cast<size_t>(item.line)].reduced || phase_of(item.line) != phase_)
      continue;
    append(arrays, "      {} s{}[{}];\n",
           compute_text(program_.lines[static_cast<size_t>(item.line)].type), s, lanes);
    append(stored, "        s{}[v] = {};\n", s, text(item.line));
    after += store(item, lanes, fmt::format("s{}", s));
  }
  return fmt::format("{}      EACH(v, {}) {{\n{}{}{}      }}\n{}", arrays, lanes, lines, stored,
                     fold, after);
}

std::string LineWriter::partial_pointer(size_t reduction) const {
  const DType type = program_.lines[static_cast<size_t>(program_.reductions[reduction].line)].type;
  return fmt::format("(({}*)(workspace + {}ull))", storage_text(type),
                     plan_.partial_offset[reduction]);
}

void LineWriter::all_to(Scope scope, const std::vector<bool>& set) {
  for (size_t i = 0; i < set.size(); ++i)
    if (set[i]) scope_[i] = scope;
}

/// `lanes` 0: scalars.
LineWriter::After LineWriter::after(int32_t lanes, const std::vector<std::string>& fold_text) {
  const auto& needed = plan_.needed_after[static_cast<size_t>(phase_)];
  const bool vectors = lanes > 0;
  const int32_t count = std::max(lanes, 1);
  all_to(vectors ? Scope::point : Scope::once, needed);
  std::string loads, lines, arrays, assignments, writes;
  for (size_t i = 0; i < needed.size(); ++i) {
    const auto number = static_cast<int32_t>(i);
    const LoopLine& line = program_.lines[i];
    const bool constant = line.kind == Kind::operation && line.op == ScalarOp::constant;
    if (!needed[i] || constant || !text_[i].empty())
      continue;  // a text: known from an earlier phase
    std::string value;
    if (line.kind == Kind::reduction && phase_of(number) == phase_) {
      value = fold_text[static_cast<size_t>(line.index)];
    } else if (is_load(number)) {
      const Load load = load_of(number);
      if (vectors) append(loads, "      const auto l{} = {};\n", i, vector_load(load, count));
      value = vectors ? fmt::format("l{}.get(v)", i) : element(*load.at, load.pointer);
    } else {
      value = expression(number);
    }
    append(lines, "        const {} x{} = {};\n", compute_text(line.type), i, value);
  }
  const auto keep = [&](const std::string& array, int32_t line) {
    append(arrays, "      {} {}[{}];\n",
           compute_text(program_.lines[static_cast<size_t>(line)].type), array, count);
    append(assignments, "        {}[{}] = {};\n", array, vectors ? "v" : "0", text(line));
  };
  for (size_t s = 0; s < program_.stores.size(); ++s) {
    const LoopStore& item = program_.stores[s];
    if (!program_.lines[static_cast<size_t>(item.line)].reduced || phase_of(item.line) != phase_)
      continue;
    keep(fmt::format("s{}", s), item.line);
    writes += store(item, count, fmt::format("s{}", s));
  }
  for (size_t e = 0; e < plan_.exports.size() && stage_.form != LoopStage::Form::row; ++e) {
    const int32_t line = plan_.exports[e];
    if (phase_of(line) != phase_) continue;
    const std::string type = storage_text(program_.lines[static_cast<size_t>(line)].type);
    keep(fmt::format("e{}", e), line);
    append(writes, "      store<{}, {}>(({}*)(workspace + {}ull) + ({}), e{});\n", type, count,
           type, plan_.export_offset[e], offset(export_at_[e]), e);
  }
  if (!vectors) return {lines, arrays + assignments + writes};
  return {{},
          fmt::format("{}{}      EACH(v, {}) {{\n{}{}      }}\n{}", loads, arrays, count, lines,
                      assignments, writes)};
}

LineWriter::After LineWriter::after_scalar(const std::vector<std::string>& fold_text) {
  return after(0, fold_text);
}

std::string LineWriter::after_vector(int32_t lanes, const std::vector<std::string>& fold_text) {
  return after(lanes, fold_text).writes;
}

}  // namespace brisk::cuda
