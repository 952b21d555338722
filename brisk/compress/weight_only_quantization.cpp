#include "brisk/compress/weight_only_quantization.h"

#include "brisk/base/packed_integers.h"
#include "brisk/compress/row_products.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/quantize/weight_only.h"

// The cast to bf16 joins the loop that makes the rows; products that share them share it. What
// follows a product joins the loop that reads its result.

namespace brisk {
namespace {

class WeightOnlyWriter : public RowProductWriter {
 public:
  WeightOnlyWriter(const Model& folded, const std::set<std::string, std::less<>>& float_layers,
                   const WeightOnlyOptions& options, const RoundedFilters& rounded)
      : RowProductWriter(folded, float_layers, rounded), options_(options) {}

 private:
  WeightGrid grid_of(const ProductPlan& product) const {
    return options_.wide_layers.contains(graph_.node(product.node).label) ? WeightGrid{}
                                                                          : options_.grid;
  }

  /// No integers are added to: there is no bias in their units.
  QuantizedWeights weights_of(const ProductPlan& product) const override {
    const WeightGrid grid = grid_of(product);
    // Integers that are given are those of the grid of all.
    const Tensor given =
                     grid.by_channel() == options_.grid.by_channel() ? rounded(product) : Tensor(),
                 matrix = filter_of(product);
    QuantizedWeights weights;
    if (grid.by_channel()) {
      weights = quantize_weights(matrix, Tensor(), 1, 1, given);
      weights.bias = Tensor();
    } else {
      weights.multiplier = block_steps(matrix, grid);
      weights.filter = !given.defined() ? rounded_to_blocks(matrix, weights.multiplier, grid)
                       : grid.bits == 4 ? packed_i4(given)
                                        : given;
      weights.sqnr = block_sqnr(matrix, weights.filter, weights.multiplier, grid);
    }
    return weights;
  }

  Value product_input(const ProductPlan& product) override {
    const std::pair key{graph_.node(product.node).operands[0], product.contracted_axes};
    const auto found = rows_.find(key);
    if (found != rows_.end()) return found->second;
    return rows_[key] = cast(rows_of(product), options_.activations);
  }

  Value product(const ProductPlan& product, Value rows, Value) override {
    const std::vector<Value>& stored = weights(product);
    const WeightGrid grid = grid_of(product);
    add_layer(product, {.input_type = options_.activations,
                        .weight_type = grid.integers(),
                        .block_size = grid.block_size});
    return finished(product,
                    weight_only_dot(rows, stored[0], stored[1], {.block_size = grid.block_size}));
  }

  const WeightOnlyOptions& options_;
  std::map<std::pair<ValueId, int64_t>, Value> rows_;
};

}  // namespace

QuantizedModel quantize_weights_only(const Model& folded,
                                     const std::set<std::string, std::less<>>& float_layers,
                                     const WeightOnlyOptions& options,
                                     const RoundedFilters& rounded) {
  const DType activations = options.activations;
  const WeightGrid& grid = options.grid;
  require(activations == DType::f32 || activations == DType::bf16,
          "beside weights in integers activations are f32 or bf16, not {}", name(activations));
  require(grid.bits == 4 || grid.bits == 8, "weights have 4 or 8 bits, not {}", grid.bits);
  require(grid.block_size >= 0, "a block of weights has {} rows", grid.block_size);
  return WeightOnlyWriter(folded, float_layers, options, rounded).write();
}

}  // namespace brisk
