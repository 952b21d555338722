#pragma once

/// Filters in the order that a library's convolutions read, [filters, kernel..., channels], made
/// for many convolutions at once. brisk's own is [kernel..., channels, filters].

#include "brisk/ir/builder.h"

namespace brisk {

struct OrderedFiltersAttributes {
  DType dtype = DType::f32;  ///< of the results
  template <typename F>
  void fields(F&& f) {
    f("dtype", dtype);
  }
};
/// Each filter [kernel..., channels, filters] as [filters, kernel..., channels], cast to `dtype`.
std::vector<Value> ordered_filters(std::span<const Value> filters, DType dtype);

/// `convolution`'s op, any whose operand 1 is a filter, of operands among which that one is
/// ordered.
std::vector<Value> ordered_convolution(const Node& convolution, std::span<const Value> operands);

/// The convolution of a node "ordered_convolution", whose filter is in brisk's order.
const Node& convolution_within(const Node& ordered_convolution);
/// The types of that convolution's operands.
std::vector<Type> operands_within(const Node& ordered_convolution);

}  // namespace brisk
