#include <cmath>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/source/source_ops.h"

// Philox4x32-10 (base/philox.h) as a scalar expression: a random element depends on the key and its
// own index alone, so every backend computes the same numbers in whatever order, and a fused loop
// makes them where they are used.

namespace brisk {
namespace {

using Block = std::array<Expr, 4>;  // u32 each

/// The halves of word * multiplier.
struct Product {
  Expr high, low;
  Product(const Expr& word, uint64_t multiplier) {
    const Expr product = word.cast(DType::u64) * Expr::integer(DType::u64, multiplier);
    high = shift_right(product, 32).cast(DType::u32);
    low = product.cast(DType::u32);
  }
};

Block philox(Expr key0, Expr key1, Block counter) {
  for (int round = 0; round < 10; ++round) {
    const Product first(counter[0], 0xD2511F53u), second(counter[2], 0xCD9E8D57u);
    counter = {bit_xor(bit_xor(second.high, counter[1]), key0), second.low,
               bit_xor(bit_xor(first.high, counter[3]), key1), first.low};
    key0 = key0 + Expr::integer(DType::u32, 0x9E3779B9u);
    key1 = key1 + Expr::integer(DType::u32, 0xBB67AE85u);
  }
  return counter;
}

Expr word(uint32_t value) {
  return Expr::integer(DType::u32, value);
}
Expr low_word(const Expr& wide) {
  return wide.cast(DType::u32);
}
Expr high_word(const Expr& wide) {
  return shift_right(wide, 32).cast(DType::u32);
}

void check_key(const InferContext& context) {
  require(context.operands[0] == Type(DType::u32, {2}), "[{}] the key is {}, not u32[2]",
          context.op.name, context.operands[0].to_string());
}

Op random_bits_op() {
  Op op;
  op.name = "random_bits";
  op.kind = OpKind::source;
  return std::move(op)
      .operands(1)
      .attributes<RandomBitsAttributes>()
      .doc("32 random bits (u32) for each element of `shape` under a key (u32[2]).")
      .infer([](const InferContext& context) -> std::vector<Type> {
        check_key(context);
        return {Type(DType::u32, context.as<RandomBitsAttributes>().shape)};
      })
      .expr([](const ExprContext& context) {
        const Expr index = Expr::linear_index();
        return philox(context.in(0), context.in(1),
                      {low_word(index), high_word(index), word(0), word(0)})[0];
      })
      .not_differentiable()
      .with([](Op& op) { op.random = true; });
}

/// One word of a folded key: what fold_key decomposes into. All that varies comes in as operands of
/// one shape (both key words, the number, which word), so that it is elementwise like any other.
Op fold_key_word_op() {
  Op op;
  op.name = "fold_key_word";
  op.kind = OpKind::elementwise;
  return std::move(op)
      .operands(4)
      .doc(
          "Word 0 or 1 (operand 3) of the key folded from key words (operands 0 and 1, u32) and a "
          "number (operand 2, u64).")
      .infer([](const InferContext& context) -> std::vector<Type> {
        for (size_t i = 0; i < 4; ++i) {
          const DType wanted = i == 2 ? DType::u64 : DType::u32;
          require(context.tensor(i).dtype == wanted, "[fold_key_word] operand {} is {}, not {}", i,
                  context.operands[i].to_string(), name(wanted));
          check_equal_shapes(context, 0, i);
        }
        return {context.operands[0]};
      })
      .expr([](const ExprContext& context) {
        const Expr& number = context.in(2);
        const Block block =
            philox(context.in(0), context.in(1),
                   {low_word(number), high_word(number), word(0x6b657973u), word(1)});
        return select(equal(context.in(3), word(0)), block[0], block[1]);
      })
      .not_differentiable()
      .with([](Op& op) { op.random = true; });
}

std::vector<Value> decompose_fold_key(const DecomposeContext& context) {
  const Value& key = context.in(0);
  const Shape words{2};
  return {context.builder.emit_one(
      "fold_key_word",
      {broadcast_to(slice_axis(key, 0, 0, 1), words), broadcast_to(slice_axis(key, 0, 1, 2), words),
       broadcast_to(cast(context.in(1), DType::u64), words),
       iota(context.builder, DType::u32, words, 0)})};
}

Op fold_key_op() {
  Op op;
  op.name = "fold_key";
  op.kind = OpKind::composite;
  return std::move(op)
      .operands(2)
      .doc("A new key (u32[2]) from a key and a number (u32 or u64 scalar).")
      .infer([](const InferContext& context) -> std::vector<Type> {
        check_key(context);
        const TensorType& number = context.tensor(1);
        require(
            number.shape.rank() == 0 && (number.dtype == DType::u32 || number.dtype == DType::u64),
            "[fold_key] the number is {}, not u32[] or u64[]", context.operands[1].to_string());
        return {context.operands[0]};
      })
      .decompose(decompose_fold_key)
      .not_differentiable()
      .with([](Op& op) { op.random = true; });
}

/// Upper bits of a word that an element type holds exactly: rounding the full 24 would give 1.
int significant_bits(DType type) {
  switch (type) {
    case DType::f16:
      return 11;
    case DType::bf16:
      return 8;
    case DType::f8e4m3:
      return 4;
    case DType::f8e5m2:
      return 3;
    default:
      return 24;
  }
}

}  // namespace

void add_random_ops(OpSet& set) {
  set.add(random_bits_op());
  set.add(fold_key_word_op());
  set.add(fold_key_op());
}

Value random_bits(Value key, Shape shape) {
  require(key.defined(), "[random_bits] the key is not defined");
  return key.builder->emit_one("random_bits", {key}, RandomBitsAttributes{std::move(shape)});
}

Value random_uniform(Value key, Shape shape, DType dtype) {
  require(is_floating(dtype), "[random_uniform] its elements cannot be {}", name(dtype));
  const int kept = significant_bits(dtype);
  const Value words = random_bits(key, std::move(shape));
  const Value upper = shift_right(words, constant_beside(words, 32 - kept));
  const DType type = compute_type(dtype);
  return cast(cast(upper, type) * std::ldexp(1.0, -kept), dtype);
}

Value fold_key(Value key, uint64_t number) {
  require(key.defined(), "[fold_key] the key is not defined");
  return fold_key(key, key.builder->constant(Tensor::of<uint64_t>({}, std::vector{number})));
}

Value fold_key(Value key, Value number_u32) {
  require(key.defined(), "[fold_key] the key is not defined");
  return key.builder->emit_one("fold_key", {key, number_u32});
}

}  // namespace brisk
