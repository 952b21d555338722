#include <cmath>
#include <limits>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/matrix.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

// Attention, its linear and flexible kin, and rotary positions. Heads lie at axis 1:
// [batch, heads, length, size]. Scores are computed in f32 for short floats; in f32 and f64, where
// nothing but the result is asked for, attention is one op.

namespace brisk::onnx {
namespace {

/// [batch, length, heads * size] to [batch, heads, length, size].
Value split_heads(Value x, int64_t heads) {
  const int64_t width = size_of(x, 2);
  require(heads > 0 && width % heads == 0, "{} values do not divide into {} heads", width, heads);
  return transpose(
      reshape(x, {extent_of(x, 0), extent_of(x, 1), Extent(heads), Extent(width / heads)}),
      {0, 2, 1, 3});
}

Value join_heads(Value x) {
  const Value y = transpose(x, {0, 2, 1, 3});
  return reshape(y, {extent_of(y, 0), extent_of(y, 1), Extent(size_of(y, 2) * size_of(y, 3))});
}

/// Each head `times` times in a row: [batch, heads * times, ...].
Value repeat_heads(Value x, int64_t times) {
  if (times == 1) return x;
  Shape wide{extent_of(x, 0), extent_of(x, 1), Extent(times), extent_of(x, 2), extent_of(x, 3)};
  return reshape(broadcast(x, wide, {0, 1, 3, 4}), {extent_of(x, 0), Extent(size_of(x, 1) * times),
                                                    extent_of(x, 2), extent_of(x, 3)});
}

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

/// 0 where `allowed`, -infinity elsewhere.
Value bias_of(Value allowed, DType type) {
  return select(allowed, filled(*allowed.builder, type, allowed.shape(), 0),
                filled(*allowed.builder, type, allowed.shape(), kMinusInfinity));
}

/// Rows that may look nowhere give no number, as exponentials of -infinity do.
Value plain_softmax(Value x) {
  const int64_t last = x.rank() - 1;
  const Value e = exp(x - reduce_max(x, {last}, true));
  return e / reduce_sum(e, {last}, true);
}

/// The mask, padded to the keys' length where it is shorter, as a bias.
Value mask_bias(Call& c, Value mask, int64_t keys, DType type) {
  const int64_t missing = keys - size_of(mask, mask.rank() - 1);
  if (missing > 0) {
    std::vector<int64_t> low(static_cast<size_t>(mask.rank()), 0), high(low);
    high.back() = missing;
    mask = pad(
        mask, c.builder().scalar(mask.dtype(), mask.dtype() == DType::boolean ? 0 : kMinusInfinity),
        low, high);
  }
  return mask.dtype() == DType::boolean ? bias_of(mask, type) : cast(mask, type);
}

/// softmax(scale * query key^T + bias) value as one op, for heads at axis 1. `bias`, which may be
/// undefined, can be broadcast to the scores.
Value attention_as_one(Value query, Value key, Value value, Value bias,
                       AttentionAttributes attributes) {
  const auto steps_first = [](Value x) { return transpose(x, {0, 2, 1, 3}); };
  if (bias.defined())
    while (bias.rank() < 4) bias = expand_dims(bias, 0);
  return steps_first(dot_product_attention(steps_first(query), steps_first(key), steps_first(value),
                                           bias, attributes)
                         .y);
}

void attention(Call& c) {
  Value query = c.in(0), key = c.in(1), value = c.in(2);
  const DType type = query.dtype();
  const bool flat = query.rank() == 3;
  if (flat) {
    query = split_heads(query, c.integer("q_num_heads"));
    key = split_heads(key, c.integer("kv_num_heads"));
    value = split_heads(value, c.integer("kv_num_heads"));
  }
  require(query.rank() == 4 && key.rank() == 4 && value.rank() == 4,
          "its query, key and value should have 3 or 4 axes");
  const int64_t past = c.has(4) ? size_of(c.in(4), 2) : 0;
  if (c.has(4)) key = concatenate(std::vector<Value>{c.in(4), key}, 2);
  if (c.has(5)) value = concatenate(std::vector<Value>{c.in(5), value}, 2);
  if (c.wants(1)) c.out(1, key);
  if (c.wants(2)) c.out(2, value);
  const DType compute = compute_type(type);
  const double scale = c.has_attribute("scale")
                           ? c.real("scale", 1)
                           : 1 / std::sqrt(static_cast<double>(size_of(query, 3)));
  const int64_t queries = size_of(query, 2), keys = size_of(key, 2),
                repeats = size_of(query, 1) / size_of(key, 1);
  key = repeat_heads(key, repeats);
  value = repeat_heads(value, repeats);
  const double cap = c.real("softcap", 0);
  std::vector<Value> terms;  // added to the scores, one after another
  const auto term = [&](Value bias) { terms.push_back(bias); };
  if (c.has(3)) term(mask_bias(c, c.in(3), keys, compute));
  const bool is_causal = c.integer("is_causal", 0) != 0;
  const bool plain_causal = is_causal && past == 0 && !c.has(3) && !c.has(6);
  // The op computes as its operands are, and gives no scores.
  const bool as_one =
      type == compute && cap == 0 && !c.wants(3) && !c.element_attribute("softmax_precision");
  if (is_causal && !(as_one && plain_causal)) {
    const Shape square{Extent(queries), Extent(keys)};
    const Value row = iota(c.builder(), DType::i32, square, 0),
                column = iota(c.builder(), DType::i32, square, 1);
    term(bias_of(less_equal(column, plus(row, static_cast<double>(past))), compute));
  }
  if (c.has(6)) {  // valid keys a sample
    const Extent batch = extent_of(query, 0);
    const Shape shape{batch, Extent(1), Extent(1), Extent(keys)};
    const Value length = broadcast_to(
        reshape(cast(c.in(6), DType::i64), {batch, Extent(1), Extent(1), Extent(1)}), shape);
    term(bias_of(less(iota(c.builder(), DType::i64, shape, 3), length), compute));
  }
  if (as_one) {
    Value bias;
    for (const Value& each : terms) bias = bias.defined() ? bias + each : each;
    const Value y = attention_as_one(query, key, value, bias,
                                     {.scale = scale, .is_causal = is_causal && plain_causal});
    c.out(0, flat ? join_heads(y) : y);
    return;
  }
  Value scores = matmul(cast(query, compute) * std::sqrt(scale),
                        transpose(cast(key, compute) * std::sqrt(scale), {0, 1, 3, 2}));
  if (cap > 0) scores = tanh(scores * (1 / cap)) * cap;
  const Value capped = scores;
  for (const Value& each : terms) scores = scores + each;
  const DType softmax_type = c.element_attribute("softmax_precision")
                                 ? carrier(*c.element_attribute("softmax_precision")).value()
                                 : compute;
  const Value probability =
      plain_softmax(compute_type(softmax_type) == compute ? scores : cast(scores, softmax_type));
  const Value y = cast(matmul(cast(probability, compute), cast(value, compute)), type);
  c.out(0, flat ? join_heads(y) : y);
  if (!c.wants(3)) return;
  const int64_t mode = c.integer("qk_matmul_output_mode", 0);
  // 0: the product, softcap included where there is one; 1: before the mask; 2: with it; 3:
  // probabilities.
  const Value shown = mode == 3 ? probability : mode == 2 ? scores : capped;
  c.out(3, cast(shown, type));
}

void flex_attention(Call& c) {
  const Value query = c.in(0), key = c.in(1), value = c.in(2);
  require(query.rank() == 4 && key.rank() == 4 && value.rank() == 4,
          "its query, key and value should have 4 axes");
  const DType type = query.dtype();
  const DType compute = c.element_attribute("softmax_precision")
                            ? carrier(*c.element_attribute("softmax_precision")).value()
                            : compute_type(type);
  const double scale = c.has_attribute("scale")
                           ? c.real("scale", 1)
                           : 1 / std::sqrt(static_cast<double>(size_of(query, 3)));
  const int64_t repeats = size_of(query, 1) / std::max<int64_t>(size_of(key, 1), 1);
  const DType wide = compute_type(type);
  const Value product =
      matmul(cast(query, wide) * std::sqrt(scale),
             transpose(cast(repeat_heads(key, repeats), wide) * std::sqrt(scale), {0, 1, 3, 2}));
  Value scores = cast(product, compute);
  const auto modified = [&](const char* graph, Value x) {
    if (!c.has_attribute(graph)) return x;
    const std::vector<Item> results = c.run_graph(c.graph(graph), {c.trace.item(x)});
    require(results.size() == 1, "its {} gives {} values", graph, results.size());
    return cast(c.trace.value(results[0]), compute);
  };
  scores = modified("score_mod", scores);
  const Value probability = modified("prob_mod", plain_softmax(scores));
  c.out(cast(matmul(probability, cast(repeat_heads(value, repeats), compute)), value.dtype()));
}

/// state' = exp(decay) * state + key outer (beta * (value - state^T key)); output = scale * query
/// state'. One scan over time.
void linear_attention(Call& c) {
  const int64_t query_heads = c.integer("q_num_heads"), heads = c.integer("kv_num_heads");
  const std::string rule = c.text("update_rule", "gated_delta");
  const bool gated = rule == "gated" || rule == "gated_delta",
             delta = rule == "delta" || rule == "gated_delta";
  require(gated || delta || rule == "linear", "its update_rule is '{}'", rule);
  require(heads > 0 && query_heads % heads == 0, "{} query heads for {} key heads", query_heads,
          heads);
  const DType type = c.in(0).dtype();
  const auto over_time = [&](Value x, int64_t count) {  // [time, batch, heads, size], f32
    return transpose(split_heads(cast(x, DType::f32), count), {2, 0, 1, 3});
  };
  const Value query = over_time(c.in(0), query_heads), key = over_time(c.in(1), heads),
              value = over_time(c.in(2), heads);
  const Extent batch = extent_of(query, 1);
  const int64_t size = size_of(key, 3), width = size_of(value, 3), steps = size_of(query, 0);
  Value state = c.has(3) ? cast(c.in(3), DType::f32)
                         : filled(c.builder(), DType::f32,
                                  {batch, Extent(heads), Extent(size), Extent(width)}, 0);
  std::vector<Value> sequences = {query, key, value};
  if (gated) sequences.push_back(broadcast_to(over_time(c.in(4), heads), key.shape()));
  if (delta) {
    const int64_t given = size_of(c.in(5), 2);
    sequences.push_back(broadcast_to(over_time(c.in(5), given), value.shape()));
  }
  const double given_scale = c.real("scale", 0);
  const double scale = given_scale != 0 ? given_scale : 1 / std::sqrt(static_cast<double>(size));
  Builder body(c.builder().ops(), "step");
  Value held = body.input("state", state.type());
  std::vector<Value> slices;
  for (const Value& sequence : sequences)
    slices.push_back(body.input(
        fmt::format("slice{}", slices.size()),
        Type(DType::f32,
             Shape(std::vector<Extent>(sequence.shape().begin() + 1, sequence.shape().end())))));
  const auto column = [](Value x) { return expand_dims(x, 3); };
  const auto row = [](Value x) { return expand_dims(x, 2); };
  if (gated) held = held * column(exp(slices[3]));
  Value written = slices[2];
  if (delta) written = slices.back() * (written - reduce_sum(held * column(slices[1]), {2}));
  held = held + column(slices[1]) * row(written);
  const Value read = repeat_heads(held, query_heads / heads);
  const Value output = reduce_sum(read * column(slices[0]), {2}) * scale;
  const Graph graph =
      body.finish({Builder::Output{"state", held}, Builder::Output{"output", output}});
  const std::vector<Value> results = scan(std::vector<Value>{state}, sequences, {}, graph, steps);
  c.out(0, cast(join_heads(transpose(results[1], {1, 2, 0, 3})), type));
  c.out(1, cast(results[0], c.has(3) ? c.in(3).dtype() : type));
}

void rotary_embedding(Call& c) {
  Value x = c.in(0);
  const bool flat = x.rank() == 3;
  if (flat) x = split_heads(x, c.integer("num_heads"));
  const int64_t size = size_of(x, 3);
  int64_t rotated = c.integer("rotary_embedding_dim", 0);
  if (rotated == 0) rotated = size;
  require(rotated > 0 && rotated <= size && rotated % 2 == 0, "{} of {} values are rotated",
          rotated, size);
  const auto cache = [&](size_t i) {
    Value table = c.in(i);
    if (c.has(3)) table = gather(table, positions(c.in(3), size_of(table, 0)), 0);
    return expand_dims(table, 1);  // [batch, 1, length, rotated / 2]
  };
  const Value cosine = cache(1), sine = cache(2);
  const Value turning = slice_axis(x, 3, 0, rotated);
  const bool interleaved = c.integer("interleaved", 0) != 0;
  const Value a = interleaved ? slice_any(turning, 3, 0, rotated / 2, 2)
                              : slice_axis(turning, 3, 0, rotated / 2);
  const Value b = interleaved ? slice_any(turning, 3, 1, rotated / 2, 2)
                              : slice_axis(turning, 3, rotated / 2, rotated);
  const Value real = cosine * a - sine * b, imaginary = sine * a + cosine * b;
  Value turned;
  if (interleaved)
    turned =
        reshape(concatenate(std::vector<Value>{expand_dims(real, 4), expand_dims(imaginary, 4)}, 4),
                turning.shape());
  else
    turned = concatenate(std::vector<Value>{real, imaginary}, 3);
  Value y = rotated == size
                ? turned
                : concatenate(std::vector<Value>{turned, slice_axis(x, 3, rotated, size)}, 3);
  c.out(flat ? join_heads(y) : y);
}

constexpr OpRow kAttentionRows[] = {
    {"Attention", attention},
    {"FlexAttention", flex_attention, 1, kPreview},
    {"LinearAttention", linear_attention},
    {"RotaryEmbedding", rotary_embedding},
};

}  // namespace

std::span<const OpRow> attention_ops() {
  return kAttentionRows;
}

}  // namespace brisk::onnx
