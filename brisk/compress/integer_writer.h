#pragma once

/// Writes a folded model with products of integers: what such models share, whatever the integers
/// of their activations are.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "brisk/compress/planned_rewrite.h"
#include "brisk/compress/quantize_model.h"
#include "brisk/compress/quantize_weights.h"

namespace brisk {

class IntegerWriter : public PlannedRewrite {
 public:
  QuantizedModel write();

 protected:
  /// `rounded`: what outlives the writer.
  IntegerWriter(const Model& folded, QuantizePlan plan, const RoundedFilters& rounded);

  /// The integers of a product's filter.
  virtual QuantizedWeights weights_of(const ProductPlan& product) const = 0;
  void stays_float(const Node& node, const std::string& reason) override;

  /// Filter, bias (where there is one) and multiplier as values of the new graph.
  const std::vector<Value>& weights(const ProductPlan& product) const {
    return weights_.at(product.node);
  }
  /// Reports a product, in order; `layer` lacks what is said here.
  void add_layer(const ProductPlan& product, QuantizedLayer layer);

  /// The float filter of a product, and its integers where they are given.
  Tensor filter_of(const ProductPlan& product) const;
  Tensor rounded(const ProductPlan& product) const;

  const Model& model_;

 private:
  Value add_entry(StateEntry entry, Tensor weights);
  Value add_weights(const std::string& name, const Tensor& weights);
  void add_state();
  void add_product(const ProductPlan& product);

  const RoundedFilters& rounded_;
  QuantizedModel result_;
  std::set<std::string> names_;
  std::map<NodeId, std::vector<Value>> weights_;
  std::map<NodeId, double> sqnr_;
};

}  // namespace brisk
