#include "brisk/formats/onnx/export/integer_convolution.h"

#include <numeric>

#include "brisk/ops/move/move.h"

namespace brisk::onnx {
namespace {

bool is_byte(const Type& type) {
  return type.dtype() == DType::i8 || type.dtype() == DType::u8;
}

/// What an i32 operand is made of: transpose(cast(stored) - cast(zero_point)).
struct Centred {
  ValueId stored, zero_point;        ///< the latter undefined where nothing is subtracted
  std::vector<int64_t> permutation;  ///< axis i of the operand is axis permutation[i] of `stored`
};

const Node& maker(const Emitter& e, ValueId value) {
  return e.graph().node(value.node);
}

/// The 8-bit value that is cast, however it is spread before or behind that.
ValueId byte_behind(const Emitter& e, ValueId value, bool spread) {
  while (spread &&
         (maker(e, value).op->name == "broadcast" || maker(e, value).op->name == "reshape"))
    value = maker(e, value).operands[0];
  const Node& cast = maker(e, value);
  const bool found = cast.op->name == "cast" && is_byte(e.type(cast.operands[0]));
  require(found, "ONNX convolves floats, and of integers 8-bit ones less a zero point");
  return cast.operands[0];
}

Centred centred(const Emitter& e, ValueId value) {
  Centred result;
  result.permutation.resize(static_cast<size_t>(e.type(value).rank()));
  std::iota(result.permutation.begin(), result.permutation.end(), 0);
  while (maker(e, value).op->name == "transpose") {
    const auto& inner = maker(e, value).attributes.as<TransposeAttributes>().permutation;
    for (int64_t& axis : result.permutation) axis = inner[static_cast<size_t>(axis)];
    value = maker(e, value).operands[0];
  }
  const Node& difference = maker(e, value);
  const bool has_point = difference.op->name == "subtract";
  if (has_point) result.zero_point = byte_behind(e, difference.operands[1], true);
  result.stored = byte_behind(e, has_point ? difference.operands[0] : value, false);
  return result;
}

/// The stored value in the order in which a convolution takes its operand.
std::string in_order(Emitter& e, const Centred& operand, const std::vector<int64_t>& order) {
  std::vector<int64_t> permutation;
  for (const int64_t axis : order)
    permutation.push_back(operand.permutation[static_cast<size_t>(axis)]);
  return e.turned(operand.stored, permutation);
}

}  // namespace

std::vector<std::string> integer_convolution_inputs(Emitter& e, const Node& node) {
  const Centred x = centred(e, node.operands[0]), filter = centred(e, node.operands[1]);
  const auto rank = static_cast<int64_t>(x.permutation.size());
  std::vector<int64_t> channels_second = {0, rank - 1}, filters_first = {rank - 1, rank - 2};
  for (int64_t i = 1; i + 1 < rank; ++i) {
    channels_second.push_back(i);
    filters_first.push_back(i - 1);
  }
  std::vector<std::string> inputs = {in_order(e, x, channels_second),
                                     in_order(e, filter, filters_first)};
  if (!x.zero_point.defined() && !filter.zero_point.defined()) return inputs;
  inputs.push_back(x.zero_point.defined() ? e.plain(x.zero_point) : "");
  if (filter.zero_point.defined()) inputs.push_back(e.plain(filter.zero_point));
  return inputs;
}

}  // namespace brisk::onnx
