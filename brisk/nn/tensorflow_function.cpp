#include "brisk/nn/tensorflow_function.h"

#include <map>

#include "brisk/nn/operations/operation_layer.h"

namespace brisk {
namespace {

/// TensorFlow's function, the class in keras.ops, and its arguments as "theirs=ours"; the first one
/// is positional in both.
struct Counterpart {
  std::string_view function, operation, arguments;
};
constexpr Counterpart kCounterparts[] = {
    {"__operators__.add", "Add", "y=x2"},
    {"__operators__.getitem", "GetItem", "slice_spec=key"},
    {"math.add", "Add", "y=x2"},
    {"math.subtract", "Subtract", "y=x2"},
    {"math.multiply", "Multiply", "y=x2"},
    {"math.divide", "TrueDivide", "y=x2"},
    {"math.truediv", "TrueDivide", "y=x2"},
    {"math.floordiv", "FloorDivide", "y=x2"},
    {"math.floormod", "Mod", "y=x2"},
    {"math.pow", "Power", "y=x2"},
    {"math.maximum", "Maximum", "y=x2"},
    {"math.minimum", "Minimum", "y=x2"},
    {"math.squared_difference", "SquaredDifference", "y=x2"},
    {"math.atan2", "Arctan2", "x=x2"},
    {"math.equal", "Equal", "y=x2"},
    {"math.not_equal", "NotEqual", "y=x2"},
    {"math.less", "Less", "y=x2"},
    {"math.less_equal", "LessEqual", "y=x2"},
    {"math.greater", "Greater", "y=x2"},
    {"math.greater_equal", "GreaterEqual", "y=x2"},
    {"math.logical_and", "LogicalAnd", "y=x2"},
    {"math.logical_or", "LogicalOr", "y=x2"},
    {"math.logical_not", "LogicalNot", ""},
    {"math.negative", "Negative", ""},
    {"math.abs", "Absolute", ""},
    {"math.sign", "Sign", ""},
    {"math.square", "Square", ""},
    {"math.sqrt", "Sqrt", ""},
    {"math.rsqrt", "Rsqrt", ""},
    {"math.reciprocal", "Reciprocal", ""},
    {"math.exp", "Exp", ""},
    {"math.expm1", "Expm1", ""},
    {"math.log", "Log", ""},
    {"math.log1p", "Log1p", ""},
    {"math.sin", "Sin", ""},
    {"math.cos", "Cos", ""},
    {"math.tan", "Tan", ""},
    {"math.erf", "Erf", ""},
    {"math.floor", "Floor", ""},
    {"math.ceil", "Ceil", ""},
    {"math.round", "Round", ""},
    {"math.tanh", "Tanh", ""},
    {"math.sigmoid", "Sigmoid", ""},
    {"math.softplus", "Softplus", ""},
    {"nn.relu", "Relu", ""},
    {"nn.relu6", "Relu6", ""},
    {"nn.leaky_relu", "LeakyRelu", "alpha=negative_slope"},
    {"nn.elu", "Elu", ""},
    {"nn.selu", "Selu", ""},
    {"nn.silu", "Silu", ""},
    {"nn.softsign", "Softsign", ""},
    {"nn.gelu", "Gelu", "approximate=approximate"},
    {"nn.softmax", "Softmax", "axis=axis"},
    {"nn.log_softmax", "LogSoftmax", "axis=axis"},
    {"math.reduce_mean", "Mean", "axis=axis keepdims=keepdims"},
    {"math.reduce_sum", "Sum", "axis=axis keepdims=keepdims"},
    {"math.reduce_max", "Max", "axis=axis keepdims=keepdims"},
    {"math.reduce_min", "Min", "axis=axis keepdims=keepdims"},
    {"math.reduce_prod", "Prod", "axis=axis keepdims=keepdims"},
    {"math.reduce_all", "All", "axis=axis keepdims=keepdims"},
    {"math.reduce_any", "Any", "axis=axis keepdims=keepdims"},
    {"math.reduce_logsumexp", "Logsumexp", "axis=axis keepdims=keepdims"},
    {"linalg.matmul", "Matmul", "b=x2"},
    {"reshape", "Reshape", "shape=newshape"},
    {"compat.v1.transpose", "Transpose", "perm=axes"},
    {"transpose", "Transpose", "perm=axes"},
    {"concat", "Concatenate", "axis=axis"},
    {"stack", "Stack", "axis=axis"},
    {"expand_dims", "ExpandDims", "axis=axis"},
    {"compat.v1.squeeze", "Squeeze", "axis=axis"},
    {"squeeze", "Squeeze", "axis=axis"},
    {"cast", "Cast", "dtype=dtype"},
    {"clip_by_value", "Clip", "clip_value_min=x_min clip_value_max=x_max"},
    {"tile", "Tile", "multiples=repeats"},
    {"repeat", "Repeat", "repeats=repeats axis=axis"},
    {"compat.v1.where", "Where", "x=x1 y=x2"},
    {"where", "Where", "x=x1 y=x2"},
    {"zeros_like", "ZerosLike", ""},
    {"ones_like", "OnesLike", ""},
    {"stop_gradient", "StopGradient", ""},
    {"identity", "ConvertToTensor", ""},
};

/// Our name of an argument; empty: the function has it not.
std::string_view renamed(std::string_view arguments, std::string_view theirs) {
  while (!arguments.empty()) {
    const size_t space = std::min(arguments.find(' '), arguments.size());
    const std::string_view pair = arguments.substr(0, space);
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) == theirs) return pair.substr(equals + 1);
    arguments.remove_prefix(std::min(space + 1, arguments.size()));
  }
  return {};
}

/// "<dtype: 'float32'>" as "float32".
Json plain_type(const Json& type) {
  if (!type.is_string()) return type;
  const auto text = type.get<std::string>();
  const size_t first = text.find('\''), last = text.rfind('\'');
  return first < last ? text.substr(first + 1, last - first - 1) : text;
}

/// {"start", "stop", "step"} as Keras 3 writes a slice.
Json slice_keys(Json keys) {
  if (!keys.is_array()) return keys;
  for (Json& key : keys)
    if (key.is_object() && key.contains("start"))
      key = {{"class_name", "__slice__"}, {"config", key}};
  return keys;
}

/// One of the matrices comes transposed: a product of letters says so.
std::string_view transposed_product(const Json& kwargs) {
  const bool a = kwargs.value("transpose_a", Json()) == true,
             b = kwargs.value("transpose_b", Json()) == true;
  return a && b ? "...ji,...kj->...ik" : a ? "...ji,...jk->...ik" : b ? "...ij,...kj->...ik" : "";
}

/// Tensors are arguments of the call; what else there is the operation is made with (`config`).
/// False where an argument has no counterpart.
bool rename_arguments(const Counterpart& counterpart, LayerCall& call, Json& config) {
  Json kwargs = Json::object();
  for (const auto& [theirs, value] : call.kwargs.items()) {
    if (value.is_null() || theirs == "name" || value == false) continue;
    const std::string_view ours = renamed(counterpart.arguments, theirs);
    if (ours.empty()) return false;
    const bool is_called_with = ours == "x1" || ours == "x2" || ours == "key";
    (is_called_with ? kwargs : config)[std::string(ours)] = ours == "dtype" ? plain_type(value)
                                                            : ours == "key" ? slice_keys(value)
                                                                            : value;
  }
  // Where TensorFlow's default is another one.
  if (counterpart.operation == "Gelu" && !config.contains("approximate"))
    config["approximate"] = false;
  call.kwargs = std::move(kwargs);
  return true;
}

bool become(const Counterpart& counterpart, LayerEntry& entry) {
  std::string operation(counterpart.operation);
  Json config = Json::object();
  for (LayerCall& call : entry.calls) {
    const std::string_view letters =
        operation == "Matmul" ? transposed_product(call.kwargs) : std::string_view();
    if (!letters.empty() && entry.calls.size() == 1) {
      call.args.push_back(call.kwargs.value("b", Json()));
      call.kwargs = Json::object();
      entry.config = {{"subscripts", std::string(letters)}};
      entry.class_name = "Einsum";
      return true;
    }
    Json own = Json::object();
    if (!rename_arguments(counterpart, call, own)) return false;
    if (&call != &entry.calls.front() && own != config) return false;
    config = std::move(own);
  }
  entry.config = std::move(config);
  entry.class_name = operation;
  return true;
}

}  // namespace

void become_operation(LayerEntry& entry) {
  if (entry.class_name != "TFOpLambda" && entry.class_name != "SlicingOpLambda") return;
  const Json name = entry.config.value("function", Json());
  if (!name.is_string()) return;
  const auto function = name.get<std::string>();
  for (const Counterpart& counterpart : kCounterparts) {
    if (counterpart.function != function || !become(counterpart, entry)) continue;
    entry.module = operation_module(entry.class_name);
    entry.registered_name.clear();
    return;
  }
  entry.class_name = "tf." + function;
  entry.registered_name.clear();
}

}  // namespace brisk
