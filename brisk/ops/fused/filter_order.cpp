#include "brisk/ops/fused/filter_order.h"

#include <algorithm>
#include <numeric>

#include "brisk/base/error.h"
#include "brisk/ops/control/region_signature.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/fused_ops.h"
#include "brisk/ops/move/move.h"

// The region of "ordered_convolution" says what it is: a transpose back to brisk's order and the
// convolution. A backend that has a kernel for it looks at the convolution alone.

namespace brisk {
namespace {

std::vector<Type> infer_filters(const InferContext& context) {
  const DType dtype = context.as<OrderedFiltersAttributes>().dtype;
  std::vector<Type> results;
  for (const Type& filter : context.operands) {
    require(filter.is_tensor() && filter.rank() >= 3 && is_floating(filter.dtype()),
            "[ordered_filters] a filter must be floating [kernel..., channels, filters], but is {}",
            filter.to_string());
    std::vector<int64_t> sizes = filter.shape().sizes();
    std::rotate(sizes.begin(), sizes.end() - 1, sizes.end());
    results.push_back(Type(dtype, Shape(sizes)));
  }
  return results;
}

/// [filters, kernel..., channels] from brisk's order.
Value to_order(Value filter) {
  std::vector<int64_t> permutation(static_cast<size_t>(filter.rank()));
  std::iota(permutation.begin() + 1, permutation.end(), int64_t{0});
  permutation[0] = filter.rank() - 1;
  return transpose(filter, permutation);
}

Value from_order(Value filter) {
  std::vector<int64_t> permutation(static_cast<size_t>(filter.rank()));
  std::iota(permutation.begin(), permutation.end(), int64_t{1});
  permutation.back() = 0;
  return transpose(filter, permutation);
}

std::vector<Value> decompose_filters(const DecomposeContext& context) {
  const DType dtype = context.as<OrderedFiltersAttributes>().dtype;
  std::vector<Value> results;
  for (size_t i = 0; i < context.operands.size(); ++i)
    results.push_back(to_order(cast(context.in(i), dtype)));
  return results;
}

std::vector<Type> infer_convolution(const InferContext& context) {
  require_inputs("ordered_convolution", "convolution", context.regions[0], context.operands);
  return output_types(context.regions[0]);
}

std::vector<Value> decompose_convolution(const DecomposeContext& context) {
  return context.builder.inline_graph(context.regions[0], context.operands);
}

}  // namespace

Op ordered_filters_op() {
  return Op{.name = "ordered_filters", .kind = OpKind::composite}
      .doc("Each filter [kernel..., channels, filters] as [filters, kernel..., channels], cast.")
      .operands(1, -1)
      .attributes<OrderedFiltersAttributes>()
      .infer(infer_filters)
      .decompose(decompose_filters);
}

Op ordered_convolution_op() {
  return Op{.name = "ordered_convolution", .kind = OpKind::composite, .num_regions = 1}
      .doc("The convolution of its region, whose filter is given as ordered_filters gives it.")
      .operands(2, -1)
      .infer(infer_convolution)
      .decompose(decompose_convolution);
}

std::vector<Value> ordered_filters(std::span<const Value> filters, DType dtype) {
  require(!filters.empty(), "[ordered_filters] has no operands");
  return filters[0].builder->emit("ordered_filters", filters, OrderedFiltersAttributes{dtype});
}

std::vector<Value> ordered_convolution(const Node& convolution, std::span<const Value> operands) {
  Builder body(operands[0].builder->ops(), "convolution");
  std::vector<Value> inside;
  for (size_t i = 0; i < operands.size(); ++i)
    inside.push_back(body.input(fmt::format("operand{}", i), operands[i].type()));
  inside[1] = from_order(inside[1]);
  std::vector<Builder::Output> outputs;
  for (const Value& result : body.emit(*convolution.op, inside, convolution.attributes, {}))
    outputs.push_back({fmt::format("result{}", outputs.size()), result});
  std::vector<Graph> regions;
  regions.push_back(body.finish(outputs));
  return operands[0].builder->emit("ordered_convolution", operands, {}, std::move(regions));
}

const Node& convolution_within(const Node& ordered_convolution) {
  const Graph& region = ordered_convolution.regions[0];
  return region.node(region.outputs()[0].value.node);
}

std::vector<Type> operands_within(const Node& ordered_convolution) {
  std::vector<Type> types;
  for (const ValueId& operand : convolution_within(ordered_convolution).operands)
    types.push_back(ordered_convolution.regions[0].type(operand));
  return types;
}

}  // namespace brisk
