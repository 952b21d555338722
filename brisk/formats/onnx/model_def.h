#pragma once

/// An ONNX file as plain structures: what the schema's reader makes and its writer takes, so that
/// nothing else sees protobuf. Names are ONNX's.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "brisk/base/shape.h"
#include "brisk/formats/onnx/host_tensor.h"

namespace brisk::onnx {

struct GraphDef;

/// A type as a file declares it. Extents: sizes or names; an extent of no name and size is "".
struct TypeDef {
  enum class Kind : uint8_t { unknown, tensor, sequence, optional } kind = Kind::unknown;
  ElementType element = ElementType::undefined;
  /// Of a tensor; none: not even the rank is known. An unknown extent is Extent(-1).
  std::optional<Shape> shape;
  std::shared_ptr<const TypeDef> inner;  ///< of a sequence or an optional
};

struct AttributeDef {
  enum class Kind : uint8_t {
    none,
    real,
    integer,
    text,
    tensor,
    graph,
    reals,
    integers,
    texts,
    tensors,
    graphs,
    type
  };
  std::string name;
  /// In a function: the attribute of the call that gives the value; then the rest is empty.
  std::string reference;
  Kind kind = Kind::none;
  float real = 0;
  int64_t integer = 0;
  std::string text;
  HostTensor tensor;
  std::shared_ptr<const GraphDef> graph;
  std::vector<float> reals;
  std::vector<int64_t> integers;
  std::vector<std::string> texts;
  TypeDef type;
};

struct NodeDef {
  std::string op, domain, overload, name;
  std::vector<std::string> inputs, outputs;  ///< "" where an optional one is left out
  std::vector<AttributeDef> attributes;
  const AttributeDef* find(std::string_view attribute) const;
};

struct ValueDef {
  std::string name;
  TypeDef type;
};

struct InitializerDef {
  std::string name;
  HostTensor tensor;
};

struct GraphDef {
  std::string name;
  std::vector<NodeDef> nodes;
  std::vector<InitializerDef> initializers;
  std::vector<ValueDef> inputs, outputs;
};

struct FunctionDef {
  std::string domain, name, overload;
  std::vector<std::string> inputs, outputs;
  std::vector<std::string> attributes;  ///< names without a default
  std::vector<AttributeDef> defaults;
  std::vector<NodeDef> nodes;
  std::map<std::string, int64_t> opsets;
};

struct ModelDef {
  int64_t ir_version = 0;
  std::string producer, producer_version;
  std::map<std::string, int64_t> opsets;  ///< version by domain; "" is ai.onnx
  GraphDef graph;
  std::vector<FunctionDef> functions;
};

}  // namespace brisk::onnx
