#include "brisk/compress/weight_only_quantization.h"

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
                   DType activations, const RoundedFilters& rounded)
      : RowProductWriter(folded, float_layers, rounded), activations_(activations) {}

 private:
  /// No integers are added to: there is no bias in their units.
  QuantizedWeights weights_of(const ProductPlan& product) const override {
    QuantizedWeights weights = RowProductWriter::weights_of(product);
    weights.bias = Tensor();
    return weights;
  }

  Value product_input(const ProductPlan& product) override {
    const std::pair key{graph_.node(product.node).operands[0], product.contracted_axes};
    const auto found = rows_.find(key);
    if (found != rows_.end()) return found->second;
    return rows_[key] = cast(rows_of(product), activations_);
  }

  Value product(const ProductPlan& product, Value rows, Value) override {
    const std::vector<Value>& stored = weights(product);
    add_layer(product, {.input_type = activations_});
    return finished(product, weight_only_dot(rows, stored[0], stored[1]));
  }

  DType activations_;
  std::map<std::pair<ValueId, int64_t>, Value> rows_;
};

}  // namespace

QuantizedModel quantize_weights_only(const Model& folded,
                                     const std::set<std::string, std::less<>>& float_layers,
                                     DType activations, const RoundedFilters& rounded) {
  require(activations == DType::f32 || activations == DType::bf16,
          "beside 8-bit weights activations are f32 or bf16, not {}", name(activations));
  return WeightOnlyWriter(folded, float_layers, activations, rounded).write();
}

}  // namespace brisk
