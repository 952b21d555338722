#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "brisk/base/file.h"
#include "brisk/formats/model_file.h"
#include "brisk/formats/onnx/export/save_onnx.h"
#include "brisk/formats/onnx/onnx_file.h"
#include "brisk/formats/onnx/schema/external_data.h"
#include "tests/formats/onnx_model.h"
#include "tests/support/temporary_directory.h"

// Files that lie: each is refused with a sentence that says what was wrong and where.

namespace brisk::onnx {
namespace {

void expect_refused(const ModelDef& file, const std::string& words) {
  const Result<ImportedModel> imported = load_onnx_bytes(write_model(file).value(), {}, {});
  ASSERT_FALSE(imported.ok());
  EXPECT_NE(imported.error().find(words), std::string::npos) << imported.error();
}

ModelDef identity() {
  return make_model({{"x", tensor_type(ElementType::f32, {Extent(2)})}},
                    {make_node("Identity", {"x"}, {"y"})}, {{"y", {}}});
}

/// A field of protobuf: tag, then bytes with their length.
std::string bytes_field(int number, const std::string& bytes) {
  std::string result;
  const auto varint = [&](uint64_t value) {
    while (value >= 0x80) {
      result.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    result.push_back(static_cast<char>(value));
  };
  varint(static_cast<uint64_t>(number) << 3 | 2);
  varint(bytes.size());
  return result + bytes;
}
std::string number_field(int number, uint64_t value) {
  std::string result;
  const auto varint = [&](uint64_t v) {
    while (v >= 0x80) {
      result.push_back(static_cast<char>(v | 0x80));
      v >>= 7;
    }
    result.push_back(static_cast<char>(v));
  };
  varint(static_cast<uint64_t>(number) << 3);
  varint(value);
  return result;
}

/// A model whose graph holds one initializer of these TensorProto fields.
std::string with_initializer(const std::string& tensor) {
  return number_field(1, 8) + bytes_field(7, bytes_field(5, tensor));
}

std::string refusal(const std::string& bytes, const std::filesystem::path& folder = {}) {
  const Result<ImportedModel> imported = load_onnx_bytes(bytes, folder, {});
  return imported.ok() ? "" : imported.error();
}

void expect_words(const std::string& found, const std::string& words) {
  EXPECT_NE(found.find(words), std::string::npos) << found;
}

TEST(OnnxHostile, BytesThatAreNoModel) {
  expect_words(refusal(""), "no graph");
  expect_words(refusal("not a model at all"), "schema");
}

TEST(OnnxHostile, EveryTruncationIsRefusedOrReadable) {
  const std::string whole = write_model(identity()).value();
  for (size_t size = 0; size < whole.size(); ++size)
    (void)load_onnx_bytes(whole.substr(0, size), {}, {});
}

TEST(OnnxHostile, EveryFlippedByteIsRefusedOrReadable) {
  const std::string whole = write_model(identity()).value();
  for (size_t at = 0; at < whole.size(); ++at)
    for (const int bit : {0, 3, 7}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      (void)load_onnx_bytes(changed, {}, {});
    }
}

TEST(OnnxHostile, NegativeAndOverflowingDimensions) {
  const std::string name = bytes_field(8, "w"), f32_type = number_field(2, 1);
  expect_words(
      refusal(with_initializer(number_field(1, static_cast<uint64_t>(-3)) + f32_type + name)),
      "negative");
  const std::string huge = number_field(1, uint64_t{1} << 40) + number_field(1, uint64_t{1} << 40);
  expect_words(refusal(with_initializer(huge + f32_type + name)), "overflow");
  expect_words(refusal(with_initializer(number_field(1, uint64_t{1} << 50) + f32_type + name)),
               "more than any file");
}

TEST(OnnxHostile, BytesThatDoNotFillTheTensor) {
  const std::string tensor =
      number_field(1, 1000) + number_field(2, 1) + bytes_field(8, "w") + bytes_field(9, "abcd");
  expect_words(refusal(with_initializer(tensor)), "tensor 'w': 4 bytes for 1000 elements");
}

TEST(OnnxHostile, UnknownElementTypes) {
  expect_words(refusal(with_initializer(number_field(2, 99) + bytes_field(8, "w"))),
               "no element type");
}

TEST(OnnxHostile, GraphsThatReadThemselves) {
  ModelDef file = identity();
  file.graph.nodes = {make_node("Add", {"x", "b"}, {"a"}), make_node("Add", {"x", "a"}, {"b"})};
  file.graph.outputs = {{"b", {}}};
  expect_refused(file, "cyclic");
}

TEST(OnnxHostile, FunctionsThatCallThemselves) {
  // A function of the domain "own" whose only node calls it again.
  const std::string node =
      bytes_field(1, "x") + bytes_field(2, "y") + bytes_field(4, "Again") + bytes_field(7, "own");
  const std::string function = bytes_field(1, "Again") + bytes_field(4, "x") + bytes_field(5, "y") +
                               bytes_field(7, node) + bytes_field(10, "own") +
                               bytes_field(9, bytes_field(1, "own") + number_field(2, 1));
  const std::string tensor = number_field(1, 1) + bytes_field(2, "");
  const std::string type = bytes_field(1, tensor);
  const std::string graph = bytes_field(1, node) +
                            bytes_field(11, bytes_field(1, "x") + bytes_field(2, type)) +
                            bytes_field(12, bytes_field(1, "y"));
  expect_words(refusal(number_field(1, 8) + bytes_field(7, graph) + bytes_field(25, function) +
                       bytes_field(8, number_field(2, 17))),
               "recursive");
}

TEST(OnnxHostile, SubGraphsThatNestWithoutEnd) {
  std::string graph = bytes_field(2, "innermost");
  for (int depth = 0; depth < 100'000; ++depth) {
    // Graph > node > attribute > graph; stop when the bytes would grow beyond what a test needs.
    graph = bytes_field(1, bytes_field(5, bytes_field(6, graph)));
    if (graph.size() > 2'000'000) break;
  }
  expect_words(refusal(number_field(1, 8) + bytes_field(7, graph)), "nests too deep");
}

TEST(OnnxHostile, WrongRanksAreRefusedByTheOp) {
  ModelDef file = identity();
  file.graph.nodes = {make_node("Conv", {"x", "x"}, {"y"})};
  expect_refused(file, "node 'Conv_y'");
  file.graph.nodes = {make_node("Transpose", {"x"}, {"y"}, {[] {
                                  AttributeDef a;
                                  a.name = "perm";
                                  a.kind = AttributeDef::Kind::integers;
                                  a.integers = {5, -7, 1};
                                  return a;
                                }()})};
  expect_refused(file, "node 'Transpose_y'");
}

/// The error of reading `location` in a folder that holds weights.bin of 16 bytes.
std::string external(const std::filesystem::path& folder, const std::string& location,
                     const std::string& offset = "0") {
  const Result<ExternalData> data =
      external_data(folder, {{"location", location}, {"offset", offset}}, 16, "tensor 'w'");
  return data.ok() ? "read" : data.error();
}

TEST(OnnxHostile, ExternalDataStaysInTheFolder) {
  const test::TemporaryDirectory root;
  const std::filesystem::path folder = root / "model";
  std::filesystem::create_directories(folder / "part");
  ASSERT_TRUE(write_file_atomically(folder / "weights.bin", std::string(16, 'x')).ok());
  ASSERT_TRUE(write_file_atomically(folder / "part" / "more.bin", std::string(16, 'x')).ok());
  ASSERT_TRUE(write_file_atomically(root / "secret", std::string(16, 's')).ok());
  std::filesystem::create_symlink(root / "secret", folder / "link");
  std::filesystem::create_directory_symlink(root.path(), folder / "up");
  EXPECT_EQ(external(folder, "weights.bin"), "read");
  EXPECT_EQ(external(folder, "part/more.bin"), "read");
  expect_words(external(folder, "../secret"), "leaves the model's folder");
  expect_words(external(folder, "part/../../secret"), "leaves the model's folder");
  expect_words(external(folder, (root / "secret").string()), "absolute");
  expect_words(external(folder, "link"), "symbolic link");
  expect_words(external(folder, "up/secret"), "symbolic link");
  expect_words(external(folder, ""), "empty");
  expect_words(external(folder, "part"), "no regular file");
  EXPECT_NE(external(folder, "absent.bin"), "read");
}

TEST(OnnxHostile, WritingFollowsNoLinkBesideTheModel) {
  const test::TemporaryDirectory root;
  const std::filesystem::path folder = root / "model";
  std::filesystem::create_directories(folder);
  ASSERT_TRUE(write_file_atomically(root / "victim", std::string(16, 's')).ok());
  std::filesystem::create_symlink(root / "victim", folder / "m.onnx.data");
  std::filesystem::create_symlink(root / "victim", folder / "m.onnx");
  ModelDef file = identity();
  const Tensor weight(DType::f32, {64, 64});
  file.graph.initializers = {{"w", HostTensor(weight)}};
  file.graph.inputs = {{"x", tensor_type(ElementType::f32, {64, 64})}};
  file.graph.nodes = {make_node("Add", {"x", "w"}, {"y"})};
  const Model model = load_onnx_bytes(write_model(file).value(), {}, {}).value().model;
  ASSERT_TRUE(save_onnx(model, folder / "m.onnx", {.external_data = true}).ok());
  EXPECT_EQ(read_file(root / "victim").value(), std::string(16, 's'));
  for (const char* name : {"m.onnx", "m.onnx.data"})
    EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(folder / name)));
  EXPECT_TRUE(load_onnx(folder / "m.onnx", {}).ok());
}

// No step of an import may recurse along a chain.
TEST(OnnxHostile, ChainsOfManyNodes) {
  ModelDef file = identity();
  file.graph.nodes.clear();
  constexpr int kNodes = 20'000;
  for (int i = 0; i < kNodes; ++i)
    file.graph.nodes.push_back(make_node(i % 2 == 0 ? "Abs" : "Floor",
                                         {i == 0 ? "x" : "v" + std::to_string(i - 1)},
                                         {i + 1 == kNodes ? "y" : "v" + std::to_string(i)}));
  EXPECT_EQ(refusal(write_model(file).value()), "");
}

TEST(OnnxHostile, ExternalDataStaysInTheFile) {
  const test::TemporaryDirectory folder;
  ASSERT_TRUE(write_file_atomically(folder / "weights.bin", std::string(20, 'x')).ok());
  EXPECT_EQ(external(folder.path(), "weights.bin", "4"), "read");
  expect_words(external(folder.path(), "weights.bin", "5"), "beyond its 20 bytes");
  expect_words(external(folder.path(), "weights.bin", "9223372036854775807"), "beyond");
  expect_words(external(folder.path(), "weights.bin", "-1"), "no size");
  expect_words(external(folder.path(), "weights.bin", "4x"), "no size");
}

TEST(OnnxHostile, ExternalDataWithoutAFolderIsRefused) {
  const std::string entry = bytes_field(1, "location") + bytes_field(2, "weights.bin");
  const std::string tensor = number_field(1, 4) + number_field(2, 1) + bytes_field(8, "w") +
                             bytes_field(13, entry) + number_field(14, 1);
  expect_words(refusal(with_initializer(tensor)), "another file");
}

/// A model in `folder` whose initializer lies outside it, by these external_data entries.
std::string outside(const std::filesystem::path& folder,
                    const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string tensor = number_field(1, 4) + number_field(2, 1) + bytes_field(8, "w");
  for (const auto& [key, value] : entries)
    tensor += bytes_field(13, bytes_field(1, key) + bytes_field(2, value));
  const std::filesystem::path path = folder / "model.onnx";
  EXPECT_TRUE(write_file_atomically(path, with_initializer(tensor + number_field(14, 1))).ok());
  const Result<ModelDef> file = read_model(path);
  return file.ok() ? "read" : file.error();
}

TEST(OnnxHostile, EntriesOfExternalData) {
  const test::TemporaryDirectory folder;
  ASSERT_TRUE(write_file_atomically(folder / "w.bin", std::string(16, 'x')).ok());
  EXPECT_EQ(outside(folder.path(), {{"location", "w.bin"}}), "read");
  EXPECT_EQ(outside(folder.path(), {{"location", "./w.bin"}, {"checksum", "whatever"}}), "read");
  expect_words(outside(folder.path(), {}), "it is empty");
  expect_words(outside(folder.path(), {{"location", "w.bin"}, {"length", "15"}}), "take 16");
  expect_words(outside(folder.path(), {{"location", "w.bin"}, {"length", "18446744073709551616"}}),
               "no size");
  expect_words(outside(folder.path(), {{"location", "w.bin"}, {"offset", "1"}}), "beyond");
  expect_words(outside(folder.path(), {{"location", "w.bin"}, {"offset", "9223372036854775800"}}),
               "beyond");
  expect_words(outside(folder.path(), {{"location", std::string("w.bin\0", 6)}}), "zero byte");
  // The last entry of a key holds, and it is checked.
  expect_words(outside(folder.path(), {{"location", "w.bin"}, {"location", "../w.bin"}}),
               "leaves the model's folder");
}

TEST(OnnxHostile, ExternalDataThatIsNoFile) {
  const test::TemporaryDirectory folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_words(outside(folder.path(), {{"location", "pipe"}}), "no regular file");
  ASSERT_TRUE(write_file_atomically(folder / "empty", "").ok());
  expect_words(outside(folder.path(), {{"location", "empty"}}), "beyond its 0 bytes");
}

/// An initializer of `count` floats that lie in the file itself.
std::string with_raw(size_t count, const std::string& raw) {
  return with_initializer(number_field(1, count) + number_field(2, 1) + bytes_field(8, "w") +
                          bytes_field(9, raw));
}

TEST(OnnxHostile, LargeTensorsOfAFile) {
  const test::TemporaryDirectory folder;
  const std::filesystem::path path = folder / "model.onnx";
  const auto read = [&](const std::string& bytes) {
    EXPECT_TRUE(write_file_atomically(path, bytes).ok());
    const Result<ModelDef> file = read_model(path);
    return file.ok() ? "read" : file.error();
  };
  const std::string raw(100'000, 'x');
  const std::string whole = with_raw(25'000, raw);
  EXPECT_EQ(read(whole), "read");
  expect_words(read(with_raw(24'999, raw)), "tensor 'w': 100000 bytes for 24999 elements");
  for (const size_t missing : {1UL, 50'000UL, 99'999UL, 100'000UL, 100'010UL})
    EXPECT_NE(read(whole.substr(0, whole.size() - missing)), "read") << missing;
  // A field that is there twice counts as its last.
  const std::string head = number_field(1, 25'000) + number_field(2, 1) + bytes_field(8, "w");
  EXPECT_EQ(read(with_initializer(head + bytes_field(9, "ab") + bytes_field(9, raw))), "read");
  expect_words(read(with_initializer(head + bytes_field(9, raw) + bytes_field(9, "ab"))),
               "2 bytes for 25000 elements");
}

TEST(OnnxHostile, LargeTensorsOfAFileAreItsOwnBytes) {
  const test::TemporaryDirectory folder;
  for (size_t shift = 0; shift < 9; ++shift) {  // at any alignment
    std::vector<float> values(30'000);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) * 0.5F;
    ModelDef file = identity();
    file.graph.initializers = {{std::string(shift + 1, 'w'), f32({100, 300}, values)},
                               {"last", f32({2}, {1, 2})}};
    const std::filesystem::path path = folder / "model.onnx";
    ASSERT_TRUE(write_file_atomically(path, write_model(file).value()).ok());
    const ModelDef back = read_model(path).value();
    ASSERT_EQ(back.graph.initializers.size(), 2U);
    EXPECT_TRUE(bit_equal(back.graph.initializers[0].tensor.tensor,
                          file.graph.initializers[0].tensor.tensor));
    EXPECT_TRUE(bit_equal(back.graph.initializers[1].tensor.tensor,
                          file.graph.initializers[1].tensor.tensor));
  }
}

}  // namespace
}  // namespace brisk::onnx
