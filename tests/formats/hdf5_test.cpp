// Files made by h5py are read, files that lie are refused with a sentence, and what is written is
// read again. That h5py and Keras read what is written is for tests/oracle/keras_models.py.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "brisk/base/file.h"
#include "brisk/formats/hdf5/hdf5_file.h"
#include "brisk/formats/hdf5/hdf5_writer.h"

namespace brisk {
namespace {

std::string seed(const std::string& name) {
  return read_file(std::filesystem::path(BRISK_SOURCE_DIR) / "fuzz/seeds/formats_hdf5" / name)
      .value();
}

Result<Hdf5File> opened(std::string bytes) {
  return Hdf5File::open(std::make_shared<const std::string>(std::move(bytes)), "the file");
}

Hdf5File open_seed(const std::string& name) {
  return opened(seed(name)).value();
}

std::string reason(const Hdf5File& file, const std::string& path = "layers/dense/vars/0") {
  const Result<Tensor> tensor = file.dataset(path);
  return tensor.ok() ? "" : tensor.error();
}

TEST(Hdf5, ReadsGroupsDatasetsAndTexts) {
  const Hdf5File file = open_seed("plain.h5");
  EXPECT_EQ(file.names("layers/dense/vars").value(), (std::vector<std::string>{"0", "1"}));
  const Tensor kernel = file.dataset("layers/dense/vars/0").value();
  EXPECT_EQ(kernel.describe(), "f32[3, 2]");
  EXPECT_EQ(kernel.get(5), 5);
  EXPECT_EQ(file.text_attribute("layers/dense/vars", "name").value(), "dense");
  EXPECT_EQ(file.text_attribute("", "model_config").value(), R"({"class_name":"Sequential"})");
  EXPECT_EQ(file.texts_attribute("", "names").value(), (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(file.text_attribute("", "no_such_name").value(), std::nullopt);
  EXPECT_TRUE(file.has_group("layers/dense"));
  EXPECT_FALSE(file.has_dataset("layers/dense"));
  EXPECT_FALSE(file.has_group("layers/dense/vars/0"));
  EXPECT_FALSE(file.has_dataset("layers/dense/vars/2"));
  EXPECT_NE(reason(file, "layers/conv/vars/0").find("there is no 'conv'"), std::string::npos);
}

TEST(Hdf5, FindsEachOfManyLinks) {
  const Hdf5File file = open_seed("many_links.h5");
  const std::vector<std::string> names = file.names("layers").value();
  EXPECT_EQ(names.size(), 40u);
  EXPECT_TRUE(std::ranges::is_sorted(names));
  for (const std::string& name : names) EXPECT_TRUE(file.has_group("layers/" + name)) << name;
  for (const char* absent : {"a", "dense_", "dense_400", "z"})
    EXPECT_FALSE(file.has_group(std::string("layers/") + absent)) << absent;
}

TEST(Hdf5, ReadsTheNewerFormOfGroups) {
  const Hdf5File file = open_seed("newest_form.h5");
  EXPECT_EQ(file.dataset("layers/dense/vars/0").value().get(2), 2);
  EXPECT_EQ(file.text_attribute("layers/dense/vars", "name").value(), "dense");
}

// Twelve links in the group "many", twelve texts at the group "texts"; both more than messages
// hold.
TEST(Hdf5, RefusesFractalHeaps) {
  const Hdf5File file = open_seed("fractal_heap.h5");
  EXPECT_NE(reason(file, "many/0").find("a group's links stand in a fractal heap"),
            std::string::npos);
  const auto text = file.text_attribute("texts", "name3");
  ASSERT_FALSE(text.ok());
  EXPECT_NE(text.error().find("an object's attributes stand in a fractal heap"), std::string::npos);
}

TEST(Hdf5, ReadsElementsOfAllTypes) {
  const Hdf5File file = open_seed("element_types.h5");
  for (const auto& [path, described] : std::map<std::string, std::string>{{"float64", "f64[2]"},
                                                                          {"float16", "f32[2]"},
                                                                          {"big_f4", "f32[2]"},
                                                                          {"int8", "i8[2]"},
                                                                          {"big_i4", "i32[2]"},
                                                                          {"uint64", "u64[2]"},
                                                                          {"bool", "bool[2]"}}) {
    const Tensor tensor = file.dataset(path).value();
    EXPECT_EQ(tensor.describe(), described);
    EXPECT_EQ(tensor.get(0), 0) << path;
    EXPECT_EQ(tensor.get(1), 1) << path;
  }
  EXPECT_EQ(file.dataset("opaque").value().get(1), 2);
  EXPECT_EQ(file.dataset("scalar").value().item(), 3);
  EXPECT_EQ(file.dataset("none").value().describe(), "f32[0, 4]");
  EXPECT_NE(reason(file, "text").find("no numbers"), std::string::npos);
}

TEST(Hdf5, NeverLeavesTheFile) {
  EXPECT_NE(reason(open_seed("external_link.h5"))
                .find("a link into another file, which is never followed"),
            std::string::npos);
  EXPECT_NE(reason(open_seed("soft_link.h5")).find("a soft link, which is never followed"),
            std::string::npos);
  EXPECT_NE(reason(open_seed("external_storage.h5")).find("lies in another file"),
            std::string::npos);
  EXPECT_NE(reason(open_seed("virtual.h5")).find("is virtual"), std::string::npos);
}

TEST(Hdf5, SizesThatAreOnlyClaimed) {
  EXPECT_NE(reason(open_seed("claimed_size.h5")).find("stored in chunks"), std::string::npos);
  std::string bytes = seed("plain.h5");
  const std::string sizes("\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16);  // of the kernel
  const size_t at = bytes.find(sizes);
  ASSERT_NE(at, std::string::npos);
  bytes[at + 2] = 1;
  EXPECT_NE(reason(opened(bytes).value()).find("claims 524312 bytes, but only 24 are stored"),
            std::string::npos);
  bytes[at + 7] = 1;
  EXPECT_NE(reason(opened(bytes).value()).find("more than 17179869184 elements"),
            std::string::npos);
}

// Over such a heap HDF5's own library goes on without end.
TEST(Hdf5, HeapWhoseFreeSpaceHasNoSize) {
  EXPECT_EQ(open_seed("endless_heap.h5").text_attribute("layers/dense/vars", "name").value(),
            "dense");
}

TEST(Hdf5, GroupsThatAreTheirOwnMembersEndAtALimit) {
  std::string path = "layers";
  for (int i = 0; i < 70; ++i) path += "/dense";
  EXPECT_NE(reason(open_seed("plain.h5"), path), "");
}

TEST(Hdf5, TreesWhoseNodesOccurTwice) {
  std::string bytes = seed("many_links.h5");
  // The node with the most children is that of the large group.
  size_t tree = std::string::npos;
  for (size_t at = bytes.find("TREE"); at != std::string::npos; at = bytes.find("TREE", at + 1))
    if (tree == std::string::npos || bytes[at + 6] > bytes[tree + 6]) tree = at;
  ASSERT_GT(bytes[tree + 6], 1);
  std::memcpy(&bytes[tree + 48], &bytes[tree + 32], 8);  // the second child is the first
  const auto names = opened(bytes).value().names("layers");
  ASSERT_FALSE(names.ok());
  EXPECT_NE(names.error().find("occurs twice"), std::string::npos);
}

TEST(Hdf5, WhatIsWrittenIsReadAgain) {
  for (const int count : {0, 1, 8, 257, 1000}) {
    Hdf5Writer writer;
    ASSERT_TRUE(writer.add_group("layers").ok());
    for (int i = 0; i < count; ++i) {
      const std::string group = fmt::format("layers/dense_{}/vars", i);
      ASSERT_TRUE(
          writer.add_dataset(group + "/0", Tensor::of<float>({2}, std::vector<float>{1, float(i)}))
              .ok());
      ASSERT_TRUE(writer.add_attribute(group, "name", fmt::format("layer {}", i)).ok());
    }
    ASSERT_TRUE(writer.add_attribute("", "empty", "").ok());
    const Hdf5File file = opened(writer.finish().value()).value();
    EXPECT_EQ(std::ssize(file.names("layers").value()), count);
    EXPECT_EQ(file.text_attribute("", "empty").value(), "");
    for (int i = 0; i < count; ++i) {
      const std::string group = fmt::format("layers/dense_{}/vars", i);
      EXPECT_EQ(file.dataset(group + "/0").value().get(1), i);
      EXPECT_EQ(file.text_attribute(group, "name").value(), fmt::format("layer {}", i));
    }
  }
}

TEST(Hdf5, WritesElementsOfAllTypes) {
  for (const DType type : {DType::f64, DType::f32, DType::i64, DType::i32, DType::i16, DType::i8,
                           DType::u64, DType::u32, DType::u16, DType::u8}) {
    Hdf5Writer writer;
    ASSERT_TRUE(writer.add_dataset("a/x", Tensor::scalar(type, 7)).ok());
    const Tensor read = opened(writer.finish().value()).value().dataset("a/x").value();
    EXPECT_TRUE(bit_equal(read, Tensor::scalar(type, 7))) << name(type);
  }
}

TEST(Hdf5, RefusesToWriteTwoThingsAtOnePlace) {
  Hdf5Writer writer;
  ASSERT_TRUE(writer.add_dataset("a/x", Tensor::scalar(DType::f32, 7)).ok());
  EXPECT_FALSE(writer.add_dataset("a/x", Tensor::scalar(DType::f32, 7)).ok());
  EXPECT_FALSE(writer.add_dataset("a", Tensor::scalar(DType::f32, 7)).ok());
  EXPECT_FALSE(writer.add_group("a/x").ok());
  EXPECT_FALSE(writer.add_group("a/x/y").ok());
  EXPECT_FALSE(writer.add_attribute("b", "name", "text").ok());
}

}  // namespace
}  // namespace brisk
