#include "brisk/formats/onnx/schema/read.h"

#include <algorithm>
#include <cstring>

#include <onnx.pb.h>
#include "brisk/formats/onnx/schema/external_data.h"
#include "brisk/formats/onnx/schema/large_tensors.h"

// protobuf itself bounds nesting (100 messages) and refuses lengths beyond the bytes; what it does
// not know - extents against bytes, enumerations, paths - is checked here. Weights never pass
// through protobuf: they stay in the mapped file, or are copied once where they lie crooked there.

namespace brisk::onnx {
namespace {

/// Weights above this are left out when only the structure is asked for.
constexpr int64_t kStructureBytes = 1024;
constexpr int64_t kMaxElements = int64_t{1} << 40;
constexpr int64_t kMaxRank = 64;

class Reader {
 public:
  Reader(const std::filesystem::path& folder, const ReadOptions& options)
      : folder_(folder), options_(options) {}

  /// `raw` stands for the raw bytes that were taken out of the message.
  HostTensor tensor(::onnx::TensorProto& from, const std::string& what,
                    const LargeTensor* raw = nullptr);
  AttributeDef attribute(::onnx::AttributeProto& from);
  NodeDef node(::onnx::NodeProto& from);
  GraphDef graph(::onnx::GraphProto& from, const LargeTensors& large = {});
  FunctionDef function(::onnx::FunctionProto& from);
  TypeDef type(const ::onnx::TypeProto& from, int depth = 0);
  ValueFile sequence(::onnx::SequenceProto& from);
  ValueFile optional(::onnx::OptionalProto& from);

 private:
  HostTensor sparse(::onnx::SparseTensorProto& from, const std::string& what);
  Tensor typed_fields(const ::onnx::TensorProto& from, ElementType element,
                      const std::vector<int64_t>& sizes, int64_t count, const std::string& what);
  ElementType element(int64_t number, const std::string& what) {
    const std::optional<ElementType> found = element_type(number);
    require(found && *found != ElementType::undefined, "{}: {} is no element type of ONNX", what,
            number);
    return *found;
  }

  std::filesystem::path folder_;
  ReadOptions options_;
  OpenedFiles opened_;
};

/// Bytes that a message gave away, owned by the tensor.
Tensor adopt(DType type, std::vector<int64_t> sizes, std::unique_ptr<std::string> bytes) {
  auto* data = reinterpret_cast<std::byte*>(bytes->data());
  const std::shared_ptr<std::string> owner = std::move(bytes);
  return Tensor(type, std::move(sizes), std::shared_ptr<std::byte[]>(owner, data));
}

template <typename Values>
Tensor from_values(ElementType element, const std::vector<int64_t>& sizes, int64_t count,
                   const Values& values, const std::string& what) {
  require(values.size() == count, "{}: {} values for {} elements", what, values.size(), count);
  Tensor tensor(carrier(element).value(), sizes);
  for (int64_t i = 0; i < count; ++i) {
    const auto value = values.Get(static_cast<int>(i));
    if (tensor.dtype() == DType::i64)
      tensor.data<int64_t>()[static_cast<size_t>(i)] = static_cast<int64_t>(value);
    else if (tensor.dtype() == DType::u64)
      tensor.data<uint64_t>()[static_cast<size_t>(i)] = static_cast<uint64_t>(value);
    else
      tensor.set(i, static_cast<double>(value));
  }
  return tensor;
}

/// int32_data holds raw bits of the 16-bit and shorter floats and of packed integers.
Tensor from_bits(ElementType element, const std::vector<int64_t>& sizes, int64_t count,
                 const google::protobuf::RepeatedField<int32_t>& values, const std::string& what) {
  const int width = bits(element);
  const int64_t expected = width < 8 ? packed_size(element, count) : count;
  require(values.size() == expected, "{}: {} values for {} elements", what, values.size(), count);
  std::string bytes;
  for (const int32_t value : values) {
    bytes.push_back(static_cast<char>(value & 0xFF));
    if (width == 16) bytes.push_back(static_cast<char>((value >> 8) & 0xFF));
  }
  return decode(element, sizes, std::as_bytes(std::span(bytes)));
}

Tensor Reader::typed_fields(const ::onnx::TensorProto& from, ElementType element,
                            const std::vector<int64_t>& sizes, int64_t count,
                            const std::string& what) {
  switch (element) {
    case ElementType::f32:
      return from_values(element, sizes, count, from.float_data(), what);
    case ElementType::f64:
      return from_values(element, sizes, count, from.double_data(), what);
    case ElementType::i64:
      return from_values(element, sizes, count, from.int64_data(), what);
    case ElementType::u64:
    case ElementType::u32:
      return from_values(element, sizes, count, from.uint64_data(), what);
    case ElementType::u8:
    case ElementType::i8:
    case ElementType::u16:
    case ElementType::i16:
    case ElementType::i32:
    case ElementType::boolean:
      return from_values(element, sizes, count, from.int32_data(), what);
    default:
      return from_bits(element, sizes, count, from.int32_data(), what);
  }
}

/// Whether elements can be read where their bytes lie.
bool is_usable(ElementType type, const std::byte* bytes) {
  return element_type_of(*carrier(type)) == type && type != ElementType::boolean &&
         reinterpret_cast<uintptr_t>(bytes) % 8 == 0;
}

/// The file is kept as long as the tensor.
Tensor shared(ElementType type, std::vector<int64_t> sizes, const MappedFile& file,
              int64_t offset) {
  const auto bytes = std::const_pointer_cast<std::byte[]>(file.bytes);
  return Tensor(*carrier(type), std::move(sizes),
                std::shared_ptr<std::byte[]>(bytes, bytes.get() + offset));
}

HostTensor Reader::tensor(::onnx::TensorProto& from, const std::string& what,
                          const LargeTensor* raw) {
  const ElementType type = element(from.data_type(), what);
  require(from.dims_size() <= kMaxRank, "{}: {} dimensions are more than {}", what,
          from.dims_size(), kMaxRank);
  std::vector<int64_t> sizes(from.dims().begin(), from.dims().end());
  for (const int64_t size : sizes)
    require(size >= 0, "{}: the dimension {} is negative", what, size);
  const int64_t count = checked_product(sizes);
  require(count <= kMaxElements, "{}: {} elements are more than any file holds", what, count);
  if (type == ElementType::string) {
    require(from.string_data_size() == count, "{}: {} strings for {} elements", what,
            from.string_data_size(), count);
    return HostTensor(std::move(sizes), {from.string_data().begin(), from.string_data().end()});
  }
  require(carrier(type).has_value(), "{}: elements of type {} are not supported", what, name(type));
  const int64_t bytes = packed_size(type, count);
  HostTensor result;
  result.element = type;
  result.sizes = sizes;
  const bool leave_out = !options_.weights && bytes > kStructureBytes;
  if (from.data_location() == ::onnx::TensorProto::EXTERNAL) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (const auto& entry : from.external_data()) entries.emplace_back(entry.key(), entry.value());
    require(!folder_.empty(), "{}: its data lies in another file, which cannot be looked for here",
            what);
    const ExternalData data = external_data(folder_, entries, bytes, what, &opened_).value();
    if (leave_out) return result;
    const std::byte* view = data.file.bytes.get() + data.offset;
    if (is_usable(type, view))
      result.tensor = shared(type, sizes, data.file, data.offset);
    else
      result.tensor = decode(type, sizes, {view, static_cast<size_t>(bytes)});
    return result;
  }
  if (raw != nullptr) {
    require(raw->size == bytes, "{}: {} bytes for {} elements of {}, which take {}", what,
            raw->size, count, name(type), bytes);
    if (leave_out) return result;
    if (is_usable(type, raw->file.bytes.get() + raw->offset)) {
      result.tensor = shared(type, sizes, raw->file, raw->offset);
    } else if (element_type_of(*carrier(type)) == type && type != ElementType::boolean) {
      result.tensor = Tensor(*carrier(type), sizes);
      raw->read({result.tensor.bytes(), static_cast<size_t>(bytes)}).value();
    } else {
      std::vector<std::byte> packed(static_cast<size_t>(bytes));
      raw->read(packed).value();
      result.tensor = decode(type, sizes, packed);
    }
    return result;
  }
  if (from.has_raw_data()) {
    require(static_cast<int64_t>(from.raw_data().size()) == bytes,
            "{}: {} bytes for {} elements of {}, which take {}", what, from.raw_data().size(),
            count, name(type), bytes);
    if (leave_out) return result;
    const bool as_is = element_type_of(*carrier(type)) == type && type != ElementType::boolean &&
                       bytes > kStructureBytes;
    if (as_is)
      result.tensor =
          adopt(*carrier(type), sizes, std::unique_ptr<std::string>(from.release_raw_data()));
    else
      result.tensor = decode(type, sizes, std::as_bytes(std::span(from.raw_data())));
    return result;
  }
  if (leave_out && count > 0) return result;
  result.tensor = typed_fields(from, type, sizes, count, what);
  return result;
}

/// Sparse tensors are made dense: values at positions, the rest zero.
HostTensor Reader::sparse(::onnx::SparseTensorProto& from, const std::string& what) {
  const HostTensor values = tensor(*from.mutable_values(), what);
  const HostTensor positions = tensor(*from.mutable_indices(), what);
  std::vector<int64_t> sizes(from.dims().begin(), from.dims().end());
  for (const int64_t size : sizes)
    require(size >= 0, "{}: the dimension {} is negative", what, size);
  constexpr int64_t kMaxDense = int64_t{1} << 28;
  const int64_t count = checked_product(sizes);
  require(count <= kMaxDense, "{}: {} elements are more than a sparse tensor may have here", what,
          count);
  require(!values.is_string() && values.tensor.defined() && positions.tensor.defined() &&
              values.sizes.size() == 1,
          "{}: its values are no list of numbers", what);
  HostTensor dense(values.element, Tensor::zeros(values.tensor.dtype(), sizes));
  const auto rank = static_cast<int64_t>(sizes.size());
  const std::vector<int64_t> places = integers(positions);
  const bool by_coordinates = positions.sizes.size() == 2;
  require(static_cast<int64_t>(places.size()) == values.sizes[0] * (by_coordinates ? rank : 1),
          "{}: {} positions for {} values", what, places.size(), values.sizes[0]);
  const std::vector<int64_t> strides = row_major_strides(sizes);
  for (int64_t i = 0; i < values.sizes[0]; ++i) {
    int64_t place = by_coordinates ? 0 : places[static_cast<size_t>(i)];
    for (int64_t axis = 0; by_coordinates && axis < rank; ++axis) {
      const int64_t at = places[static_cast<size_t>(i * rank + axis)];
      require(at >= 0 && at < sizes[static_cast<size_t>(axis)],
              "{}: position {} along axis {} of {}", what, at, axis,
              sizes[static_cast<size_t>(axis)]);
      place += at * strides[static_cast<size_t>(axis)];
    }
    require(place >= 0 && place < count, "{}: position {} of {}", what, place, count);
    dense.tensor.set(place, values.tensor.get(i));
  }
  return dense;
}

TypeDef Reader::type(const ::onnx::TypeProto& from, int depth) {
  require(depth < 16, "types nest deeper than 16");
  TypeDef result;
  if (from.has_tensor_type() || from.has_sparse_tensor_type()) {
    const bool dense = from.has_tensor_type();
    result.kind = TypeDef::Kind::tensor;
    const int64_t number =
        dense ? from.tensor_type().elem_type() : from.sparse_tensor_type().elem_type();
    const std::optional<ElementType> found = element_type(number);
    require(found.has_value(), "{} is no element type of ONNX", number);
    result.element = *found;
    if (!(dense ? from.tensor_type().has_shape() : from.sparse_tensor_type().has_shape()))
      return result;
    const auto& shape = dense ? from.tensor_type().shape() : from.sparse_tensor_type().shape();
    require(shape.dim_size() <= kMaxRank, "{} dimensions are more than {}", shape.dim_size(),
            kMaxRank);
    result.shape = Shape();
    for (const auto& dim : shape.dim()) {
      if (dim.has_dim_value() && dim.dim_value() >= 0)
        result.shape->push_back(Extent(dim.dim_value()));
      else if (dim.has_dim_param() && !dim.dim_param().empty())
        result.shape->push_back(Extent(dim.dim_param()));
      else
        result.shape->push_back(Extent(int64_t{-1}));
    }
  } else if (from.has_sequence_type()) {
    result.kind = TypeDef::Kind::sequence;
    result.inner = std::make_shared<TypeDef>(type(from.sequence_type().elem_type(), depth + 1));
  } else if (from.has_optional_type()) {
    result.kind = TypeDef::Kind::optional;
    result.inner = std::make_shared<TypeDef>(type(from.optional_type().elem_type(), depth + 1));
  }
  return result;
}

AttributeDef Reader::attribute(::onnx::AttributeProto& from) {
  using Kind = AttributeDef::Kind;
  AttributeDef result;
  result.name = from.name();
  result.reference = from.ref_attr_name();
  switch (from.type()) {
    case ::onnx::AttributeProto::FLOAT:
      result.kind = Kind::real;
      break;
    case ::onnx::AttributeProto::INT:
      result.kind = Kind::integer;
      break;
    case ::onnx::AttributeProto::STRING:
      result.kind = Kind::text;
      break;
    case ::onnx::AttributeProto::TENSOR:
      result.kind = Kind::tensor;
      break;
    case ::onnx::AttributeProto::SPARSE_TENSOR:
      result.kind = Kind::tensor;
      break;
    case ::onnx::AttributeProto::GRAPH:
      result.kind = Kind::graph;
      break;
    case ::onnx::AttributeProto::FLOATS:
      result.kind = Kind::reals;
      break;
    case ::onnx::AttributeProto::INTS:
      result.kind = Kind::integers;
      break;
    case ::onnx::AttributeProto::STRINGS:
      result.kind = Kind::texts;
      break;
    case ::onnx::AttributeProto::TYPE_PROTO:
      result.kind = Kind::type;
      break;
    default:
      break;
  }
  if (!result.reference.empty()) return result;
  const std::string what = "attribute '" + result.name + "'";
  result.real = from.f();
  result.integer = from.i();
  result.text = from.s();
  if (from.type() == ::onnx::AttributeProto::SPARSE_TENSOR)
    result.tensor = sparse(*from.mutable_sparse_tensor(), what);
  if (result.kind == Kind::tensor && from.has_t()) result.tensor = tensor(*from.mutable_t(), what);
  if (result.kind == Kind::tensor) require(result.tensor.defined(), "{} holds no tensor", what);
  if (result.kind == Kind::graph)
    result.graph = std::make_shared<GraphDef>(graph(*from.mutable_g()));
  if (result.kind == Kind::type) result.type = type(from.tp());
  result.reals.assign(from.floats().begin(), from.floats().end());
  result.integers.assign(from.ints().begin(), from.ints().end());
  result.texts.assign(from.strings().begin(), from.strings().end());
  return result;
}

NodeDef Reader::node(::onnx::NodeProto& from) {
  NodeDef result;
  result.op = from.op_type();
  result.domain = from.domain() == "ai.onnx" ? "" : from.domain();
  result.overload = from.overload();
  result.name = from.name();
  result.inputs.assign(from.input().begin(), from.input().end());
  result.outputs.assign(from.output().begin(), from.output().end());
  for (auto& entry : *from.mutable_attribute()) result.attributes.push_back(attribute(entry));
  return result;
}

GraphDef Reader::graph(::onnx::GraphProto& from, const LargeTensors& large) {
  GraphDef result;
  result.name = from.name();
  int64_t position = 0;
  for (auto& entry : *from.mutable_initializer()) {
    std::string name = entry.name();
    const auto raw = large.find(position++);
    HostTensor value =
        tensor(entry, "tensor '" + name + "'", raw == large.end() ? nullptr : &raw->second);
    result.initializers.push_back({std::move(name), std::move(value)});
  }
  for (auto& entry : *from.mutable_sparse_initializer()) {
    std::string name = entry.values().name();
    HostTensor value = sparse(entry, "sparse tensor '" + name + "'");
    result.initializers.push_back({std::move(name), std::move(value)});
  }
  for (const auto& entry : from.input())
    result.inputs.push_back({entry.name(), type(entry.type())});
  for (const auto& entry : from.output())
    result.outputs.push_back({entry.name(), type(entry.type())});
  result.nodes.reserve(static_cast<size_t>(from.node_size()));
  for (auto& entry : *from.mutable_node()) result.nodes.push_back(node(entry));
  return result;
}

std::map<std::string, int64_t> opsets(
    const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto>& list) {
  std::map<std::string, int64_t> result;
  for (const auto& entry : list)
    result[entry.domain() == "ai.onnx" ? "" : entry.domain()] = entry.version();
  return result;
}

FunctionDef Reader::function(::onnx::FunctionProto& from) {
  FunctionDef result;
  result.domain = from.domain() == "ai.onnx" ? "" : from.domain();
  result.name = from.name();
  result.overload = from.overload();
  result.inputs.assign(from.input().begin(), from.input().end());
  result.outputs.assign(from.output().begin(), from.output().end());
  result.attributes.assign(from.attribute().begin(), from.attribute().end());
  for (auto& entry : *from.mutable_attribute_proto()) result.defaults.push_back(attribute(entry));
  for (auto& entry : *from.mutable_node()) result.nodes.push_back(node(entry));
  result.opsets = opsets(from.opset_import());
  return result;
}

ValueFile Reader::sequence(::onnx::SequenceProto& from) {
  ValueFile result;
  result.kind = TypeDef::Kind::sequence;
  const auto add = [&](TypeDef::Kind kind, HostTensor value) {
    ValueFile element;
    element.kind = kind;
    element.tensor = std::move(value);
    result.elements.push_back(std::move(element));
  };
  for (auto& entry : *from.mutable_tensor_values())
    add(TypeDef::Kind::tensor, tensor(entry, "a sequence's tensor"));
  for (auto& entry : *from.mutable_sequence_values()) result.elements.push_back(sequence(entry));
  for (auto& entry : *from.mutable_optional_values()) result.elements.push_back(optional(entry));
  return result;
}

ValueFile Reader::optional(::onnx::OptionalProto& from) {
  ValueFile result;
  result.kind = TypeDef::Kind::optional;
  if (from.has_tensor_value()) {
    ValueFile element;
    element.tensor = tensor(*from.mutable_tensor_value(), "an optional tensor");
    result.elements.push_back(std::move(element));
  } else if (from.has_sequence_value()) {
    result.elements.push_back(sequence(*from.mutable_sequence_value()));
  } else if (from.has_optional_value()) {
    result.elements.push_back(optional(*from.mutable_optional_value()));
  }
  return result;
}

}  // namespace

const AttributeDef* NodeDef::find(std::string_view attribute) const {
  for (const AttributeDef& entry : attributes)
    if (entry.name == attribute) return &entry;
  return nullptr;
}

namespace {

constexpr std::string_view kNoModel =
    "is no ONNX model: it does not follow the protobuf schema, ends too early or nests too deep";

/// The message as plain structures; its raw bytes move into the tensors.
Result<ModelDef> convert(::onnx::ModelProto& proto, const std::filesystem::path& folder,
                         const ReadOptions& options, const LargeTensors& large = {}) {
  if (!proto.has_graph()) return fail("the ONNX model has no graph");
  try {
    Reader reader(folder, options);
    ModelDef model;
    model.ir_version = proto.ir_version();
    model.producer = proto.producer_name();
    model.producer_version = proto.producer_version();
    model.opsets = opsets(proto.opset_import());
    model.graph = reader.graph(*proto.mutable_graph(), large);
    for (auto& entry : *proto.mutable_functions())
      model.functions.push_back(reader.function(entry));
    return model;
  } catch (const UserError& error) {
    return Failure{error.what()};
  }
}

}  // namespace

Result<ModelDef> parse_model(std::string bytes, const std::filesystem::path& folder,
                             const ReadOptions& options) {
  ::onnx::ModelProto proto;
  if (!proto.ParseFromString(bytes))
    return fail("this text of {} bytes {}", bytes.size(), kNoModel);
  std::string().swap(bytes);
  return convert(proto, folder, options);
}

Result<ModelDef> read_model(const std::filesystem::path& path, const ReadOptions& options) {
  constexpr int64_t kMaxFile = (int64_t{1} << 31) - 1;
  const Result<MappedFile> file = map_file(path);
  if (!file) return file.failure();
  if (file->size > kMaxFile)
    return fail(
        "{} has {} bytes: protobuf files end at 2 GiB, larger models keep their weights outside",
        path.string(), file->size);
  LargeTensors large;
  ::onnx::ModelProto proto;
  const std::optional<std::string> thin = without_large_tensors(*file, path, large);
  const bool parsed = thin ? proto.ParseFromString(*thin)
                           : proto.ParseFromArray(file->bytes.get(), static_cast<int>(file->size));
  if (!parsed) return fail("{} {}", path.string(), kNoModel);
  const std::filesystem::path folder =
      path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  Result<ModelDef> model = convert(proto, folder, options, large);
  if (!model) return fail("{}: {}", path.string(), model.error());
  return model;
}

bool looks_like_model(std::string_view bytes) {
  // A writer may begin with any field; all known ones begin with ir_version (1, varint), the
  // producer's name (2, bytes) or, for functions alone, the graph.
  if (bytes.size() < 2) return false;
  const auto tag = static_cast<uint8_t>(bytes[0]), value = static_cast<uint8_t>(bytes[1]);
  return tag == 0x08 && value >= 1 && value <= 64 &&
         (bytes.size() == 2 || (static_cast<uint8_t>(bytes[2]) & 7) <= 2);
}

Result<ValueFile> parse_value(const std::string& bytes, const TypeDef& type) {
  try {
    Reader reader({}, {});
    if (type.kind == TypeDef::Kind::sequence) {
      ::onnx::SequenceProto proto;
      if (!proto.ParseFromString(bytes)) return fail("{} bytes are no ONNX sequence", bytes.size());
      return reader.sequence(proto);
    }
    if (type.kind == TypeDef::Kind::optional) {
      ::onnx::OptionalProto proto;
      if (!proto.ParseFromString(bytes))
        return fail("{} bytes are no optional ONNX value", bytes.size());
      return reader.optional(proto);
    }
    ::onnx::TensorProto proto;
    if (!proto.ParseFromString(bytes)) return fail("{} bytes are no ONNX tensor", bytes.size());
    ValueFile value;
    value.tensor = reader.tensor(proto, "tensor '" + proto.name() + "'");
    return value;
  } catch (const UserError& error) {
    return Failure{error.what()};
  }
}

}  // namespace brisk::onnx
