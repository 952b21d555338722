#include "brisk/formats/onnx/canonical/non_negative.h"

#include <algorithm>

#include "brisk/ops/elementwise/elementwise.h"

namespace brisk::onnx {
namespace {

/// What an op says of its result's sign.
enum class Sign : uint8_t {
  never_negative,  ///< whatever the operands are
  as_all,          ///< not negative where no operand is
  as_one,          ///< ... where one operand is not
  as_first,        ///< ... where operand 0 is not
  unknown,
};

struct SignRow {
  std::string_view op;
  Sign sign;
};
constexpr SignRow kSigns[] = {
    {"iota", Sign::never_negative},
    {"argmax", Sign::never_negative},
    {"argmin", Sign::never_negative},
    {"abs", Sign::never_negative},
    {"square", Sign::never_negative},
    {"relu", Sign::never_negative},
    {"relu6", Sign::never_negative},
    {"exp", Sign::never_negative},
    {"sigmoid", Sign::never_negative},
    {"one_hot", Sign::never_negative},
    {"add", Sign::as_all},
    {"multiply", Sign::as_all},
    {"minimum", Sign::as_all},
    {"concatenate", Sign::as_all},
    {"pad", Sign::as_all},
    {"maximum", Sign::as_one},
    {"scatter_add", Sign::as_all},
    {"put_along_axis_add", Sign::as_all},
    {"remainder", Sign::as_first},
    {"floor", Sign::as_first},
    {"ceil", Sign::as_first},
    {"round", Sign::as_first},
    {"reshape", Sign::as_first},
    {"broadcast", Sign::as_first},
    {"transpose", Sign::as_first},
    {"slice", Sign::as_first},
    {"reverse", Sign::as_first},
    {"gather", Sign::as_first},
    {"take_along_axis", Sign::as_first},
    {"reduce_sum", Sign::as_first},
    {"reduce_max", Sign::as_first},
    {"reduce_min", Sign::as_first},
    {"reduce_prod", Sign::as_first},
    {"cumulative_sum", Sign::as_first},
};

class SignReader {
 public:
  explicit SignReader(const Builder& builder) : builder_(builder) {}

  bool is_non_negative(ValueId value) {
    const Node& node = builder_.node(value.node);
    const Type& type = node.results[static_cast<size_t>(value.result)];
    if (!is_signed(type.dtype())) return true;
    if (--left_ < 0) return false;
    if (node.op->name == "constant")
      return none_below_zero(node.attributes.as<ConstantAttributes>().value);
    if (node.op->name == "clamp") return node.attributes.as<ClampAttributes>().low >= 0;
    if (node.op->name == "cast") return keeps_sign(node) && is_non_negative(node.operands[0]);
    if (node.op->name == "select") return select(node);
    const auto row = std::find_if(std::begin(kSigns), std::end(kSigns),
                                  [&](const SignRow& each) { return each.op == node.op->name; });
    const auto holds = [&](ValueId operand) { return is_non_negative(operand); };
    switch (row == std::end(kSigns) ? Sign::unknown : row->sign) {
      case Sign::never_negative:
        return true;
      case Sign::as_all:
        return std::all_of(node.operands.begin(), node.operands.end(), holds);
      case Sign::as_one:
        return std::any_of(node.operands.begin(), node.operands.end(), holds);
      case Sign::as_first:
        return holds(node.operands[0]);
      case Sign::unknown:
        return false;
    }
    return false;
  }

 private:
  static constexpr int64_t kMostElements = 4096;  ///< of a constant that is looked through

  static bool none_below_zero(const Tensor& tensor) {
    if (tensor.num_elements() > kMostElements) return false;
    for (int64_t i = 0; i < tensor.num_elements(); ++i)
      if (!(tensor.get(i) >= 0)) return false;
    return true;
  }
  /// Integers that are cut could become negative.
  bool keeps_sign(const Node& cast) const {
    const DType from = builder_.node(cast.operands[0].node)
                           .results[static_cast<size_t>(cast.operands[0].result)]
                           .dtype(),
                to = cast.results[0].dtype();
    return is_floating(from) || is_floating(to) || from == DType::boolean ||
           bits(from) + (is_signed(from) ? 0 : 1) <= bits(to);
  }
  bool select(const Node& node) {
    if (size_counted_from_end(builder_, node)) return true;
    return is_non_negative(node.operands[1]) && is_non_negative(node.operands[2]);
  }

  const Builder& builder_;
  int left_ = 256;  ///< nodes to look at: shared ones are read again each time
};

}  // namespace

bool is_non_negative(const Value& value) {
  return SignReader(*value.builder).is_non_negative(value.id);
}

}  // namespace brisk::onnx
