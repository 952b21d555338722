#include "brisk/nn/activations.h"

#include "brisk/base/edit_distance.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {
namespace {

struct NamedActivation {
  std::string_view name;
  Value (*apply)(Value);
};

constexpr NamedActivation kActivations[] = {
    {"", [](Value x) { return x; }},
    {"linear", [](Value x) { return x; }},
    {"relu", [](Value x) { return relu(x); }},
    {"relu6", [](Value x) { return relu6(x); }},
    {"leaky_relu", [](Value x) { return leaky_relu(x); }},
    {"elu", [](Value x) { return elu(x); }},
    {"selu", [](Value x) { return selu(x); }},
    {"gelu", [](Value x) { return gelu(x); }},
    {"gelu_approximate", [](Value x) { return gelu(x, true); }},  // by tanh; KerasHub's name
    {"silu", [](Value x) { return silu(x); }},
    {"swish", [](Value x) { return silu(x); }},
    {"hard_silu", [](Value x) { return hard_silu(x); }},
    {"hard_swish", [](Value x) { return hard_silu(x); }},
    {"mish", [](Value x) { return mish(x); }},
    {"sigmoid", [](Value x) { return sigmoid(x); }},
    {"hard_sigmoid", [](Value x) { return hard_sigmoid(x); }},
    // What Keras 2 calls hard_sigmoid; Keras 3 has none of it.
    {"hard_sigmoid_of_keras_2", [](Value x) { return clamp(x * 0.2 + 0.5, 0, 1); }},
    {"tanh", [](Value x) { return tanh(x); }},
    {"softplus", [](Value x) { return softplus(x); }},
    {"softsign", [](Value x) { return softsign(x); }},
    {"exponential", [](Value x) { return exp(x); }},
    {"softmax", [](Value x) { return softmax(x); }},
    {"log_softmax", [](Value x) { return log_softmax(x); }},
};

}  // namespace

Value activation(std::string_view name, Value x) {
  std::vector<std::string> names;
  for (const NamedActivation& known : kActivations) {
    if (known.name == name) return known.apply(x);
    names.emplace_back(known.name);
  }
  refuse("there is no activation '{}'{}", name, did_you_mean(name, names));
}

}  // namespace brisk
