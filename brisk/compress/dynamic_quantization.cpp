#include "brisk/compress/dynamic_quantization.h"

#include <numeric>

#include "brisk/compress/row_products.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/quantize/quantize.h"
#include "brisk/ops/reduce/reduce.h"

// A row [k] becomes round(x / s) with s = max |x| / 127, one loop over memory; rows that several
// products read (query, key and value) are rounded once. What follows a product, s and the bias
// among it, joins the loop that reads its result.

namespace brisk {
namespace {

class DynamicWriter : public RowProductWriter {
 public:
  DynamicWriter(const Model& folded, const std::set<std::string, std::less<>>& float_layers,
                const RoundedFilters& rounded)
      : RowProductWriter(folded, float_layers, rounded) {}

 private:
  /// Rows of integers, and what each counts in.
  struct Rows {
    Value integers, scale;
  };
  const Rows& rounded_rows(const ProductPlan& product) {
    const std::pair key{graph_.node(product.node).operands[0], product.contracted_axes};
    if (const auto found = rows_.find(key); found != rows_.end()) return found->second;
    return rows_[key] = rounded(rows_of(product));
  }

  static Rows rounded(Value x) {
    const Value greatest = reduce_max(abs(x), {x.rank() - 1}) / 127.0;
    const auto filled = [&](double number) {
      return broadcast_to(x.builder->scalar(DType::f32, number), greatest.shape());
    };
    const Value scale = select(equal(greatest, filled(0)), filled(1), greatest);
    const Value steps = round(x / spread(scale, x));
    return {cast(clamp(steps, -127, 127), DType::i8), scale};
  }

  /// A number a row beside each of its elements.
  static Value spread(Value by_row, const Value& like) {
    std::vector<int64_t> axes(static_cast<size_t>(by_row.rank()));
    std::iota(axes.begin(), axes.end(), 0);
    return broadcast(by_row, like.shape(), axes);
  }

  Value product_input(const ProductPlan& product) override {
    return rounded_rows(product).integers;
  }

  Value product(const ProductPlan& product, Value integers, Value) override {
    std::vector<Value> operands = {integers};
    for (const Value& value : weights(product)) operands.push_back(value);
    const Value y = quantized_dot(operands, {});
    add_layer(product, {.input_type = DType::i8});
    return finished(product, y * spread(rounded_rows(product).scale, y));
  }

  std::map<std::pair<ValueId, int64_t>, Rows> rows_;
};

}  // namespace

QuantizedModel quantize_dynamically(const Model& folded,
                                    const std::set<std::string, std::less<>>& float_layers,
                                    const RoundedFilters& rounded) {
  return DynamicWriter(folded, float_layers, rounded).write();
}

}  // namespace brisk
