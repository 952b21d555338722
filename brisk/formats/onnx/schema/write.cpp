#include "brisk/formats/onnx/schema/write.h"

#include <onnx.pb.h>

namespace brisk::onnx {
namespace {

void fill(const HostTensor& from, ::onnx::TensorProto& to) {
  for (const int64_t size : from.sizes) to.add_dims(size);
  to.set_data_type(static_cast<int>(from.element));
  if (from.is_string()) {
    for (const std::string& text : *from.strings) to.add_string_data(text);
    return;
  }
  if (from.tensor.defined()) to.set_raw_data(encode(from.element, from.tensor));
}

void fill(const ValueFile& from, ::onnx::SequenceProto& to);

void fill(const ValueFile& from, ::onnx::OptionalProto& to) {
  if (from.elements.empty()) return;
  const ValueFile& element = from.elements[0];
  if (element.kind == TypeDef::Kind::tensor) {
    to.set_elem_type(::onnx::OptionalProto::TENSOR);
    fill(element.tensor, *to.mutable_tensor_value());
  } else if (element.kind == TypeDef::Kind::sequence) {
    to.set_elem_type(::onnx::OptionalProto::SEQUENCE);
    fill(element, *to.mutable_sequence_value());
  } else {
    to.set_elem_type(::onnx::OptionalProto::OPTIONAL);
    fill(element, *to.mutable_optional_value());
  }
}

void fill(const ValueFile& from, ::onnx::SequenceProto& to) {
  to.set_elem_type(::onnx::SequenceProto::TENSOR);
  for (const ValueFile& element : from.elements) {
    if (element.kind == TypeDef::Kind::tensor) {
      fill(element.tensor, *to.add_tensor_values());
    } else if (element.kind == TypeDef::Kind::sequence) {
      to.set_elem_type(::onnx::SequenceProto::SEQUENCE);
      fill(element, *to.add_sequence_values());
    } else {
      to.set_elem_type(::onnx::SequenceProto::OPTIONAL);
      fill(element, *to.add_optional_values());
    }
  }
}

void fill(const TypeDef& from, ::onnx::TypeProto& to) {
  if (from.kind == TypeDef::Kind::sequence && from.inner)
    return fill(*from.inner, *to.mutable_sequence_type()->mutable_elem_type());
  if (from.kind == TypeDef::Kind::optional && from.inner)
    return fill(*from.inner, *to.mutable_optional_type()->mutable_elem_type());
  if (from.kind != TypeDef::Kind::tensor) return;
  to.mutable_tensor_type()->set_elem_type(static_cast<int>(from.element));
  if (!from.shape) return;
  auto* shape = to.mutable_tensor_type()->mutable_shape();
  for (const Extent& extent : *from.shape) {
    auto* dim = shape->add_dim();
    if (extent.is_named())
      dim->set_dim_param(extent.name());
    else if (extent.size() >= 0)
      dim->set_dim_value(extent.size());
  }
}

void fill(const GraphDef& from, ::onnx::GraphProto& to, const ExternalLayout& outside = {});

void fill(const AttributeDef& from, ::onnx::AttributeProto& to) {
  using Kind = AttributeDef::Kind;
  to.set_name(from.name);
  switch (from.kind) {
    case Kind::real:
      to.set_type(::onnx::AttributeProto::FLOAT);
      to.set_f(from.real);
      break;
    case Kind::integer:
      to.set_type(::onnx::AttributeProto::INT);
      to.set_i(from.integer);
      break;
    case Kind::text:
      to.set_type(::onnx::AttributeProto::STRING);
      to.set_s(from.text);
      break;
    case Kind::tensor:
      to.set_type(::onnx::AttributeProto::TENSOR);
      fill(from.tensor, *to.mutable_t());
      break;
    case Kind::graph:
      to.set_type(::onnx::AttributeProto::GRAPH);
      fill(*from.graph, *to.mutable_g());
      break;
    case Kind::reals:
      to.set_type(::onnx::AttributeProto::FLOATS);
      for (const float value : from.reals) to.add_floats(value);
      break;
    case Kind::integers:
      to.set_type(::onnx::AttributeProto::INTS);
      for (const int64_t value : from.integers) to.add_ints(value);
      break;
    case Kind::texts:
      to.set_type(::onnx::AttributeProto::STRINGS);
      for (const std::string& value : from.texts) to.add_strings(value);
      break;
    default:
      refuse("the attribute '{}' is of a kind that is not written", from.name);
  }
}

void fill(const NodeDef& from, ::onnx::NodeProto& to) {
  to.set_op_type(from.op);
  if (!from.domain.empty()) to.set_domain(from.domain);
  if (!from.name.empty()) to.set_name(from.name);
  for (const std::string& input : from.inputs) to.add_input(input);
  for (const std::string& output : from.outputs) to.add_output(output);
  for (const AttributeDef& attribute : from.attributes) fill(attribute, *to.add_attribute());
}

void fill(const ExternalLayout& outside, size_t position, const HostTensor& from,
          ::onnx::TensorProto& to) {
  for (const int64_t size : from.sizes) to.add_dims(size);
  to.set_data_type(static_cast<int>(from.element));
  to.set_data_location(::onnx::TensorProto::EXTERNAL);
  const auto add = [&](const char* key, const std::string& value) {
    auto* entry = to.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  };
  add("location", outside.location);
  add("offset", std::to_string(outside.offsets.at(position)));
  add("length", std::to_string(packed_size(from.element, from.tensor.num_elements())));
}

void fill(const GraphDef& from, ::onnx::GraphProto& to, const ExternalLayout& outside) {
  to.set_name(from.name);
  for (const ValueDef& input : from.inputs) {
    auto* entry = to.add_input();
    entry->set_name(input.name);
    fill(input.type, *entry->mutable_type());
  }
  for (const ValueDef& output : from.outputs) {
    auto* entry = to.add_output();
    entry->set_name(output.name);
    fill(output.type, *entry->mutable_type());
  }
  for (size_t i = 0; i < from.initializers.size(); ++i) {
    const InitializerDef& initializer = from.initializers[i];
    auto* entry = to.add_initializer();
    entry->set_name(initializer.name);
    if (outside.offsets.contains(i))
      fill(outside, i, initializer.tensor, *entry);
    else
      fill(initializer.tensor, *entry);
  }
  for (const NodeDef& node : from.nodes) fill(node, *to.add_node());
}

}  // namespace

int64_t weight_bytes(const ModelDef& model) {
  int64_t bytes = 0;
  for (const InitializerDef& entry : model.graph.initializers)
    if (!entry.tensor.is_string()) bytes += entry.tensor.tensor.num_bytes();
  return bytes;
}

Result<std::string> write_model(const ModelDef& model) {
  if (const int64_t bytes = weight_bytes(model); bytes >= (int64_t{1} << 31) - (1 << 20))
    return fail("{} bytes of weights do not fit an ONNX file of one piece (2 GiB)", bytes);
  return write_model(model, {});
}

Result<std::string> write_model(const ModelDef& model, const ExternalLayout& outside) {
  ::onnx::ModelProto proto;
  proto.set_ir_version(model.ir_version);
  proto.set_producer_name(model.producer);
  proto.set_producer_version(model.producer_version);
  for (const auto& [domain, version] : model.opsets) {
    auto* entry = proto.add_opset_import();
    entry->set_domain(domain);
    entry->set_version(version);
  }
  try {
    fill(model.graph, *proto.mutable_graph(), outside);
  } catch (const UserError& error) {
    return Failure{error.what()};
  }
  return proto.SerializeAsString();
}

std::string write_value(const ValueFile& value) {
  if (value.kind == TypeDef::Kind::sequence) {
    ::onnx::SequenceProto proto;
    fill(value, proto);
    return proto.SerializeAsString();
  }
  if (value.kind == TypeDef::Kind::optional) {
    ::onnx::OptionalProto proto;
    fill(value, proto);
    return proto.SerializeAsString();
  }
  ::onnx::TensorProto proto;
  fill(value.tensor, proto);
  return proto.SerializeAsString();
}

}  // namespace brisk::onnx
