#pragma once

/// Small ONNX models for tests, as plain structures.

#include <string>
#include <vector>

#include "brisk/formats/onnx/schema/write.h"

namespace brisk::onnx {

inline TypeDef tensor_type(ElementType element, Shape shape) {
  TypeDef type;
  type.kind = TypeDef::Kind::tensor;
  type.element = element;
  type.shape = std::move(shape);
  return type;
}

inline NodeDef make_node(std::string op, std::vector<std::string> inputs,
                         std::vector<std::string> outputs,
                         std::vector<AttributeDef> attributes = {}) {
  NodeDef node;
  node.op = std::move(op);
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  node.attributes = std::move(attributes);
  node.name = node.op + "_" + (node.outputs.empty() ? "" : node.outputs[0]);
  return node;
}

inline AttributeDef integer_attribute(std::string name, int64_t value) {
  AttributeDef attribute;
  attribute.name = std::move(name);
  attribute.kind = AttributeDef::Kind::integer;
  attribute.integer = value;
  return attribute;
}

inline ModelDef make_model(std::vector<ValueDef> inputs, std::vector<NodeDef> nodes,
                           std::vector<ValueDef> outputs,
                           std::vector<InitializerDef> initializers = {}) {
  ModelDef model;
  model.ir_version = 8;
  model.producer = "test";
  model.opsets[""] = 17;
  model.graph.name = "tested";
  model.graph.inputs = std::move(inputs);
  model.graph.nodes = std::move(nodes);
  model.graph.outputs = std::move(outputs);
  model.graph.initializers = std::move(initializers);
  return model;
}

inline HostTensor f32(std::vector<int64_t> sizes, const std::vector<float>& values) {
  return HostTensor(Tensor::of<float>(std::move(sizes), values));
}
inline HostTensor i64(std::vector<int64_t> sizes, const std::vector<int64_t>& values) {
  return HostTensor(Tensor::of<int64_t>(std::move(sizes), values));
}

}  // namespace brisk::onnx
