#include "brisk/nn/operations/operation_layer.h"

#include <algorithm>
#include <cmath>

#include "brisk/base/edit_distance.h"
#include "brisk/nn/operations/operation.h"
#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {
namespace {

const Operation* find_operation(std::string_view class_name) {
  for (const auto operations : {arithmetic_operations(), reduction_operations(), shape_operations(),
                                activation_operations()})
    for (const Operation& operation : operations)
      if (operation.name == class_name) return &operation;
  return nullptr;
}

class OperationLayer final : public Layer {
 public:
  OperationLayer(const Operation& operation, const LayerEntry& entry, const LayerCall& call)
      : operation_(operation),
        module_(entry.module),
        name_(entry.name),
        config_(entry.config),
        args_(call.args),
        kwargs_(call.kwargs) {
    config_.erase("name");
  }

  /// The module and the class: "keras.src.ops.numpy.Add".
  std::string kind() const override { return fmt::format("{}.{}", module_, operation_.name); }
  std::string given_name() const override { return name_; }
  std::string config() const override {
    return Json{{"config", config_}, {"args", args_}, {"kwargs", kwargs_}}.dump();
  }
  std::vector<Value> build(LayerContext& context, std::span<const Value> inputs) const override {
    return operation_.apply({operation_.name, context.builder(), inputs, args_, kwargs_, config_});
  }

 private:
  const Operation& operation_;
  std::string module_, name_;
  Json config_, args_, kwargs_;
};

/// The type that NumPy's rules give two element types, so far as brisk needs them.
DType joint_type(DType a, DType b) {
  if (a == b) return a;
  if (is_floating(a) != is_floating(b)) return is_floating(a) ? a : b;
  if (a == DType::boolean) return b;
  if (b == DType::boolean) return a;
  return bits(a) >= bits(b) ? a : b;
}

bool is_tensor(const Json& json) {
  return json.is_object() && json.size() == 1 && json.contains("tensor");
}

}  // namespace

Json OperationCall::argument(size_t position, std::string_view argument_name) const {
  // What the operation was made with stands in its configuration; what it was called with beside.
  if (const auto found = config.find(argument_name); found != config.end()) return *found;
  if (const auto found = kwargs.find(argument_name); found != kwargs.end()) return *found;
  if (position < args.size()) return args[position];
  return nullptr;
}

Value OperationCall::value(const Json& json, const Value* like) const {
  if (is_tensor(json)) {
    const auto index = json["tensor"].get<size_t>();
    require(index < tensors.size(), "[{}] names tensor {} of {}", name, index, tensors.size());
    return tensors[index];
  }
  if (json.is_object() && json.contains("config") && json["config"].is_object() &&
      json["config"].contains("value"))
    return value(json["config"]["value"], like);  // a NumPy array
  require(json.is_number() || json.is_boolean() || json.is_array(),
          "[{}] an operand must be a tensor or a number, but is {}", name,
          json.dump().substr(0, 200));
  std::vector<int64_t> sizes;
  std::vector<double> numbers;
  bool fraction = false;
  const auto collect = [&](auto& self, const Json& element, size_t depth) -> void {
    if (element.is_array()) {
      require(depth < 16, "[{}] a constant is nested too deep", name);
      if (sizes.size() == depth) sizes.push_back(std::ssize(element));
      require(sizes[depth] == std::ssize(element), "[{}] a constant is ragged", name);
      for (const Json& inner : element) self(self, inner, depth + 1);
      return;
    }
    require((element.is_number() || element.is_boolean()) && depth == sizes.size(),
            "[{}] a constant must hold numbers", name);
    fraction = fraction || element.is_number_float();
    numbers.push_back(element.is_boolean() ? (element.get<bool>() ? 1.0 : 0.0)
                                           : element.get<double>());
  };
  collect(collect, json, 0);
  DType type = fraction ? DType::f32 : DType::i32;
  if (like != nullptr && (is_floating(like->dtype()) || !fraction)) type = like->dtype();
  Tensor tensor(type, sizes);
  require(tensor.num_elements() == std::ssize(numbers), "[{}] a constant is ragged", name);
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    tensor.set(i, numbers[static_cast<size_t>(i)]);
  return builder.constant(tensor);
}

std::vector<Value> OperationCall::values(size_t position, std::string_view what) const {
  const Json list = argument(position, what);
  if (is_tensor(list)) return {value(list)};
  require(list.is_array() && !list.empty(), "[{}] '{}' must be a list of tensors", name, what);
  std::vector<Value> result;
  for (const Json& element : list) result.push_back(value(element));
  return result;
}

std::pair<Value, Value> OperationCall::pair(std::string_view first, std::string_view second) const {
  const Json a = argument(0, first), b = argument(1, second);
  Value x, y;
  if (is_tensor(a)) {
    x = value(a);
    y = value(b, &x);
  } else {
    y = value(b);
    x = value(a, &y);
  }
  const DType type = joint_type(x.dtype(), y.dtype());
  return {cast(x, type), cast(y, type)};
}

std::optional<int64_t> OperationCall::integer(const Json& json) const {
  if (json.is_null()) return std::nullopt;
  if (json.is_array() && json.size() == 1) return integer(json[0]);
  require(json.is_number_integer(), "[{}] an integer is needed, but {} is given", name,
          json.dump().substr(0, 200));
  return json.get<int64_t>();
}

std::vector<int64_t> OperationCall::integers(const Json& json) const {
  std::vector<int64_t> result;
  if (json.is_null()) return result;
  if (!json.is_array()) return {*integer(json)};
  for (const Json& element : json) result.push_back(element.is_null() ? -1 : *integer(element));
  return result;
}

double OperationCall::number_or(const Json& json, double otherwise) const {
  if (json.is_null()) return otherwise;
  require(json.is_number(), "[{}] a number is needed, but {} is given", name,
          json.dump().substr(0, 200));
  return json.get<double>();
}

bool OperationCall::flag_or(const Json& json, bool otherwise) const {
  if (json.is_null()) return otherwise;
  require(json.is_boolean(), "[{}] true or false is needed, but {} is given", name,
          json.dump().substr(0, 200));
  return json.get<bool>();
}

bool has_operation(std::string_view class_name) {
  return find_operation(class_name) != nullptr;
}

std::string_view operation_module(std::string_view class_name) {
  static constexpr std::pair<std::string_view, std::string_view> kElsewhere[] = {
      {"Cast", "core"},
      {"StopGradient", "core"},
      {"Norm", "linalg"},
      {"Resize", "image"},
      {"ConvertToTensor", "core"},
      {"Rsqrt", "math"},
      {"Erf", "math"},
      {"Logsumexp", "math"},
      {"Normalize", "nn"},
      {"OneHot", "nn"},
      {"Relu", "nn"},
      {"Relu6", "nn"},
      {"LeakyRelu", "nn"},
      {"Elu", "nn"},
      {"Selu", "nn"},
      {"Gelu", "nn"},
      {"Silu", "nn"},
      {"Sigmoid", "nn"},
      {"LogSigmoid", "nn"},
      {"HardSigmoid", "nn"},
      {"HardSilu", "nn"},
      {"Softplus", "nn"},
      {"Softsign", "nn"},
      {"Softmax", "nn"},
      {"LogSoftmax", "nn"},
  };
  if (!has_operation(class_name)) return "";
  const auto* found = std::ranges::find(kElsewhere, class_name,
                                        &std::pair<std::string_view, std::string_view>::first);
  const std::string_view family = found == std::end(kElsewhere) ? "numpy" : found->second;
  for (const std::string_view module :
       {"keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.math", "keras.src.ops.core",
        "keras.src.ops.linalg", "keras.src.ops.image"})
    if (module.ends_with(family)) return module;
  return "";
}

bool is_operation_kind(std::string_view kind) {
  return kind.starts_with("keras.src.ops.") || kind.starts_with("keras.ops.");
}

std::unique_ptr<Layer> operation_layer(const LayerEntry& entry, const LayerCall& call) {
  const Operation* operation = find_operation(entry.class_name);
  if (operation == nullptr) {
    std::vector<std::string> names;
    for (const auto operations : {arithmetic_operations(), reduction_operations(),
                                  shape_operations(), activation_operations()})
      for (const Operation& known : operations) names.emplace_back(known.name);
    refuse("brisk lacks the function {}.{} of keras.ops{}", entry.module, entry.class_name,
           did_you_mean(entry.class_name, names));
  }
  return std::make_unique<OperationLayer>(*operation, entry, call);
}

}  // namespace brisk
