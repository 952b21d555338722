#include "brisk/nn/layer_table.h"

#include "brisk/base/edit_distance.h"
#include "brisk/nn/functional.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/operations/operation_layer.h"

namespace brisk {
namespace {

struct LayerClass {
  std::string_view name;
  std::unique_ptr<Layer> (*read)(ConfigReader& reader, std::vector<std::string>* notes);
};

template <typename L>
constexpr LayerClass row() {
  return {L::kKind, read_layer<L>};
}

constexpr LayerClass kLayers[] = {
    row<Dense>(),
    row<EinsumDense>(),
    row<Embedding>(),
    row<ReversibleEmbedding>(),
    row<PositionEmbedding>(),
    row<ActivationLayer>(),
    row<Identity>(),
    row<Masking>(),
    // Convolutions and pooling.
    row<Conv1D>(),
    row<Conv2D>(),
    row<Conv3D>(),
    row<DepthwiseConv1D>(),
    row<DepthwiseConv2D>(),
    row<SeparableConv1D>(),
    row<SeparableConv2D>(),
    row<Conv1DTranspose>(),
    row<Conv2DTranspose>(),
    row<Conv3DTranspose>(),
    row<MaxPooling1D>(),
    row<MaxPooling2D>(),
    row<MaxPooling3D>(),
    row<AveragePooling1D>(),
    row<AveragePooling2D>(),
    row<AveragePooling3D>(),
    row<GlobalMaxPooling1D>(),
    row<GlobalMaxPooling2D>(),
    row<GlobalMaxPooling3D>(),
    row<GlobalAveragePooling1D>(),
    row<GlobalAveragePooling2D>(),
    row<GlobalAveragePooling3D>(),
    row<AdaptiveMaxPooling1D>(),
    row<AdaptiveMaxPooling2D>(),
    row<AdaptiveMaxPooling3D>(),
    row<AdaptiveAveragePooling1D>(),
    row<AdaptiveAveragePooling2D>(),
    row<AdaptiveAveragePooling3D>(),
    // Shapes.
    row<ZeroPadding1D>(),
    row<ZeroPadding2D>(),
    row<ZeroPadding3D>(),
    row<Cropping1D>(),
    row<Cropping2D>(),
    row<Cropping3D>(),
    row<UpSampling1D>(),
    row<UpSampling2D>(),
    row<UpSampling3D>(),
    row<Flatten>(),
    row<Reshape>(),
    row<Permute>(),
    row<RepeatVector>(),
    // Activations.
    row<ReLU>(),
    row<LeakyReLU>(),
    row<PReLU>(),
    row<ELU>(),
    row<Softmax>(),
    // Normalisation.
    row<BatchNormalization>(),
    row<LayerNormalization>(),
    row<GroupNormalization>(),
    row<RMSNormalization>(),
    row<UnitNormalization>(),
    row<Normalization>(),
    // Several inputs.
    row<Add>(),
    row<Subtract>(),
    row<Multiply>(),
    row<Average>(),
    row<Maximum>(),
    row<Minimum>(),
    row<Concatenate>(),
    row<Dot>(),
    // Recurrent layers and wrappers.
    row<SimpleRNN>(),
    row<LSTM>(),
    row<GRU>(),
    row<RNN>(),
    row<ConvLSTM1D>(),
    row<ConvLSTM2D>(),
    row<ConvLSTM3D>(),
    row<Bidirectional>(),
    row<TimeDistributed>(),
    // Attention.
    row<Attention>(),
    row<AdditiveAttention>(),
    row<MultiHeadAttention>(),
    row<GroupQueryAttention>(),
    // What only training notices.
    row<Dropout>(),
    row<SpatialDropout1D>(),
    row<SpatialDropout2D>(),
    row<SpatialDropout3D>(),
    row<AlphaDropout>(),
    row<GaussianDropout>(),
    row<GaussianNoise>(),
    row<ActivityRegularization>(),
    // Images.
    row<Rescaling>(),
    row<Resizing>(),
    row<CenterCrop>(),
    row<RandomCrop>(),
    row<RandomFlip>(),
    row<RandomRotation>(),
    row<RandomZoom>(),
    row<RandomTranslation>(),
    row<RandomContrast>(),
    row<RandomBrightness>(),
    row<RandomHue>(),
    row<RandomSaturation>(),
    row<RandomSharpness>(),
    row<RandomColorJitter>(),
    row<RandomErasing>(),
    row<RandomGrayscale>(),
    row<RandomShear>(),
    row<RandomPosterization>(),
    row<RandomInvert>(),
    row<RandomPerspective>(),
    row<RandomGaussianBlur>(),
    row<RandomColorDegeneration>(),
    row<RandomElasticTransform>(),
    row<RandAugment>(),
    row<AugMix>(),
    row<CutMix>(),
    row<MixUp>(),
    row<LayerScale>(),
    row<StochasticDepth>(),
    row<CustomScaleLayer>(),
    row<CategoryEncoding>(),
    row<Discretization>(),
};

/// Classes and options that Keras 2 named otherwise.
struct Renamed {
  std::string_view class_name, old_name, new_name;
};
constexpr Renamed kRenamedOptions[] = {
    {"LeakyReLU", "alpha", "negative_slope"},
};
/// Options that Keras 2 wrote without using them, or for its own next start.
constexpr std::pair<std::string_view, std::string_view> kUnusedOptions[] = {
    {"DepthwiseConv1D", "groups"},
    {"DepthwiseConv2D", "groups"},
    {"SeparableConv1D", "groups"},
    {"SeparableConv2D", "groups"},
    {"SeparableConv1D", "kernel_initializer"},
    {"SeparableConv2D", "kernel_initializer"},
    {"Conv1DTranspose", "groups"},
    {"Conv2DTranspose", "groups"},
    {"Conv3DTranspose", "groups"},
    {"MultiHeadAttention", "query_shape"},
    {"MultiHeadAttention", "key_shape"},
    {"MultiHeadAttention", "value_shape"},
};
constexpr std::pair<std::string_view, std::string_view> kRenamedClasses[] = {
    {"GroupedQueryAttention", "GroupQueryAttention"},
};

std::string_view class_now(std::string_view class_name) {
  for (const auto& [old_name, new_name] : kRenamedClasses)
    if (class_name == old_name) return new_name;
  return class_name;
}

const LayerClass* find_class(std::string_view class_name) {
  for (const LayerClass& known : kLayers)
    if (known.name == class_now(class_name)) return &known;
  return nullptr;
}

constexpr std::pair<std::string_view, DType> kTypes[] = {
    {"float32", DType::f32},   {"float64", DType::f64}, {"float16", DType::f16},
    {"bfloat16", DType::bf16}, {"int8", DType::i8},     {"int16", DType::i16},
    {"int32", DType::i32},     {"int64", DType::i64},   {"uint8", DType::u8},
    {"uint16", DType::u16},    {"uint32", DType::u32},  {"uint64", DType::u64},
    {"bool", DType::boolean},
};

/// The name of a layer's policy: "float32", "mixed_float16", "int8_from_float32".
std::string policy_name(const Json& dtype) {
  if (dtype.is_string()) return dtype.get<std::string>();
  if (!dtype.is_object() || !dtype.contains("config") || !dtype["config"].is_object())
    return "float32";
  const Json& config = dtype["config"];
  if (config.contains("mode") && config["mode"].is_string())
    return fmt::format("{}_from_{}", config["mode"].get<std::string>(),
                       config.value("source_name", "float32"));
  return config.value("name", "float32");
}

/// brisk computes what it imports in f32: other floating policies are noted, quantised ones
/// refused.
void check_policy(const Json& config, const std::string& what, std::vector<std::string>* notes) {
  const auto dtype = config.find("dtype");
  if (dtype == config.end() || dtype->is_null()) return;
  const std::string policy = policy_name(*dtype);
  require(policy.find("_from_") == std::string::npos && !policy.starts_with("quantized"),
          "{} has the quantised policy '{}': save the model before it is quantised, and let brisk "
          "quantise it",
          what, policy);
  if (notes != nullptr && (policy.find("float16") != std::string::npos || policy == "float64"))
    notes->push_back(fmt::format("{}: its policy '{}' is computed in float32", what, policy));
}

}  // namespace

bool has_layer_class(std::string_view class_name) {
  return is_model_class(class_name) || find_class(class_name) != nullptr;
}

std::unique_ptr<Layer> layer_from_config(std::string_view class_name, std::string_view config,
                                         std::vector<std::string>* notes) {
  Json json = parse_json(config, class_name).value();
  require(json.is_object(), "the configuration of a {} is no object", class_name);
  if (is_model_class(class_name))
    return std::make_unique<FunctionalLayer>(parse_functional_config(json, class_name), notes);
  const LayerClass* known = find_class(class_name);
  if (known == nullptr) {
    std::vector<std::string> names;
    for (const LayerClass& row : kLayers) names.emplace_back(row.name);
    refuse("there is no layer class '{}'{}", class_name, did_you_mean(class_name, names));
  }
  const std::string name =
      json.contains("name") && json["name"].is_string() ? json["name"].get<std::string>() : "";
  const std::string what = fmt::format("{} '{}'", class_name, name);
  check_policy(json, what, notes);
  for (const Renamed& renamed : kRenamedOptions)
    if (renamed.class_name == class_name && json.contains(renamed.old_name)) {
      json[std::string(renamed.new_name)] = json[std::string(renamed.old_name)];
      json.erase(std::string(renamed.old_name));
    }
  for (const auto& [owner, option] : kUnusedOptions)
    if (owner == class_name && (option != "groups" || json.value("groups", Json()) == 1))
      json.erase(std::string(option));
  ConfigReader reader(json.dump(), what);
  return known->read(reader, notes);
}

std::unique_ptr<Layer> layer_from_object(std::string_view object, std::vector<std::string>* notes) {
  const Json json = parse_json(object, "a layer inside a layer").value();
  require(json.is_object() && json.contains("class_name") && json["class_name"].is_string() &&
              json.contains("config"),
          "a layer inside a layer needs a class_name and a config, but is {}",
          object.substr(0, 200));
  return layer_from_config(json["class_name"].get<std::string>(), json["config"].dump(), notes);
}

DType dtype_from_keras(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& [known, type] : kTypes) {
    if (known == name) return type;
    names.emplace_back(known);
  }
  refuse("brisk computes in no type '{}'{}", name, did_you_mean(name, names));
}

std::string_view keras_dtype(DType type) {
  for (const auto& [known, dtype] : kTypes)
    if (dtype == type) return known;
  refuse("Keras has no type {}", name(type));
}

std::vector<UnknownLayer> unknown_layers(const FunctionalConfig& config) {
  std::vector<UnknownLayer> unknown;
  for (const LayerEntry& entry : config.layers) {
    if (entry.is_input()) continue;
    if (entry.is_operation()) {
      if (!has_operation(entry.class_name))
        unknown.push_back({entry.module + "." + entry.class_name, entry.name,
                           "brisk lacks this function of keras.ops"});
      continue;
    }
    if (entry.class_name == "Lambda") {
      unknown.push_back({"Lambda", entry.name,
                         "its Python code is never executed; write it with keras.ops, whose "
                         "functions are imported"});
    } else if (!has_layer_class(entry.class_name)) {
      const bool custom = !entry.registered_name.empty() && entry.registered_name != "Functional";
      unknown.push_back({entry.class_name, entry.name,
                         custom ? "a custom class, whose Python code is not in the file: build it "
                                  "of Keras's layers or of keras.ops"
                                : "brisk lacks this layer"});
    } else if (is_model_class(entry.class_name)) {
      for (UnknownLayer& inner :
           unknown_layers(parse_functional_config(entry.config, entry.class_name))) {
        inner.layer = entry.name + "/" + inner.layer;
        unknown.push_back(std::move(inner));
      }
    }
  }
  return unknown;
}

}  // namespace brisk
