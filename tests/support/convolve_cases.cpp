// Convolution and its two gradients, each on every geometry.

#include "brisk/ops/convolve/convolve.h"

#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

using Sizes = std::vector<int64_t>;

struct Geometry {
  std::string name;
  Sizes input, filter;
  ConvolutionAttributes attributes;
};

/// strides, pad_low, pad_high, dilations, groups.
std::vector<Geometry> geometries() {
  return {
      {"plain", {2, 7, 6, 3}, {3, 3, 3, 5}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}},
      {"padded", {2, 5, 7, 3}, {3, 3, 3, 17}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}},
      {"strided", {2, 9, 8, 4}, {3, 3, 4, 8}, {{2, 2}, {0, 1}, {1, 1}, {1, 1}, 1}},
      {"strided_unevenly", {1, 11, 7, 2}, {2, 3, 2, 3}, {{3, 2}, {1, 0}, {0, 2}, {1, 1}, 1}},
      {"dilated", {2, 9, 9, 3}, {3, 2, 3, 4}, {{1, 1}, {2, 0}, {2, 1}, {2, 3}, 1}},
      {"dilated_and_strided", {1, 11, 11, 2}, {3, 3, 2, 2}, {{2, 2}, {2, 2}, {2, 2}, {2, 2}, 1}},
      {"pointwise", {2, 5, 5, 33}, {1, 1, 33, 7}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}},
      {"pointwise_wide", {2, 5, 7, 32}, {1, 1, 32, 48}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}},
      {"pointwise_strided", {2, 7, 7, 5}, {1, 1, 5, 6}, {{2, 2}, {0, 0}, {0, 0}, {1, 1}, 1}},
      {"groups", {2, 5, 5, 6}, {3, 3, 2, 9}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 3}},
      {"depthwise", {2, 6, 6, 17}, {3, 3, 1, 17}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 17}},
      {"depthwise_multiplied", {1, 7, 7, 4}, {3, 3, 1, 8}, {{2, 2}, {1, 1}, {1, 1}, {1, 1}, 4}},
      {"cropped", {2, 9, 9, 2}, {3, 3, 2, 3}, {{1, 1}, {-1, 1}, {1, -2}, {1, 1}, 1}},
      {"padded_beyond_the_kernel", {1, 3, 3, 2}, {2, 2, 2, 2}, {{1, 1}, {3, 3}, {3, 3}, {1, 1}, 1}},
      {"one_axis", {2, 33, 3}, {5, 3, 4}, {{1}, {2}, {2}, {1}, 1}},
      {"one_axis_causal", {2, 17, 3}, {3, 3, 4}, {{1}, {4}, {0}, {2}, 1}},
      {"three_axes",
       {1, 5, 6, 4, 2},
       {3, 2, 3, 2, 3},
       {{1, 2, 1}, {1, 0, 1}, {1, 1, 1}, {1, 1, 1}, 1}},
      // What CUDA has kernels of its own for: a row that ends within a tile, two tiles beside each
      // other, channels of whole pixels, rows enough for a whole device.
      {"photograph", {2, 9, 24, 3}, {7, 7, 3, 64}, {{2, 2}, {3, 3}, {3, 3}, {1, 1}, 1}},
      {"photograph_wide", {1, 3, 232, 1}, {3, 3, 1, 64}, {{2, 2}, {1, 1}, {1, 1}, {1, 1}, 1}},
      {"photograph_tall", {3, 88, 8, 3}, {3, 3, 3, 64}, {{2, 2}, {1, 0}, {0, 1}, {1, 1}, 1}},
      {"photograph_of_four", {2, 6, 10, 4}, {5, 5, 4, 64}, {{2, 2}, {1, 2}, {2, 1}, {1, 1}, 1}},
      {"no_batch", {0, 5, 5, 3}, {3, 3, 3, 4}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}},
      {"single_place", {1, 1, 1, 1}, {1, 1, 1, 1}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}},
  };
}

Sizes result_sizes(const Geometry& g) {
  const ConvolutionAttributes& a = g.attributes;
  Sizes sizes = {g.input.front()};
  for (size_t axis = 0; axis < a.strides.size(); ++axis)
    sizes.push_back((g.input[axis + 1] + a.pad_low[axis] + a.pad_high[axis] -
                     (g.filter[axis] - 1) * a.dilations[axis] - 1) /
                        a.strides[axis] +
                    1);
  sizes.push_back(g.filter.back());
  return sizes;
}

}  // namespace

std::vector<OpCase> convolve_cases() {
  std::vector<OpCase> cases;
  for (const Geometry& g : geometries()) {
    const CaseOperand input = values(g.input), filter = values(g.filter);
    const CaseOperand result = values(result_sizes(g));
    const auto add = [&](std::string op, std::vector<CaseOperand> operands, CaseBuild build) {
      cases.push_back({.op = std::move(op),
                       .name = g.name,
                       .operands = std::move(operands),
                       .build = std::move(build),
                       .types = kFloatTypes});
    };
    add("convolution", {input, filter}, [=](Builder&, std::span<const Value> in) {
      return std::vector{convolution(in[0], in[1], g.attributes)};
    });
    add("convolution_input_gradient", {result, filter}, [=](Builder&, std::span<const Value> in) {
      return std::vector{convolution_input_gradient(in[0], in[1], Shape(g.input), g.attributes)};
    });
    add("convolution_filter_gradient", {input, result}, [=](Builder&, std::span<const Value> in) {
      return std::vector{convolution_filter_gradient(in[0], in[1], Shape(g.filter), g.attributes)};
    });
  }
  return cases;
}

}  // namespace brisk::testing
