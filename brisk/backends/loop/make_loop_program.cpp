#include "brisk/backends/loop/make_loop_program.h"

#include <algorithm>
#include <map>
#include <optional>

#include "brisk/backends/loop/loop_axes.h"
#include "brisk/ir/op.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

// The region is read backwards from its outputs. A value is asked for under a view: for each of its
// axes, which index is wanted at a point of the iteration space, as an affine function of the
// point. A move composes its map into the view and passes the question on; an input answers with a
// load; so moves cost nothing and a value that is needed under two views is computed under both.
//
// The iteration space is the folds' operand, or the outputs' shape where nothing is folded. Lines
// are asked for in one of two spaces: at every point, or once per kept index (`reduced`).

namespace brisk {
namespace {

/// Index along each axis of a value.
using View = std::vector<AffineIndex>;

struct Request {
  ValueId value;
  View view;
  bool reduced;
  friend bool operator<(const Request& a, const Request& b) {
    const auto fields = [](const Request& r) {
      std::vector<int64_t> key{r.value.node, r.value.result, r.reduced};
      for (const AffineIndex& axis : r.view) {
        key.push_back(axis.offset);
        key.insert(key.end(), axis.strides.begin(), axis.strides.end());
      }
      return key;
    };
    return fields(a) < fields(b);
  }
};

class RegionReader {
 public:
  explicit RegionReader(const Graph& region) : region_(region) {}

  Result<LoopProgram> read() {
    if (auto status = check_types(); !status) return status.failure();
    if (auto status = find_space(); !status) return status.failure();
    program_.num_operands = static_cast<int32_t>(region_.inputs().size());
    program_.num_results = static_cast<int32_t>(region_.outputs().size());
    for (size_t i = 0; i < region_.outputs().size(); ++i) store(i);
    if (!refusal_.empty()) return fail("{}", refusal_);
    arrange_axes(program_);
    check(program_);
    return std::move(program_);
  }

 private:
  // ---- the iteration space --------------------------------------------------------------------

  Status check_types() {
    for (const Node& node : region_.nodes()) {
      for (const Type& type : node.results) {
        if (!type.is_tensor() || !type.shape().is_static())
          return fail("{} gives {}", node.op->name, type.to_string());
        if (bits(type.dtype()) < 8)
          return fail("{} gives {}, whose elements are packed", node.op->name, type.to_string());
      }
    }
    return Success{};
  }

  Status find_space() {
    following_.resize(region_.nodes().size());
    for (size_t id = 0; id < region_.nodes().size(); ++id) {
      const Node& node = region_.nodes()[id];
      for (const ValueId& operand : node.operands)
        following_[id] = following_[id] || following_[static_cast<size_t>(operand.node)];
      if (node.op->kind != OpKind::reduce) continue;
      if (node.op->combiner == ScalarOp::input) return fail("{} is no fold", node.op->name);
      following_[id] = true;
      const auto& axes = node.attributes.as<ReduceAttributes>().axes;
      const auto sizes = region_.type(node.operands[0]).shape().sizes();
      if (folded_axes_ && (*folded_axes_ != axes || sizes != space_))
        return fail("folds of {} over different spaces or axes", node.op->name);
      folded_axes_ = axes;
      space_ = sizes;
    }
    if (!folded_axes_ && !region_.outputs().empty())
      space_ = region_.output_type(0).shape().sizes();
    for (size_t a = 0; a < space_.size(); ++a) program_.axes.push_back({space_[a], is_folded(a)});
    return Success{};
  }

  bool is_folded(size_t axis) const {
    return folded_axes_ && std::find(folded_axes_->begin(), folded_axes_->end(),
                                     static_cast<int64_t>(axis)) != folded_axes_->end();
  }

  AffineIndex constant_index(int64_t value) const {
    return {value, std::vector<int64_t>(space_.size())};
  }
  /// Axes of one index have no stride, as moves have none along them: equal places, equal views.
  AffineIndex axis_index(size_t axis) const {
    AffineIndex index = constant_index(0);
    index.strides[axis] = space_[axis] == 1 ? 0 : 1;
    return index;
  }

  View whole_view() const {
    View view;
    for (size_t a = 0; a < space_.size(); ++a) view.push_back(axis_index(a));
    return view;
  }

  /// The view of a value on the folded space: its axes are the kept ones, with or without axes of
  /// extent 1 in the place of those folded. Nothing when `sizes` is neither.
  std::optional<View> kept_view(const std::vector<int64_t>& sizes) const {
    View dropped, ones;
    std::vector<int64_t> dropped_sizes, ones_sizes;
    for (size_t a = 0; a < space_.size(); ++a) {
      ones.push_back(is_folded(a) ? constant_index(0) : axis_index(a));
      ones_sizes.push_back(is_folded(a) ? 1 : space_[a]);
      if (is_folded(a)) continue;
      dropped.push_back(axis_index(a));
      dropped_sizes.push_back(space_[a]);
    }
    if (sizes == dropped_sizes) return dropped;
    if (sizes == ones_sizes) return ones;
    return std::nullopt;
  }

  // ---- lines ----------------------------------------------------------------------------------

  int32_t refuse_line(std::string reason) {
    if (refusal_.empty()) refusal_ = std::move(reason);
    return -1;
  }
  int32_t add(LoopLine line) {
    program_.lines.push_back(line);
    return static_cast<int32_t>(program_.lines.size()) - 1;
  }

  /// sum of strides[axis] * view[axis] for the row-major strides of `sizes`.
  AffineIndex flatten_view(const std::vector<int64_t>& sizes, const View& view) const {
    AffineIndex flat = constant_index(0);
    const auto strides = row_major_strides(sizes);
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      flat.offset += strides[axis] * view[axis].offset;
      for (size_t a = 0; a < space_.size(); ++a)
        flat.strides[a] += strides[axis] * view[axis].strides[a];
    }
    // An axis of one index, or one that the view does not move on, has no stride.
    for (size_t a = 0; a < space_.size(); ++a)
      if (space_[a] == 1) flat.strides[a] = 0;
    return flat;
  }

  int32_t line(ValueId value, const View& view, bool reduced) {
    const Node& node = region_.node(value.node);
    const std::vector<int64_t> sizes = region_.type(value).shape().sizes();
    // What follows folds is computed once per kept index, also where it is read at every point.
    if (following_[static_cast<size_t>(value.node)] && node.op->kind != OpKind::move) {
      const auto kept = kept_view(sizes);
      if (kept && *kept == view) reduced = true;
    }
    const Request request{value, view, reduced};
    if (const auto known = line_of_.find(request); known != line_of_.end()) return known->second;
    const int32_t result = compute(node, value, sizes, view, reduced);
    line_of_.emplace(request, result);
    return result;
  }

  int32_t compute(const Node& node, ValueId value, const std::vector<int64_t>& sizes,
                  const View& view, bool reduced) {
    const Op& op = *node.op;
    if (const auto input = input_number(value.node)) return load(*input, sizes, view, reduced);
    if (node.attributes.is<ConstantAttributes>()) return constant(node, reduced);
    if (op.kind == OpKind::reduce) return fold(node, sizes, view);
    if (op.kind == OpKind::move) return move(node, view, reduced);
    if (op.expr_rule && (op.kind == OpKind::elementwise || op.kind == OpKind::source))
      return evaluate_rule(node, sizes, view, reduced);
    return refuse_line(fmt::format("{} has no scalar rule", op.name));
  }

  std::optional<int32_t> input_number(NodeId id) const {
    for (size_t i = 0; i < region_.inputs().size(); ++i)
      if (region_.inputs()[i] == id) return static_cast<int32_t>(i);
    return std::nullopt;
  }

  int32_t load(int32_t buffer, const std::vector<int64_t>& sizes, const View& view, bool reduced) {
    const DType type = region_.input_type(static_cast<size_t>(buffer)).dtype();
    program_.loads.push_back({buffer, type, flatten_view(sizes, view)});
    return add({.kind = LoopLine::Kind::load,
                .type = compute_type(type),
                .reduced = reduced,
                .index = static_cast<int32_t>(program_.loads.size()) - 1});
  }

  int32_t constant(const Node& node, bool reduced) {
    const Tensor& value = node.attributes.as<ConstantAttributes>().value;
    if (value.num_elements() != 1)
      return refuse_line("a constant of more than one element is not an operand");
    LoopLine line{
        .op = ScalarOp::constant, .type = compute_type(value.dtype()), .reduced = reduced};
    if (is_floating(value.dtype()))
      line.value = value.get(0);
    else
      line.bits = integer_bits(value);
    return add(line);
  }

  static uint64_t integer_bits(const Tensor& value) {
    return dispatch(value.dtype(), [&]<typename T>() -> uint64_t {
      if constexpr (std::is_integral_v<T>)
        return static_cast<uint64_t>(value.data<T>()[0]);
      else
        return 0;
    });
  }

  int32_t move(const Node& node, const View& view, bool reduced) {
    std::vector<Type> operands;
    for (const ValueId& operand : node.operands) operands.push_back(region_.type(operand));
    const InferContext context{*node.op, operands, node.attributes, node.regions};
    const auto map =
        node.op->index_map_rule ? node.op->index_map_rule(context, node.results[0]) : std::nullopt;
    if (!map) return refuse_line(fmt::format("{} is no affine move", node.op->name));
    View source;
    for (size_t d = 0; d < map->offset.size(); ++d) {
      AffineIndex index = constant_index(map->offset[d]);
      for (size_t j = 0; j < view.size(); ++j) {
        index.offset += map->stride[d][j] * view[j].offset;
        for (size_t a = 0; a < space_.size(); ++a)
          index.strides[a] += map->stride[d][j] * view[j].strides[a];
      }
      source.push_back(std::move(index));
    }
    return line(node.operands[0], source, reduced);
  }

  int32_t fold(const Node& node, const std::vector<int64_t>& sizes, const View& view) {
    const auto kept = kept_view(sizes);
    if (!kept || *kept != view)
      return refuse_line(fmt::format("{} is read at other places than its own", node.op->name));
    const int32_t folded = line(node.operands[0], whole_view(), false);
    if (folded < 0) return folded;
    if (program_.lines[static_cast<size_t>(folded)].reduced)
      return refuse_line(fmt::format("{} folds what follows a fold", node.op->name));
    const DType type = compute_type(region_.type(node.operands[0]).dtype());
    LoopReduction reduction{.line = folded, .combiner = node.op->combiner};
    if (is_floating(type))
      reduction.identity = node.op->identity;
    else
      reduction.identity_bits = integer_identity(type, node.op->identity);
    program_.reductions.push_back(reduction);
    return add({.kind = LoopLine::Kind::reduction,
                .type = type,
                .reduced = true,
                .index = static_cast<int32_t>(program_.reductions.size()) - 1});
  }

  /// Infinities stand for the type's limits.
  static uint64_t integer_identity(DType type, double identity) {
    if (identity > -1e300 && identity < 1e300)
      return static_cast<uint64_t>(static_cast<int64_t>(identity));
    const int width = bits(type);
    const uint64_t all = width == 64 ? UINT64_MAX : (uint64_t{1} << width) - 1;
    if (!is_signed(type)) return identity > 0 ? all : 0;
    return identity > 0 ? all >> 1 : ~(all >> 1);
  }

  /// The op's scalar rule, inlined. Operands of an elementwise op are read at the same place; those
  /// of a source (a random key) are few scalars, given one after another.
  int32_t evaluate_rule(const Node& node, const std::vector<int64_t>& sizes, const View& view,
                        bool reduced) {
    std::vector<int32_t> operands;
    std::vector<Expr> inputs;
    const auto give = [&](ValueId value, const View& at) {
      const DType type = compute_type(region_.type(value).dtype());
      inputs.push_back(Expr::input(static_cast<int>(inputs.size()), type));
      operands.push_back(line(value, at, reduced));
    };
    for (const ValueId& operand : node.operands) {
      if (node.op->kind == OpKind::elementwise) {
        give(operand, view);
        continue;
      }
      const std::vector<int64_t> operand_sizes = region_.type(operand).shape().sizes();
      if (operand_sizes.size() > 1)
        return refuse_line(fmt::format("{} reads a matrix", node.op->name));
      if (operand_sizes.empty())
        give(operand, {});
      else
        for (int64_t i = 0; i < operand_sizes[0]; ++i) give(operand, {constant_index(i)});
    }
    if (!refusal_.empty()) return -1;
    const DType type = node.results[0].dtype();
    const Expr expr =
        node.op->expr_rule({inputs, node.attributes, compute_type(type), node.results[0].shape()});
    const int32_t result = inline_program(flatten(expr), operands, sizes, view, reduced);
    if (!node.attributes.is<CastAttributes>() || !is_short_float(type) ||
        region_.type(node.operands[0]).dtype() == type)
      return result;
    return add({.kind = LoopLine::Kind::rounded,
                .type = DType::f32,
                .storage = type,
                .reduced = reduced,
                .operands = {result, -1, -1}});
  }

  int32_t inline_program(const ScalarProgram& code, const std::vector<int32_t>& operands,
                         const std::vector<int64_t>& sizes, const View& view, bool reduced) {
    std::vector<int32_t> line_of;
    for (const ScalarInstruction& instruction : code) {
      switch (instruction.op) {
        case ScalarOp::input:
          line_of.push_back(operands[static_cast<size_t>(instruction.index)]);
          break;
        case ScalarOp::linear_index:
          line_of.push_back(position(DType::u64, flatten_view(sizes, view), reduced));
          break;
        case ScalarOp::coordinate:
          line_of.push_back(
              position(DType::i64, view[static_cast<size_t>(instruction.index)], reduced));
          break;
        default: {
          LoopLine line{.op = instruction.op,
                        .type = instruction.type,
                        .reduced = reduced,
                        .value = instruction.value,
                        .bits = instruction.bits};
          for (size_t i = 0; i < 3; ++i)
            if (instruction.operands[i] >= 0)
              line.operands[i] = line_of[static_cast<size_t>(instruction.operands[i])];
          line_of.push_back(add(line));
        }
      }
    }
    return line_of.back();
  }

  int32_t position(DType type, AffineIndex at, bool reduced) {
    program_.positions.push_back(std::move(at));
    return add({.kind = LoopLine::Kind::position,
                .type = type,
                .reduced = reduced,
                .index = static_cast<int32_t>(program_.positions.size()) - 1});
  }

  // ---- outputs --------------------------------------------------------------------------------

  void store(size_t output) {
    const ValueId value = region_.outputs()[output].value;
    const Type& type = region_.type(value);
    const std::vector<int64_t> sizes = type.shape().sizes();
    const auto kept = folded_axes_ ? kept_view(sizes) : std::nullopt;
    const bool reduced = kept && (sizes != space_ || following_[static_cast<size_t>(value.node)]);
    if (!reduced && sizes != space_) {
      refuse_line(
          fmt::format("result {} has another shape than the iteration space", type.to_string()));
      return;
    }
    const View view = reduced ? *kept : whole_view();
    const int32_t stored = line(value, view, reduced);
    if (stored < 0) return;
    program_.stores.push_back({stored, program_.num_operands + static_cast<int32_t>(output),
                               type.dtype(), flatten_view(sizes, view)});
    // A value on the whole space may have come out reduced (a fold of axes of extent 1).
    if (!reduced && program_.lines[static_cast<size_t>(stored)].reduced)
      refuse_line("a result at every point is known only per kept index");
  }

  const Graph& region_;
  std::vector<int64_t> space_;
  std::optional<std::vector<int64_t>> folded_axes_;
  std::vector<bool> following_;  // of nodes: a fold is among what they depend on
  std::map<Request, int32_t> line_of_;
  std::string refusal_;
  LoopProgram program_;
};

}  // namespace

Result<LoopProgram> make_loop_program(const Graph& region) {
  return RegionReader(region).read();
}

}  // namespace brisk
