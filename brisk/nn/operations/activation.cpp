#include "brisk/nn/activations.h"
#include "brisk/nn/operations/operation.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"

namespace brisk {
namespace {

template <Value (*kFunction)(Value)>
std::vector<Value> plain(const OperationCall& call) {
  return {kFunction(as_float(call.value(0, "x")))};
}

std::vector<Value> softmax_along(const OperationCall& call) {
  return {softmax(as_float(call.value(0, "x")), call.integer_or(call.argument(1, "axis"), -1))};
}
std::vector<Value> log_softmax_along(const OperationCall& call) {
  return {log_softmax(as_float(call.value(0, "x")), call.integer_or(call.argument(1, "axis"), -1))};
}
std::vector<Value> leaky(const OperationCall& call) {
  return {leaky_relu(as_float(call.value(0, "x")),
                     call.number_or(call.argument(1, "negative_slope"), 0.2))};
}
std::vector<Value> elu_of(const OperationCall& call) {
  return {elu(as_float(call.value(0, "x")), call.number_or(call.argument(1, "alpha"), 1))};
}
std::vector<Value> gelu_of(const OperationCall& call) {
  return {gelu(as_float(call.value(0, "x")), call.flag_or(call.argument(1, "approximate"), true))};
}
std::vector<Value> one_hot_of(const OperationCall& call) {
  const Value x = call.value(0, "x");
  require(call.integer_or(call.option("axis"), -1) == -1, "[{}] the new axis must be the last",
          call.name);
  return {one_hot(x.dtype() == DType::i64 ? x : cast(x, DType::i32),
                  call.integer_or(call.argument(1, "num_classes"), 0))};
}
Value log_sigmoid(Value x) {
  return -softplus(-x);
}

constexpr Operation kActivationOperations[] = {
    {"Relu", plain<relu>},
    {"Relu6", plain<relu6>},
    {"LeakyRelu", leaky},
    {"Elu", elu_of},
    {"Selu", plain<selu>},
    {"Gelu", gelu_of},
    {"Silu", plain<silu>},
    {"Sigmoid", plain<sigmoid>},
    {"LogSigmoid", plain<log_sigmoid>},
    {"HardSigmoid", plain<hard_sigmoid>},
    {"HardSilu", plain<hard_silu>},
    {"Tanh", plain<tanh>},
    {"Softplus", plain<softplus>},
    {"Softsign", plain<softsign>},
    {"Softmax", softmax_along},
    {"LogSoftmax", log_softmax_along},
    {"OneHot", one_hot_of},
};

}  // namespace

std::span<const Operation> activation_operations() {
  return kActivationOperations;
}

}  // namespace brisk
