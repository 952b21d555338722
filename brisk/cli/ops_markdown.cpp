#include "brisk/cli/ops_markdown.h"

#include <fmt/format.h>

namespace brisk::cli {
namespace {

constexpr std::string_view kHead =
    "# Ops\n\n"
    "What a graph is made of. Printed by `brisk ops --markdown` from the op set of the program and "
    "held\n"
    "against it by `./dev check`; the shapes that an op takes stand in the header of its kind,\n"
    "`brisk/ops/<kind>/<kind>.h`.\n\n"
    "Gradient: *rule*, the op has one of its own; *decomposition*, it is differentiated through "
    "the\n"
    "ops that it stands for; *none*, no gradient flows. Computed by: *expression*, one scalar "
    "rule\n"
    "that the reference evaluator and the code generator both read; *decomposition*, the ops that "
    "it\n"
    "stands for where a backend has no kernel for the whole; *kernel*, code of each backend. "
    "\"any\" operands\n"
    "means any number of them from the least on.\n";

struct Section {
  OpKind kind;
  std::string_view text;
};

constexpr Section kSections[] = {
    {OpKind::source, "Values from nothing: inputs, constants, counters, random numbers."},
    {OpKind::elementwise,
     "One scalar expression at each point. Operands have the result's shape; the "
     "functions in C++ broadcast by NumPy's rule before."},
    {OpKind::reduce, "Axes folded by an associative operation."},
    {OpKind::move, "Elements in other places, unchanged."},
    {OpKind::index, "Reading and writing at positions that are data."},
    {OpKind::contract, "Sums of products over shared axes."},
    {OpKind::convolve, "Convolution, channels last, and its two gradients."},
    {OpKind::window, "Pooling, channels last, and its gradients."},
    {OpKind::composite, "Defined by the ops that they stand for."},
    {OpKind::control, "Regions that are run by condition or again and again; they differentiate."},
    {OpKind::fused, "Formed by passes for a backend; nobody writes them by hand."},
};

struct AttributeText {
  std::string operator()(bool value) const { return value ? " = true" : " = false"; }
  std::string operator()(int64_t value) const { return fmt::format(" = {}", value); }
  std::string operator()(double value) const { return fmt::format(" = {}", value); }
  std::string operator()(const std::string& value) const {
    return value.empty() ? "" : fmt::format(" = {}", value);
  }
  std::string operator()(const auto&) const { return ""; }
};

/// "`axes`, `keep_dims = false`".
std::string attributes_text(const Op& op) {
  if (!op.parse_attributes) return "";
  std::string text;
  for (const NamedAttribute& attribute : op.parse_attributes({}).list())
    text += fmt::format("{}`{}{}`", text.empty() ? "" : ", ", attribute.name,
                        std::visit(AttributeText{}, attribute.value));
  return text;
}

std::string operands_text(const Op& op) {
  if (op.max_operands < 0)
    return op.min_operands > 0 ? fmt::format("{}, any", op.min_operands) : "any";
  if (op.min_operands == op.max_operands) return fmt::format("{}", op.min_operands);
  return fmt::format("{} to {}", op.min_operands, op.max_operands);
}

std::string_view gradient_text(const Op& op) {
  if (!op.differentiable) return "none";
  return op.vjp_rule ? "rule" : "decomposition";
}

std::string_view computed_by_text(const Op& op) {
  if (op.expr_rule) return "expression";
  return op.decompose_rule ? "decomposition" : "kernel";
}

}  // namespace

std::string ops_markdown(const OpSet& ops) {
  std::string page(kHead);
  for (const Section& section : kSections) {
    page += fmt::format(
        "\n## {}\n\n{}\n\n| op | what it does | operands | attributes | gradient | computed by |\n"
        "| --- | --- | --- | --- | --- | --- |\n",
        name(section.kind), section.text);
    for (const Op* op : ops.all())
      if (op->kind == section.kind)
        page += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", op->name, op->doc_text,
                            operands_text(*op), attributes_text(*op), gradient_text(*op),
                            computed_by_text(*op));
  }
  return page;
}

}  // namespace brisk::cli
