#include "brisk/runtime/lower/split_preparation.h"

#include <set>

#include "brisk/base/error.h"
#include "brisk/ir/builder.h"
#include "brisk/ir/mapped_values.h"

// Every node is of one kind. What depends on no input is free: it is repeated in both parts. A node
// whose other operands are all prepared is prepared itself, if it is of use there; all others run.
// Prepared values that nodes which run read are the boundary. A reshape costs nothing and is
// repeated behind the boundary, so that weights are not copied for its sake.

namespace brisk {
namespace {

/// Results may be so many times the bytes of the operands that they are made of.
constexpr int64_t kMostGrowth = 4;
constexpr int64_t kSmallBytes = 4096;

enum class Part : uint8_t { free, prepared, run };

int64_t bytes_of(const Type& type) {
  return byte_size(type.dtype(), type.shape().num_elements());
}

class Splitter {
 public:
  explicit Splitter(const Program& program)
      : program_(program), graph_(program.graph), parts_(graph_.nodes().size(), Part::run) {
    const std::vector<bool> constant = constant_state(program);
    for (size_t i = 0; i < constant.size(); ++i)
      if (constant[i]) parts_[static_cast<size_t>(graph_.inputs()[i])] = Part::prepared;
    for (size_t id = 0; id < parts_.size(); ++id)
      if (!is_input(id)) parts_[id] = part_of(graph_.nodes()[id]);
    for (size_t id = 0; id < parts_.size(); ++id)
      if (parts_[id] == Part::run)
        for (const ValueId& operand : graph_.nodes()[id].operands) require_outside(operand);
    for (const NamedValue& output : graph_.outputs()) require_outside(output.value);
  }

  bool nothing() const { return boundary_.empty(); }

  SplitProgram split() const {
    SplitProgram result;
    result.preparation = preparation();
    result.program = rest();
    return result;
  }

 private:
  bool is_input(size_t id) const { return graph_.nodes()[id].op->name == "input"; }
  bool is_alias(size_t id) const { return graph_.nodes()[id].op->name == "reshape"; }
  Part part(NodeId id) const { return parts_[static_cast<size_t>(id)]; }

  Part part_of(const Node& node) const {
    if (node.operands.empty()) return Part::free;
    const bool pure = node.op->kind != OpKind::control && !node.op->random && !node.op->side_effect;
    if (!pure) return Part::run;
    bool of_state = false;
    int64_t read = 0, written = 0;
    for (const ValueId& operand : node.operands) {
      if (part(operand.node) == Part::run || !graph_.type(operand).is_tensor()) return Part::run;
      of_state |= part(operand.node) == Part::prepared;
      read += bytes_of(graph_.type(operand));
    }
    if (!of_state) return Part::free;
    for (const Type& type : node.results) {
      if (!type.is_tensor()) return Part::run;
      written += bytes_of(type);
    }
    return written <= kMostGrowth * read + kSmallBytes ? Part::prepared : Part::run;
  }

  /// A node that runs reads the value.
  void require_outside(ValueId value) {
    const auto id = static_cast<size_t>(value.node);
    if (parts_[id] != Part::prepared || is_input(id)) return;
    if (is_alias(id))
      require_outside(graph_.nodes()[id].operands[0]);
    else
      boundary_.insert(value);
  }

  using Mapped = std::vector<std::vector<Value>>;

  void copy(Builder& builder, Mapped& mapped, size_t id) const {
    const Node& node = graph_.nodes()[id];
    const std::vector<Value> operands = mapped_operands(node, mapped);
    const LabelScope label(builder, node.label);
    mapped[id] = builder.emit(*node.op, operands, node.attributes, node.regions);
  }

  void add_state_inputs(Builder& builder, Mapped& mapped) const {
    for (size_t i = 0; i < program_.state.size(); ++i)
      mapped[static_cast<size_t>(graph_.inputs()[i])] = {
          builder.input(graph_.input_name(i), graph_.input_type(i))};
  }

  std::string name_of(ValueId value) const {
    return fmt::format("prepared/{}.{}", value.node, value.result);
  }

  Graph preparation() const {
    Builder builder(graph_.ops(), graph_.name() + "_preparation");
    Mapped mapped(parts_.size());
    add_state_inputs(builder, mapped);
    for (size_t id = 0; id < parts_.size(); ++id)
      if (parts_[id] != Part::run && !is_input(id)) copy(builder, mapped, id);
    std::vector<Builder::Output> outputs;
    for (const ValueId& value : boundary_)
      outputs.push_back(
          {name_of(value),
           mapped[static_cast<size_t>(value.node)][static_cast<size_t>(value.result)]});
    return builder.finish(outputs);
  }

  Program rest() const {
    Program rest = program_;
    Builder builder(graph_.ops(), graph_.name());
    Mapped mapped(parts_.size());
    add_state_inputs(builder, mapped);
    for (const ValueId& value : boundary_) {
      std::vector<Value>& results = mapped[static_cast<size_t>(value.node)];
      results.resize(graph_.node(value.node).results.size());
      results[static_cast<size_t>(value.result)] =
          builder.input(name_of(value), graph_.type(value));
      rest.state.push_back(
          {.name = name_of(value), .type = graph_.type(value), .trainable = false});
    }
    for (size_t i = program_.state.size(); i < graph_.inputs().size(); ++i)
      mapped[static_cast<size_t>(graph_.inputs()[i])] = {
          builder.input(graph_.input_name(i), graph_.input_type(i))};
    for (size_t id = 0; id < parts_.size(); ++id) {
      if (is_input(id)) continue;
      const bool repeated = parts_[id] == Part::prepared && is_alias(id) && is_known(mapped, id);
      if (parts_[id] != Part::prepared || repeated) copy(builder, mapped, id);
    }
    rest.graph = builder.finish(mapped_outputs(graph_, mapped));
    return rest;
  }

  /// What a repeated reshape reads is there.
  bool is_known(const Mapped& mapped, size_t id) const {
    const ValueId operand = graph_.nodes()[id].operands[0];
    const std::vector<Value>& values = mapped[static_cast<size_t>(operand.node)];
    return !values.empty() && values[static_cast<size_t>(operand.result)].defined();
  }

  const Program& program_;
  const Graph& graph_;
  std::vector<Part> parts_;
  std::set<ValueId> boundary_;
};

}  // namespace

std::optional<SplitProgram> split_preparation(const Program& program) {
  const Splitter splitter(program);
  if (splitter.nothing()) return std::nullopt;
  return splitter.split();
}

}  // namespace brisk
