#include "tests/support/registry_faults.h"

#include <algorithm>

namespace brisk::testing {
namespace {

/// Kinds whose ops are evaluated by kernels of their own on every backend.
bool has_kernels(OpKind kind) {
  switch (kind) {
    case OpKind::source:
    case OpKind::reduce:
    case OpKind::move:
    case OpKind::index:
    case OpKind::contract:
    case OpKind::convolve:
    case OpKind::window:
    case OpKind::control:
      return true;
    case OpKind::elementwise:
    case OpKind::composite:
    case OpKind::fused:
      return false;
  }
  return false;
}

}  // namespace

std::vector<std::string> registry_faults(const Op& op, std::span<const std::string> covered) {
  std::vector<std::string> faults;
  const auto hold = [&](bool condition, std::string fault) {
    if (!condition) faults.push_back(std::move(fault));
  };
  hold(!op.doc_text.empty() && op.doc_text.back() == '.', "it is not documented by a sentence");
  hold(bool(op.infer_rule), "it does not infer its types");

  hold(op.kind != OpKind::elementwise || op.expr_rule,
       "an elementwise op needs a scalar expression");
  const bool decomposes = op.kind == OpKind::composite || op.kind == OpKind::fused;
  hold(!decomposes || op.decompose_rule, "it needs a decomposition");
  hold(op.expr_rule || op.decompose_rule || has_kernels(op.kind), "nothing evaluates it");

  // A decomposition is differentiated in the op's place.
  hold(!op.differentiable || op.vjp_rule || op.decompose_rule, "it has no gradient");
  hold(op.differentiable || !op.vjp_rule, "it has a gradient that nothing flows through");

  hold((op.kind == OpKind::reduce) == (op.combiner != ScalarOp::input),
       "reductions, and they alone, have a combiner");
  hold(!op.index_map_rule || op.kind == OpKind::move, "only moves have an index map");
  hold(!op.commutative || op.max_operands == 2, "only ops of two operands commute");
  hold(op.max_operands == -1 || op.min_operands <= op.max_operands,
       "it takes fewer operands than it needs");

  hold(std::binary_search(covered.begin(), covered.end(), op.name),
       fmt::format("it has no test: declare a case in tests/support/{}_cases.cpp", name(op.kind)));
  return faults;
}

}  // namespace brisk::testing
