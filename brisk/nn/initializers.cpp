#include "brisk/nn/initializers.h"

#include <cmath>

#include "brisk/base/edit_distance.h"
#include "brisk/base/json.h"
#include "brisk/base/philox.h"

// Keras's formulas (keras/src/initializers/random_initializers.py describes them): VarianceScaling
// divides the scale by a fan; its truncated normal is corrected by the standard deviation that a
// normal keeps when cut at two sigma.

namespace brisk {
namespace {

constexpr double kTruncatedStandardDeviation = 0.87962566103423978;

struct VarianceScaling {
  double scale = 1;
  std::string mode = "fan_in";
  std::string distribution = "truncated_normal";
};

double truncated_normal(PhiloxSequence& random) {
  for (;;) {
    const double value = random.next_normal();
    if (std::fabs(value) <= 2) return value;
  }
}

template <typename Draw>
Tensor filled(const Type& type, Draw&& draw) {
  Tensor tensor(type.dtype(), type.shape().sizes());
  for (int64_t i = 0; i < tensor.num_elements(); ++i) tensor.set(i, draw());
  return tensor;
}

Tensor variance_scaling(const VarianceScaling& options, const Type& type, PhiloxSequence& random) {
  const Fans fans = compute_fans(type.shape());
  double fan = 0;
  if (options.mode == "fan_in")
    fan = fans.in;
  else if (options.mode == "fan_out")
    fan = fans.out;
  else if (options.mode == "fan_avg")
    fan = (fans.in + fans.out) / 2;
  else
    refuse("[variance_scaling] mode must be fan_in, fan_out or fan_avg, but is '{}'", options.mode);
  const double variance = options.scale / std::max(1.0, fan);
  if (options.distribution == "uniform") {
    const double limit = std::sqrt(3 * variance);
    return filled(type, [&] { return (2 * random.next_unit() - 1) * limit; });
  }
  if (options.distribution == "untruncated_normal") {
    const double deviation = std::sqrt(variance);
    return filled(type, [&] { return random.next_normal() * deviation; });
  }
  require(options.distribution == "truncated_normal",
          "[variance_scaling] distribution must be truncated_normal, untruncated_normal or "
          "uniform, but is '{}'",
          options.distribution);
  const double deviation = std::sqrt(variance) / kTruncatedStandardDeviation;
  return filled(type, [&] { return truncated_normal(random) * deviation; });
}

/// Rows or columns orthonormal (Saxe et al. 2014), by Gram-Schmidt on a normal matrix.
Tensor orthogonal(double gain, const Type& type, PhiloxSequence& random) {
  const std::vector<int64_t> sizes = type.shape().sizes();
  require(sizes.size() >= 2, "[orthogonal] needs at least two axes, but the parameter is {}",
          type.to_string());
  const int64_t columns = sizes.back();
  const int64_t rows = checked_product(sizes) / std::max<int64_t>(columns, 1);
  const bool tall = rows >= columns;
  const int64_t count = tall ? columns : rows, length = tall ? rows : columns;
  std::vector<std::vector<double>> vectors;
  for (int64_t v = 0; v < count; ++v) {
    std::vector<double> next(static_cast<size_t>(length));
    for (double& x : next) x = random.next_normal();
    for (int pass = 0; pass < 2; ++pass) {  // twice is enough (Kahan)
      for (const auto& other : vectors) {
        double dot = 0;
        for (size_t i = 0; i < next.size(); ++i) dot += next[i] * other[i];
        for (size_t i = 0; i < next.size(); ++i) next[i] -= dot * other[i];
      }
    }
    double norm = 0;
    for (const double x : next) norm += x * x;
    for (double& x : next) x /= std::sqrt(norm);
    vectors.push_back(std::move(next));
  }
  Tensor tensor(type.dtype(), sizes);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      tensor.set(
          r * columns + c,
          gain * vectors[static_cast<size_t>(tall ? c : r)][static_cast<size_t>(tall ? r : c)]);
  return tensor;
}

/// Zeros, and ones for the second of four gates: an LSTM that remembers at first.
Tensor unit_forget_bias(const Type& type) {
  Tensor tensor = Tensor::zeros(type.dtype(), type.shape().sizes());
  for (int64_t i = tensor.num_elements() / 4; i < tensor.num_elements() / 2; ++i) tensor.set(i, 1);
  return tensor;
}

Tensor random_key(const Type& type, PhiloxSequence& random) {
  require(type == Type(DType::u32, {2}), "[random_key] a key is u32[2], not {}", type.to_string());
  return Tensor::of<uint32_t>({2}, std::vector<uint32_t>{random.next_word(), random.next_word()});
}

/// "GlorotUniform" and "glorot_uniform" are the same.
std::string canonical(std::string_view name) {
  std::string result;
  for (const char c : name)
    if (c != '_') result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

struct Parameters {
  Json config;
  double number(const char* key, double otherwise) const {
    const auto it = config.find(key);
    if (it == config.end() || it->is_null()) return otherwise;
    require(it->is_number(), "[initializer] '{}' must be a number, but is {}", key, it->dump());
    return it->get<double>();
  }
  std::string text(const char* key, const std::string& otherwise) const {
    const auto it = config.find(key);
    if (it == config.end() || it->is_null()) return otherwise;
    require(it->is_string(), "[initializer] '{}' must be a text, but is {}", key, it->dump());
    return it->get<std::string>();
  }
};

using Make = Tensor (*)(const Parameters&, const Type&, PhiloxSequence&);

struct NamedInitializer {
  std::string_view name;
  Make make;
};

constexpr NamedInitializer kInitializers[] = {
    {"zeros", [](const Parameters&, const Type& t,
                 PhiloxSequence&) { return Tensor::zeros(t.dtype(), t.shape().sizes()); }},
    {"ones", [](const Parameters&, const Type& t,
                PhiloxSequence&) { return filled(t, [] { return 1.0; }); }},
    {"constant",
     [](const Parameters& p, const Type& t, PhiloxSequence&) {
       return filled(t, [v = p.number("value", 0)] { return v; });
     }},
    {"glorot_uniform",
     [](const Parameters&, const Type& t, PhiloxSequence& r) {
       return variance_scaling({1, "fan_avg", "uniform"}, t, r);
     }},
    {"glorot_normal",
     [](const Parameters&, const Type& t, PhiloxSequence& r) {
       return variance_scaling({1, "fan_avg", "truncated_normal"}, t, r);
     }},
    {"he_uniform",
     [](const Parameters&, const Type& t, PhiloxSequence& r) {
       return variance_scaling({2, "fan_in", "uniform"}, t, r);
     }},
    {"he_normal",
     [](const Parameters&, const Type& t, PhiloxSequence& r) {
       return variance_scaling({2, "fan_in", "truncated_normal"}, t, r);
     }},
    {"lecun_uniform",
     [](const Parameters&, const Type& t, PhiloxSequence& r) {
       return variance_scaling({1, "fan_in", "uniform"}, t, r);
     }},
    {"lecun_normal",
     [](const Parameters&, const Type& t, PhiloxSequence& r) {
       return variance_scaling({1, "fan_in", "truncated_normal"}, t, r);
     }},
    {"variance_scaling",
     [](const Parameters& p, const Type& t, PhiloxSequence& r) {
       return variance_scaling({p.number("scale", 1), p.text("mode", "fan_in"),
                                p.text("distribution", "truncated_normal")},
                               t, r);
     }},
    {"random_normal",
     [](const Parameters& p, const Type& t, PhiloxSequence& r) {
       return filled(t, [&, m = p.number("mean", 0), s = p.number("stddev", 0.05)] {
         return m + s * r.next_normal();
       });
     }},
    {"truncated_normal",
     [](const Parameters& p, const Type& t, PhiloxSequence& r) {
       return filled(t, [&, m = p.number("mean", 0), s = p.number("stddev", 0.05)] {
         return m + s * truncated_normal(r);
       });
     }},
    {"random_uniform",
     [](const Parameters& p, const Type& t, PhiloxSequence& r) {
       return filled(t, [&, a = p.number("minval", -0.05), b = p.number("maxval", 0.05)] {
         return a + (b - a) * r.next_unit();
       });
     }},
    {"uniform",
     [](const Parameters& p, const Type& t, PhiloxSequence& r) {
       return filled(t, [&, a = p.number("minval", -0.05), b = p.number("maxval", 0.05)] {
         return a + (b - a) * r.next_unit();
       });
     }},
    {"orthogonal_initializer",
     [](const Parameters& p, const Type& t, PhiloxSequence& r) {
       return orthogonal(p.number("gain", 1), t, r);
     }},
    {"orthogonal", [](const Parameters& p, const Type& t,
                      PhiloxSequence& r) { return orthogonal(p.number("gain", 1), t, r); }},
    {"unit_forget_bias",
     [](const Parameters&, const Type& t, PhiloxSequence&) { return unit_forget_bias(t); }},
    {"random_key",
     [](const Parameters&, const Type& t, PhiloxSequence& r) { return random_key(t, r); }},
};

}  // namespace

Fans compute_fans(const Shape& shape) {
  const std::vector<int64_t> sizes = shape.sizes();
  if (sizes.empty()) return {1, 1};
  if (sizes.size() == 1) return {static_cast<double>(sizes[0]), static_cast<double>(sizes[0])};
  double receptive = 1;
  for (size_t i = 0; i + 2 < sizes.size(); ++i) receptive *= static_cast<double>(sizes[i]);
  return {receptive * static_cast<double>(sizes[sizes.size() - 2]),
          receptive * static_cast<double>(sizes.back())};
}

Tensor make_initial_value(std::string_view initializer, const Type& type, uint64_t key) {
  Parameters parameters{Json::object()};
  std::string name(initializer);
  if (initializer.starts_with('{')) {
    const Json json = parse_json(initializer, "initializer").value();
    require(json.contains("class_name") && json["class_name"].is_string(),
            "an initializer's configuration needs a class_name, but is {}", initializer);
    name = json["class_name"].get<std::string>();
    if (json.contains("config") && json["config"].is_object()) parameters.config = json["config"];
  }
  PhiloxSequence random(key);
  std::vector<std::string> names;
  for (const NamedInitializer& known : kInitializers) {
    if (canonical(known.name) == canonical(name)) return known.make(parameters, type, random);
    names.emplace_back(known.name);
  }
  refuse("there is no initializer '{}'{}", name, did_you_mean(name, names));
}

}  // namespace brisk
