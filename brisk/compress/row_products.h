#pragma once

/// Matrix products by weights, rows [..., k] times a matrix [k, n], written anew with the weights
/// as integers by channel: what is common to whatever becomes of the rows.

#include "brisk/compress/integer_writer.h"

namespace brisk {

class RowProductWriter : public IntegerWriter {
 protected:
  /// Products of f32 but those whose label is one of `float_layers`; convolutions stay float.
  RowProductWriter(const Model& folded, const std::set<std::string, std::less<>>& float_layers);

  QuantizedWeights weights_of(const ProductPlan& product) const override;
  /// The product's weights f32 [k, n].
  Tensor matrix_of(const ProductPlan& product) const;
  /// The product's rows [..., m, k]: its last axes, where several are contracted, as one.
  Value rows_of(const ProductPlan& product);
  /// How many of the left operand's axes are contracted.
  int64_t contracted_axes(const ProductPlan& product) const;
  /// `y` [..., m, n] with the product's bias and activation, in its shape.
  Value finished(const ProductPlan& product, Value y);
};

}  // namespace brisk
