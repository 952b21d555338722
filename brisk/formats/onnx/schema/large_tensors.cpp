#include "brisk/formats/onnx/schema/large_tensors.h"

#include <fstream>

#include "brisk/formats/protobuf_wire.h"

// ModelProto.graph (7) holds GraphProto.initializer (5) holds TensorProto.raw_data (9). All other
// fields are copied as they stand. Where a field that must be single is repeated, protobuf merges
// messages and takes the last bytes; so does this.

namespace brisk::onnx {
namespace {

constexpr int kGraph = 7, kInitializer = 5, kRawData = 9, kBytes = 2;
constexpr size_t kLarge = size_t{1} << 16;

class Thinner {
 public:
  Thinner(const MappedFile& file, const std::filesystem::path& path, LargeTensors& tensors)
      : file_(file), path_(path), tensors_(tensors) {}

  bool model(std::string_view wire, std::string& out) {
    return copy(wire, out, [&](const ProtobufField& field, std::string& to) {
      if (field.number != kGraph) return false;
      return replace(kGraph, field, to, &Thinner::graph);
    });
  }

 private:
  using Part = bool (Thinner::*)(std::string_view, std::string&);

  bool graph(std::string_view wire, std::string& out) {
    return copy(wire, out, [&](const ProtobufField& field, std::string& to) {
      if (field.number != kInitializer) return false;
      ++position_;
      return field.bytes.size() >= kLarge &&
             replace(kInitializer, field, to, &Thinner::initializer);
    });
  }

  bool initializer(std::string_view wire, std::string& out) {
    return copy(wire, out, [&](const ProtobufField& field, std::string&) {
      if (field.number != kRawData) return false;
      tensors_.erase(position_);
      if (field.bytes.size() < kLarge) return false;
      const auto* begin = reinterpret_cast<const char*>(file_.bytes.get());
      tensors_[position_] = {path_, file_, field.bytes.data() - begin,
                             static_cast<int64_t>(field.bytes.size())};
      return true;
    });
  }

  bool replace(int number, const ProtobufField& field, std::string& out, Part part) {
    std::string inner;
    if (!(this->*part)(field.bytes, inner)) {
      broken_ = true;
      return true;
    }
    out += ProtobufMessage().bytes(number, inner).wire();
    return true;
  }

  /// Fields of type bytes that `take` does not take are copied, and all others.
  template <typename Take>
  bool copy(std::string_view wire, std::string& out, const Take& take) {
    ProtobufReader reader(wire);
    while (!broken_) {
      const std::string_view before = reader.rest();
      const Result<std::optional<ProtobufField>> field = reader.next();
      if (!field) return false;
      if (!*field) return true;
      if ((*field)->wire_type == kBytes && take(**field, out)) continue;
      out += before.substr(0, before.size() - reader.rest().size());
    }
    return false;
  }

  const MappedFile& file_;
  const std::filesystem::path& path_;
  LargeTensors& tensors_;
  int64_t position_ = -1;
  bool broken_ = false;
};

}  // namespace

Status LargeTensor::read(std::span<std::byte> into) const {
  std::ifstream stream(path, std::ios::binary);
  stream.seekg(offset);
  stream.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
  if (!stream) return fail("{} became shorter while it was read", path.string());
  return Success{};
}

std::optional<std::string> without_large_tensors(const MappedFile& file,
                                                 const std::filesystem::path& path,
                                                 LargeTensors& tensors) {
  std::string out;
  const std::string_view wire(reinterpret_cast<const char*>(file.bytes.get()),
                              static_cast<size_t>(file.size));
  if (Thinner(file, path, tensors).model(wire, out)) return out;
  tensors.clear();
  return std::nullopt;
}

}  // namespace brisk::onnx
