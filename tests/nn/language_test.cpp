// Layers of language models, with numbers worked out by hand.

#include "brisk/nn/layers/language.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/nn/layer_holder.h"
#include "brisk/nn/layers.h"

namespace brisk {
namespace {

/// The outputs of a model whose weights and inputs are given.
std::vector<Tensor> outputs_of(const Model& model, std::vector<Tensor> weights,
                               const std::vector<Tensor>& inputs) {
  Program program = for_inference(model.program);
  program = bind_dimensions(program, {{"batch", inputs[0].sizes()[0]}});
  weights.insert(weights.end(), inputs.begin(), inputs.end());
  return reference::evaluate(program.graph, weights);
}

Tensor floats(std::vector<int64_t> sizes, std::vector<float> values) {
  return Tensor::of<float>(sizes, values);
}

TEST(ReversibleEmbedding, LeadsThereAndBack) {
  ModelBuilder builder("m");
  const Value tokens = builder.input("tokens", {2}, DType::i32), x = builder.input("x", {1, 2});
  const auto named = [&](bool reverse, Value input) {
    const ReversibleEmbedding layer{.input_dim = 3, .output_dim = 2, .reverse = reverse};
    return call_layer(builder.context(), *make_layer(layer), "e", {&input, 1})[0];
  };
  const Value there = named(false, tokens), back = named(true, x);
  const Model model = builder.finish({{"there", there}, {"back", back}});
  ASSERT_EQ(model.program.state.size(), 1u);
  EXPECT_EQ(model.program.state[0].name, "e/embeddings");
  const auto found = outputs_of(
      model, {floats({3, 2}, {0, 0, 2, 2, 3, 4})},
      {Tensor::of<int32_t>({1, 2}, std::vector<int32_t>{2, 1}), floats({1, 1, 2}, {1, 10})});
  EXPECT_EQ(found[0].get(1), 4);
  EXPECT_EQ(found[0].get(2), 2);
  EXPECT_EQ(found[1].sizes(), (std::vector<int64_t>{1, 1, 3}));
  EXPECT_EQ(found[1].get(1), 22);
  EXPECT_EQ(found[1].get(2), 43);
}

// Keras's own test of the soft cap: table [[0, 0], [2, 2], [3, 3]], x [1, 1], cap 5.
TEST(ReversibleEmbedding, CapsScoresAndMayHaveATableOfItsOwn) {
  ModelBuilder builder("m");
  const Value x = builder.input("x", {2});
  const Value y = builder(ReversibleEmbedding{.input_dim = 3,
                                              .output_dim = 2,
                                              .tie_weights = false,
                                              .logit_soft_cap = 5,
                                              .reverse = true},
                          x);
  const Model model = builder.finish({{"y", y}});
  ASSERT_EQ(model.program.state.size(), 2u);  // both tables, whichever way a call goes
  EXPECT_EQ(model.program.state[0].name, "reversible_embedding/embeddings");
  EXPECT_EQ(model.program.state[1].name, "reversible_embedding/reverse_embeddings");
  const auto found =
      outputs_of(model, {floats({3, 2}, {0, 0, 0, 0, 0, 0}), floats({2, 3}, {0, 2, 3, 0, 2, 3})},
                 {floats({1, 2}, {1, 1})});
  EXPECT_NEAR(found[0].get(1), 3.320184, 1e-5);
  EXPECT_NEAR(found[0].get(2), 4.168273, 1e-5);
}

TEST(PositionEmbedding, SpreadsTheFirstRowsOverTheBatch) {
  ModelBuilder builder("m");
  Value x = builder.input("x", {2, 1});
  const Value y = call_layer(builder.context(),
                             *make_layer(PositionEmbedding{.sequence_length = 3}), "p", {&x, 1})[0];
  const Model model = builder.finish({{"y", y}, {"x", x}});
  const auto found =
      outputs_of(model, {floats({3, 1}, {5, 6, 7})}, {floats({2, 2, 1}, {0, 0, 0, 0})});
  EXPECT_EQ(found[0].sizes(), (std::vector<int64_t>{2, 2, 1}));
  for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(found[0].get(i), 5 + i % 2);
  EXPECT_THROW(call_layer(builder.context(), *make_layer(PositionEmbedding{}), "q", {&x, 1}),
               UserError);
}

/// Attention with and without its weights asked for: one op, or products and a softmax.
TEST(MultiHeadAttentionLayer, IsOneOpWhereItsWeightsAreNotAskedFor) {
  const auto output = [](bool weights_too) {
    ModelBuilder builder("m");
    const Value x = builder.input("x", {4, 6}), mask = builder.input("mask", {4}, DType::boolean);
    MultiHeadAttention layer{.num_heads = 2,
                             .key_dim = 3,
                             .inputs = {"query", "value", "value_mask"},
                             .return_attention_scores = weights_too,
                             .use_causal_mask = true,
                             .name = "attention"};
    const std::vector<Value> inputs = {x, x, mask};
    const std::vector<Value> results = builder.apply(*make_layer(layer), inputs);
    Model model = builder.finish({{"y", results[0]}});
    model.initialize(3);
    Tensor values = Tensor::zeros(DType::f32, {2, 4, 6}),
           seen = Tensor::zeros(DType::boolean, {2, 4});
    for (int64_t i = 0; i < values.num_elements(); ++i) values.set(i, std::sin(3.0 * double(i)));
    for (int64_t i = 0; i < 8; ++i) seen.set(i, i != 1 && i != 6);
    return outputs_of(model, model.weights, {values, seen})[0];
  };
  const Tensor one = output(false), parts = output(true);
  for (int64_t i = 0; i < one.num_elements(); ++i) EXPECT_NEAR(one.get(i), parts.get(i), 1e-6);
}

}  // namespace
}  // namespace brisk
