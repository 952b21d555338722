#include "brisk/nn/layer_holder.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"

// Vaswani et al., "Attention is all you need" (2017), in the two published forms: GPT-2 (Radford et
// al. 2019) normalises before each sub-layer and ends in its own embedding, BERT (Devlin et al.
// 2018) normalises after.

namespace brisk::zoo {
namespace {

std::string normal(double deviation) {
  return fmt::format(R"({{"class_name": "RandomNormal", "config": {{"stddev": {}}}}})", deviation);
}

/// What a block of either form is made of.
struct TransformerBlock {
  ModelBuilder& model;
  int64_t width, heads;
  double dropout, epsilon;
  bool is_causal;
  std::string activation, initializer;

  Value dropped(Value x, const std::string& name) const {
    return dropout > 0 ? model(Dropout{.rate = dropout, .name = name + "_dropout"}, x) : x;
  }
  Value normalised(Value x, const std::string& name) const {
    return model(LayerNormalization{.epsilon = epsilon, .name = name}, x);
  }
  Value joined(Value a, Value b, const std::string& name) const {
    return model(Add{.name = name + "_add"}, {a, b});
  }

  Value attention(Value x, const std::string& name) const {
    const Value y = model(MultiHeadAttention{.num_heads = heads,
                                             .key_dim = width / heads,
                                             .dropout = dropout,
                                             .kernel_initializer = initializer,
                                             .use_causal_mask = is_causal,
                                             .name = name},
                          {x, x});
    return dropped(y, name);
  }
  Value feed_forward(Value x, const std::string& name) const {
    Value y = model(Dense{.units = 4 * width,
                          .activation = activation,
                          .kernel_initializer = initializer,
                          .name = name + "_intermediate"},
                    x);
    y = model(Dense{.units = width, .kernel_initializer = initializer, .name = name + "_output"},
              y);
    return dropped(y, name);
  }
};

/// A layer by name, for those that a model calls twice or that read no more than their input's
/// shape.
template <LayerStruct L>
Value named(ModelBuilder& model, const L& layer, const std::string& name, Value x) {
  return call_layer(model.context(), *make_layer(layer), name, {&x, 1})[0];
}

void check_heads(const char* model, int64_t width, int64_t heads) {
  require(heads > 0 && width % heads == 0, "{}: a width of {} does not divide into {} heads", model,
          width, heads);
}

}  // namespace

Model gpt2(const Gpt2Options& options) {
  check_heads("gpt2", options.width, options.heads);
  ModelBuilder model("gpt2");
  const TransformerBlock block{.model = model,
                               .width = options.width,
                               .heads = options.heads,
                               .dropout = options.dropout,
                               .epsilon = 1e-5,
                               .is_causal = true,
                               .activation = "gelu_approximate",
                               .initializer = normal(0.02)};
  const auto by_token = [&](Value x, bool reverse) {  // one table, used twice
    return named(model,
                 ReversibleEmbedding{.input_dim = options.vocabulary,
                                     .output_dim = options.width,
                                     .embeddings_initializer = normal(0.02),
                                     .reverse = reverse},
                 "token_embedding", x);
  };
  Value x = by_token(model.input("token_ids", {options.steps}, DType::i32), false);
  const Value position =
      named(model, PositionEmbedding{.sequence_length = options.steps, .initializer = normal(0.01)},
            "position_embedding", x);
  x = block.dropped(block.joined(x, position, "embedding"), "embedding");
  for (int64_t i = 0; i < options.layers; ++i) {
    const std::string name = fmt::format("layer{}", i + 1);
    Value y = block.attention(block.normalised(x, name + "_attention_norm"), name + "_attention");
    x = block.joined(x, y, name + "_attention");
    y = block.feed_forward(block.normalised(x, name + "_feedforward_norm"), name + "_feedforward");
    x = block.joined(x, y, name + "_feedforward");
  }
  x = block.normalised(x, "norm");
  return model.finish({{"logits", by_token(x, true)}});
}

Model bert_base(const BertOptions& options) {
  check_heads("bert_base", options.width, options.heads);
  ModelBuilder model("bert_base");
  const std::string initializer =
      R"({"class_name": "TruncatedNormal", "config": {"stddev": 0.02}})";
  const TransformerBlock block{.model = model,
                               .width = options.width,
                               .heads = options.heads,
                               .dropout = options.dropout,
                               .epsilon = 1e-12,
                               .is_causal = false,
                               .activation = "gelu",
                               .initializer = initializer};
  const auto table = [&](Value x, int64_t rows, const std::string& name) {
    return model(Embedding{.input_dim = rows,
                           .output_dim = options.width,
                           .embeddings_initializer = initializer,
                           .name = name},
                 x);
  };
  const Value tokens = table(model.input("token_ids", {options.steps}, DType::i32),
                             options.vocabulary, "token_embedding");
  const Value segments =
      table(model.input("segment_ids", {options.steps}, DType::i32), 2, "segment_embedding");
  const Value positions = named(
      model, PositionEmbedding{.sequence_length = options.positions, .initializer = initializer},
      "position_embedding", tokens);
  Value x = model(Add{.name = "embedding_add"}, {tokens, positions, segments});
  x = block.dropped(block.normalised(x, "embedding_norm"), "embedding");
  for (int64_t i = 0; i < options.layers; ++i) {
    const std::string name = fmt::format("layer{}", i + 1);
    const Value y = block.joined(x, block.attention(x, name + "_attention"), name + "_attention");
    x = block.normalised(y, name + "_attention_norm");
    const Value z =
        block.joined(x, block.feed_forward(x, name + "_feedforward"), name + "_feedforward");
    x = block.normalised(z, name + "_feedforward_norm");
  }
  x = model(Cropping1D{.cropping = {0, options.steps - 1}, .name = "first_step"}, x);
  x = model(Flatten{.name = "first_step_flat"}, x);
  x = model(Dense{.units = options.width,
                  .activation = "tanh",
                  .kernel_initializer = initializer,
                  .name = "pooled_dense"},
            x);
  x = block.dropped(x, "pooled");
  return model.finish(
      {{"logits",
        model(Dense{.units = options.classes, .kernel_initializer = initializer, .name = "logits"},
              x)}});
}

}  // namespace brisk::zoo
