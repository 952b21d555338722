#pragma once

/// Matrix products by weights, rows [..., k] times a matrix [k, n], written anew with the weights
/// as integers by channel: what is common to whatever becomes of the rows.

#include "brisk/compress/integer_writer.h"

namespace brisk {

/// Products of rows of f32 with weights, but those whose label is one of `float_layers`;
/// convolutions stay float.
QuantizePlan plan_row_products(const Program& folded,
                               const std::set<std::string, std::less<>>& float_layers);

class RowProductWriter : public IntegerWriter {
 protected:
  /// Of plan_row_products; `rounded` as IntegerWriter has it.
  RowProductWriter(const Model& folded, const std::set<std::string, std::less<>>& float_layers,
                   const RoundedFilters& rounded);

  QuantizedWeights weights_of(const ProductPlan& product) const override;
  /// The product's rows [..., m, k]: its last axes, where several are contracted, as one.
  Value rows_of(const ProductPlan& product);
  /// `y` [..., m, n] with the product's bias and activation, in its shape.
  Value finished(const ProductPlan& product, Value y);
};

}  // namespace brisk
