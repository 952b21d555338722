#include "brisk/formats/onnx/integer_products.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "brisk/base/error.h"
#include "brisk/base/rounding.h"
#include "brisk/ops/quantize/quantize.h"

// Two steps. First, u8 values with their zero point at 128 become i8 values with theirs at 0, where
// everything that reads them can be told so: the same numbers. Then each product is followed from
// its DequantizeLinear to its QuantizeLinear, with the rounding before a residual, if there is one.

namespace brisk::onnx {
namespace {

/// Scale and zero point of a whole tensor.
struct Form {
  double scale = 0;
  int64_t zero_point = 0;
  ElementType element = ElementType::undefined;
};

bool moves_elements(const NodeDef& node) {
  static const std::set<std::string> kOps = {"MaxPool", "Reshape", "Transpose",
                                             "Flatten", "Squeeze", "Unsqueeze"};
  return node.domain.empty() && kOps.contains(node.op) && node.outputs.size() == 1;
}

/// A product and what it ends in.
struct Found {
  size_t product = 0;                 ///< node
  std::vector<size_t> joined;         ///< nodes that are part of it, the last one gives the result
  std::string x, filter, residual;    ///< integers; the last may be empty
  Form input, residual_form, result;  ///< result.scale 0: floats
  Form before;                        ///< of the product that a residual is added to
  Tensor filter_scale;                ///< one number, or by channel
  const Tensor* bias = nullptr;       ///< of i32 or f32; null: none
  Tensor bias_scale;                  ///< undefined: of f32
  std::string activation = "none";
  double limit = 6;
};

/// A product whose weights alone are integers.
struct WeightOnly {
  std::string filter;
  Tensor scale;            ///< f32 [n], or [blocks, n]
  int64_t block_size = 0;  ///< rows of a block
};

class Joiner {
 public:
  explicit Joiner(GraphDef graph) : graph_(std::move(graph)) {
    for (const InitializerDef& entry : graph_.initializers)
      if (entry.tensor.tensor.defined()) known_[entry.name] = &entry.tensor;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const NodeDef& node = graph_.nodes[i];
      const AttributeDef* value = node.find("value");
      if (node.op == "Constant" && node.domain.empty() && value != nullptr &&
          value->kind == AttributeDef::Kind::tensor && value->tensor.tensor.defined() &&
          !node.outputs.empty())
        known_[node.outputs[0]] = &value->tensor;
      for (const std::string& output : node.outputs) maker_[output] = i;
      for (const std::string& input : node.inputs) readers_[input].push_back(i);
      for (const AttributeDef& attribute : node.attributes)
        if (attribute.graph) has_regions_ = true;
    }
    for (const ValueDef& output : graph_.outputs) returned_.insert(output.name);
    for (const InitializerDef& entry : graph_.initializers) names_.insert(entry.name);
    for (const ValueDef& input : graph_.inputs) names_.insert(input.name);
  }

  GraphDef run() {
    if (has_regions_) return std::move(graph_);  // whose nodes may read anything of it
    for (size_t i = 0; i < graph_.nodes.size(); ++i) centre(i);
    std::map<size_t, Found> at_end;
    std::map<size_t, WeightOnly> weight_only;
    std::set<size_t> gone;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      std::optional<Found> found = product(i, true);
      const auto is_gone = [&](size_t node) { return gone.contains(node); };
      // Of two products that are added, one is the other's residual.
      if (found && std::any_of(found->joined.begin(), found->joined.end(), is_gone))
        found = product(i, false);
      if (!found) {
        if (std::optional<WeightOnly> product = weight_only_product(graph_.nodes[i]))
          weight_only.emplace(i, std::move(*product));
        continue;
      }
      gone.insert(found->joined.begin(), found->joined.end());
      const size_t end = found->joined.back();
      at_end.emplace(end, std::move(*found));
    }
    std::vector<NodeDef> nodes;
    std::vector<InitializerDef> added;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (const auto found = at_end.find(i); found != at_end.end())
        nodes.push_back(written(found->second, added));
      else if (const auto product = weight_only.find(i); product != weight_only.end())
        nodes.push_back(written(graph_.nodes[i], product->second, added));
      else if (!gone.contains(i))
        nodes.push_back(graph_.nodes[i]);
    }
    graph_.nodes = std::move(nodes);
    for (InitializerDef& entry : added) graph_.initializers.push_back(std::move(entry));
    return std::move(graph_);
  }

 private:
  const Tensor* known(const std::string& name) const {
    const auto found = known_.find(name);
    return found == known_.end() ? nullptr : &found->second->tensor;
  }
  const NodeDef* maker(const std::string& name) const {
    const auto found = maker_.find(name);
    return found == maker_.end() ? nullptr : &graph_.nodes[found->second];
  }
  /// The node that alone reads the value, and nothing else does.
  const NodeDef* only_reader(const std::string& name) const {
    const auto found = readers_.find(name);
    if (found == readers_.end() || found->second.size() != 1 || returned_.contains(name))
      return nullptr;
    return &graph_.nodes[found->second[0]];
  }
  size_t index(const NodeDef* node) const {
    return static_cast<size_t>(node - graph_.nodes.data());
  }

  static bool is(const NodeDef* node, std::string_view op) {
    return node != nullptr && node->domain.empty() && node->op == op && node->outputs.size() == 1;
  }

  /// Of a QuantizeLinear or DequantizeLinear of 8 bits with known numbers for the whole tensor.
  std::optional<Form> form(const NodeDef& node) const {
    if (node.inputs.size() < 2 || node.find("block_size") != nullptr) return std::nullopt;
    const Tensor* scale = known(node.inputs[1]);
    if (scale == nullptr || scale->dtype() != DType::f32 || scale->num_elements() != 1)
      return std::nullopt;
    Form form{scale->get(0), 0, ElementType::u8};
    if (node.inputs.size() > 2 && !node.inputs[2].empty()) {
      const auto point = known_.find(node.inputs[2]);
      if (point == known_.end() || point->second->tensor.num_elements() != 1) return std::nullopt;
      form.element = point->second->element;
      form.zero_point = static_cast<int64_t>(point->second->tensor.get(0));
    } else if (node.op == "DequantizeLinear" || node.find("output_dtype") != nullptr) {
      return std::nullopt;
    }
    const bool bytes = form.element == ElementType::u8 || form.element == ElementType::i8;
    return bytes && form.scale > 0 ? std::optional(form) : std::nullopt;
  }

  // From u8 around 128 to i8 around 0.

  static bool is_shifted(const std::optional<Form>& form) {
    return form && form->element == ElementType::u8 && form->zero_point == 128;
  }

  /// Whether all that reads `name` can read i8 in its place; collects the DequantizeLinears.
  /// `moves`: how many nodes may lie in between, for files go in circles now and then.
  bool can_centre(const std::string& name, std::vector<size_t>& readers, int moves = 16) const {
    if (returned_.contains(name) || moves == 0) return false;
    const auto found = readers_.find(name);
    if (found == readers_.end()) return true;
    for (const size_t reader : found->second) {
      const NodeDef& node = graph_.nodes[reader];
      if (is(&node, "DequantizeLinear") && is_shifted(form(node)))
        readers.push_back(reader);
      else if (!moves_elements(node) || !can_centre(node.outputs[0], readers, moves - 1))
        return false;
    }
    return true;
  }

  void centre(size_t i) {
    NodeDef& node = graph_.nodes[i];
    std::vector<size_t> changed = {i};
    if (!is(&node, "QuantizeLinear") || !is_shifted(form(node)) ||
        !can_centre(node.outputs[0], changed))
      return;
    if (centred_point_.empty()) {
      centred_point_ = unique("zero_point");
      middle_ = std::make_unique<HostTensor>(Tensor::scalar(DType::i8, 0));
      known_[centred_point_] = middle_.get();
      graph_.initializers.push_back({centred_point_, *middle_});
      refresh_known();
    }
    for (const size_t at : changed) graph_.nodes[at].inputs[2] = centred_point_;
  }

  /// Initializers have moved.
  void refresh_known() {
    for (const InitializerDef& entry : graph_.initializers)
      if (entry.tensor.tensor.defined()) known_[entry.name] = &entry.tensor;
  }

  std::string unique(const std::string& hint) {
    std::string name = hint;
    for (int n = 1; !names_.insert(name).second || maker_.contains(name); ++n)
      name = fmt::format("{}_{}", hint, n);
    return name;
  }

  // Products.

  /// Integers without a zero point behind a DequantizeLinear.
  bool read_input(const std::string& name, std::string& integers, Form& into) const {
    const NodeDef* node = maker(name);
    if (!is(node, "DequantizeLinear")) return false;
    const std::optional<Form> found = form(*node);
    if (!found || found->zero_point != 0) return false;
    integers = node->inputs[0];
    into = *found;
    return true;
  }

  /// A known tensor of `type` behind a DequantizeLinear around 0, by one number or along `axis`.
  const Tensor* read_weights(const std::string& name, DType type, int64_t axis, Tensor& scale,
                             std::string* stored) const {
    const NodeDef* node = maker(name);
    if (!is(node, "DequantizeLinear") || node->inputs.size() < 2) return nullptr;
    const Tensor *tensor = known(node->inputs[0]), *scales = known(node->inputs[1]);
    if (tensor == nullptr || scales == nullptr || tensor->dtype() != type ||
        scales->dtype() != DType::f32 || scales->rank() > 1 || tensor->rank() <= axis ||
        node->find("block_size") != nullptr)
      return nullptr;
    const int64_t count = scales->num_elements();
    if (count != 1 && count != tensor->sizes()[static_cast<size_t>(axis)]) return nullptr;
    for (int64_t i = 0; i < count; ++i)
      if (!(scales->get(i) > 0) || !std::isfinite(scales->get(i))) return nullptr;
    if (node->inputs.size() > 2 && !node->inputs[2].empty()) {
      const Tensor* points = known(node->inputs[2]);
      if (points == nullptr) return nullptr;
      for (int64_t i = 0; i < points->num_elements(); ++i)
        if (points->get(i) != 0) return nullptr;
    }
    const AttributeDef* along = node->find("axis");
    int64_t given = along == nullptr ? 1 : along->integer;
    if (given < 0) given += tensor->rank();
    if (count != 1 && given != axis) return nullptr;
    scale = *scales;
    if (stored != nullptr) *stored = node->inputs[0];
    return tensor;
  }

  /// A MatMul by a known matrix of 8 or 4 bits behind a DequantizeLinear around 0.
  std::optional<WeightOnly> weight_only_product(const NodeDef& node) const {
    const NodeDef* weights =
        is(&node, "MatMul") && node.inputs.size() == 2 ? maker(node.inputs[1]) : nullptr;
    if (!is(weights, "DequantizeLinear") || weights->inputs.size() < 2) return std::nullopt;
    const Tensor *filter = known(weights->inputs[0]), *scale = known(weights->inputs[1]);
    if (filter == nullptr || filter->dtype() != DType::i8 || filter->rank() != 2 ||
        scale == nullptr || scale->dtype() != DType::f32)
      return std::nullopt;
    for (const float step : scale->data<float>())
      if (step == 0 || !std::isfinite(step)) return std::nullopt;
    if (weights->inputs.size() > 2 && !weights->inputs[2].empty()) {
      const Tensor* points = known(weights->inputs[2]);
      if (points == nullptr) return std::nullopt;
      for (int64_t i = 0; i < points->num_elements(); ++i)
        if (points->get(i) != 0) return std::nullopt;
    }
    const auto number = [&](const char* name, int64_t otherwise) {
      const AttributeDef* found = weights->find(name);
      return found == nullptr ? otherwise : found->integer;
    };
    const int64_t k = filter->sizes()[0], n = filter->sizes()[1];
    WeightOnly result{weights->inputs[0], *scale, number("block_size", 0)};
    const int64_t axis = (number("axis", 1) + 2) % 2;
    if (result.block_size > 0) {
      const bool fits =
          axis == 0 && scale->sizes() == std::vector{ceil_div(k, result.block_size), n};
      return fits ? std::optional(result) : std::nullopt;
    }
    if (scale->num_elements() == 1)
      result.scale =
          Tensor::of({n}, std::vector<float>(static_cast<size_t>(n), scale->data<float>()[0]));
    else if (axis != 1 || scale->sizes() != std::vector{n})
      return std::nullopt;
    return result;
  }

  std::optional<Found> product(size_t i, bool with_residual) const {
    const NodeDef& node = graph_.nodes[i];
    const bool matmul = is(&node, "MatMul"), gemm = matmul || is(&node, "Gemm");
    if ((!gemm && !is(&node, "Conv")) || node.inputs.size() < 2) return std::nullopt;
    const auto number = [&](const char* name, int64_t otherwise) {
      const AttributeDef* found = node.find(name);
      return found == nullptr ? otherwise : found->integer;
    };
    for (const char* factor : {"alpha", "beta"})
      if (const AttributeDef* found = node.find(factor); found != nullptr && found->real != 1)
        return std::nullopt;
    if (number("transA", 0) != 0) return std::nullopt;
    Found found{.product = i, .joined = {i}};
    const int64_t axis = gemm && number("transB", 0) == 0 ? 1 : 0;
    const Tensor* filter =
        read_weights(node.inputs[1], DType::i8, axis, found.filter_scale, &found.filter);
    if (filter == nullptr || !read_input(node.inputs[0], found.x, found.input)) return std::nullopt;
    if (gemm && filter->rank() != 2) return std::nullopt;
    const int64_t channels = filter->sizes()[static_cast<size_t>(axis)];
    if (node.inputs.size() > 2 && !node.inputs[2].empty() &&
        !read_bias(found, node.inputs[2], channels))
      return std::nullopt;
    std::string y = node.outputs[0];
    if (const NodeDef* add = only_reader(y); matmul && is(add, "Add") && add->inputs.size() == 2)
      if (read_bias(found, add->inputs[add->inputs[0] == y ? 1 : 0], channels)) {
        found.joined.push_back(index(add));
        y = add->outputs[0];
      }
    follow(found, y, with_residual);
    return found;
  }

  /// A number a channel, f32 or behind a DequantizeLinear of i32.
  bool read_bias(Found& found, const std::string& name, int64_t channels) const {
    Tensor scale;
    const Tensor* bias = read_weights(name, DType::i32, 0, scale, nullptr);
    if (bias == nullptr) bias = known(name);
    if (bias == nullptr || bias->sizes() != std::vector<int64_t>{channels} ||
        (bias->dtype() != DType::f32 && !scale.defined()))
      return false;
    found.bias = bias;
    found.bias_scale = scale;
    return true;
  }

  /// From the product's float result on.
  void follow(Found& found, const std::string& first, bool with_residual) const {
    std::string y = first;
    const NodeDef* next = only_reader(y);
    const auto join = [&] {
      found.joined.push_back(index(next));
      y = next->outputs[0];
      next = only_reader(y);
    };
    std::optional<Form> rounded;
    if (is(next, "QuantizeLinear")) {
      if (with_residual) rounded = form(*next);
      const Found before = found;
      const std::string before_y = y;
      const NodeDef* before_next = next;
      if (rounded) {
        join();
        if (is(next, "DequantizeLinear")) {
          join();
          if (is(next, "Add") && add_residual(found, *next, y)) {
            join();
            activate(found, next, join);
            if (is(next, "QuantizeLinear") && finish(found, *next)) {
              found.before = *rounded;
              join();
              return;
            }
          }
        }
      }
      found = before, y = before_y, next = before_next;
    } else {
      activate(found, next, join);
    }
    if (is(next, "QuantizeLinear") && finish(found, *next)) join();
  }

  template <typename Join>
  void activate(Found& found, const NodeDef* const& next, const Join& join) const {
    if (is(next, "Relu")) {
      found.activation = "relu";
      join();
    } else if (is(next, "Clip") && next->inputs.size() == 3) {
      const Tensor *low = known(next->inputs[1]), *high = known(next->inputs[2]);
      if (low == nullptr || high == nullptr || low->num_elements() != 1 ||
          high->num_elements() != 1 || low->get(0) != 0)
        return;
      found.activation = "relu6";
      found.limit = high->get(0);
      join();
    }
  }

  bool add_residual(Found& found, const NodeDef& add, const std::string& own) const {
    if (add.inputs.size() != 2) return false;
    const std::string& other = add.inputs[add.inputs[0] == own ? 1 : 0];
    return other != own && read_input(other, found.residual, found.residual_form);
  }

  bool finish(Found& found, const NodeDef& quantize) const {
    const std::optional<Form> result = form(quantize);
    if (!result || result->zero_point != 0) return false;
    found.result = *result;
    return true;
  }

  NodeDef written(const Found& found, std::vector<InitializerDef>& added) {
    const NodeDef& product = graph_.nodes[found.product];
    const bool gemm = product.op != "Conv", integers = found.result.scale > 0;
    const AttributeDef* turned = product.find("transB");
    const int64_t axis = gemm && (turned == nullptr || turned->integer == 0) ? 1 : 0;
    const int64_t channels = known(found.filter)->sizes()[static_cast<size_t>(axis)];
    const double result_scale = integers ? found.result.scale : 1;
    Tensor bias(DType::f32, {channels}), multiplier(DType::f32, {channels});
    for (int64_t c = 0; c < channels; ++c) {
      const auto by_channel = [&](const Tensor& scale) {
        return scale.get(scale.num_elements() == 1 ? 0 : c);
      };
      const double step = found.input.scale * by_channel(found.filter_scale);
      multiplier.set(
          c, product_multiplier(found.input.scale, by_channel(found.filter_scale),
                                found.residual.empty() ? result_scale : found.before.scale));
      if (found.bias == nullptr)
        bias.set(c, 0);
      else
        bias.set(c, found.bias->get(c) *
                        (found.bias_scale.defined() ? by_channel(found.bias_scale) : 1) / step);
    }
    NodeDef node;
    node.domain = kBrisk;
    node.op = gemm ? "QuantizedGemm" : "QuantizedConv";
    node.name = product.name;
    if (node.name.ends_with("/" + product.op))
      node.name.resize(node.name.size() - product.op.size()), node.name += node.op;
    const std::string filter_name = unique_weight(found.filter);
    node.inputs = {found.x, found.filter, unique(filter_name + "/bias"),
                   unique(filter_name + "/multiplier")};
    added.push_back({node.inputs[2], HostTensor(std::move(bias))});
    added.push_back({node.inputs[3], HostTensor(std::move(multiplier))});
    if (!found.residual.empty()) node.inputs.push_back(found.residual);
    node.outputs = graph_.nodes[found.joined.back()].outputs;
    node.attributes = product.attributes;
    const auto text = [&](const char* name, std::string value) {
      AttributeDef attribute{
          .name = name, .kind = AttributeDef::Kind::text, .text = std::move(value)};
      node.attributes.push_back(std::move(attribute));
    };
    const auto real = [&](const char* name, double value) {
      AttributeDef attribute{
          .name = name, .kind = AttributeDef::Kind::real, .real = static_cast<float>(value)};
      node.attributes.push_back(std::move(attribute));
    };
    text("filter_name", filter_name);
    text("activation", found.activation);
    text("dtype", !integers ? "f32" : found.result.element == ElementType::i8 ? "i8" : "u8");
    real("limit", found.limit / result_scale);
    real("scale", integers ? result_scale : 0);
    if (found.residual.empty()) return node;
    real("residual_scale", found.residual_form.scale / result_scale);
    real("product_scale", found.before.scale / result_scale);
    const auto whole = [&](const char* name, double value) {
      node.attributes.push_back({.name = name,
                                 .kind = AttributeDef::Kind::integer,
                                 .integer = static_cast<int64_t>(value)});
    };
    const IntegerRange range = integer_range(found.before.element);
    whole("product_low", range.low - static_cast<double>(found.before.zero_point));
    whole("product_high", range.high - static_cast<double>(found.before.zero_point));
    return node;
  }

  NodeDef written(const NodeDef& product, const WeightOnly& found,
                  std::vector<InitializerDef>& added) {
    NodeDef node;
    node.domain = kBrisk;
    node.op = "WeightOnlyMatMul";
    node.name = product.name;
    if (node.name.ends_with("/" + product.op))
      node.name.resize(node.name.size() - product.op.size()), node.name += node.op;
    const std::string filter_name = unique_weight(found.filter);
    node.inputs = {product.inputs[0], found.filter, unique(filter_name + "/multiplier")};
    node.outputs = product.outputs;
    // Short ones where that changes nothing: there is one for each block.
    const Tensor narrow = found.scale.cast(DType::bf16);
    const bool fits = found.block_size > 0 && bit_equal(narrow.cast(DType::f32), found.scale);
    added.push_back({node.inputs[2], HostTensor(fits ? narrow : found.scale)});
    node.attributes.push_back(
        {.name = "block_size", .kind = AttributeDef::Kind::integer, .integer = found.block_size});
    node.attributes.push_back(
        {.name = "filter_name", .kind = AttributeDef::Kind::text, .text = filter_name});
    return node;
  }

  /// A weight's name for each of the products that read it.
  std::string unique_weight(const std::string& name) {
    std::string result = name;
    for (int n = 1; !weights_.insert(result).second; ++n) result = fmt::format("{}_{}", name, n);
    return result;
  }

  GraphDef graph_;
  std::map<std::string, const HostTensor*> known_;
  std::map<std::string, size_t> maker_;
  std::map<std::string, std::vector<size_t>> readers_;
  std::set<std::string> returned_, names_, weights_;
  std::unique_ptr<HostTensor> middle_;
  std::string centred_point_;
  bool has_regions_ = false;
};

}  // namespace

GraphDef with_integer_products(GraphDef graph) {
  const bool any = std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const NodeDef& node) {
    return node.domain.empty() && node.op == "DequantizeLinear";
  });
  return any ? Joiner(std::move(graph)).run() : graph;
}

}  // namespace brisk::onnx
