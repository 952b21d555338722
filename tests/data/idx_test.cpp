#include "brisk/data/idx.h"

#include <gtest/gtest.h>

#include "brisk/base/philox.h"
#include "tests/data/gzip_fixture.h"
#include "tests/data/temporary_directory.h"

namespace brisk {
namespace {

using namespace std::string_literals;

std::string header(char type, const std::vector<uint32_t>& sizes) {
  std::string text = {'\0', '\0', type, static_cast<char>(sizes.size())};
  for (const uint32_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(size >> shift);
  }
  return text;
}

/// Five images of 2 x 3 whose pixels count up from 0, and labels 4, 3, 2, 1, 0.
std::string images() {
  std::string text = header(0x08, {5, 2, 3});
  for (char pixel = 0; pixel < 30; ++pixel) text += pixel;
  return text;
}
std::string labels() {
  return header(0x08, {5}) + "\4\3\2\1\0"s;
}

std::span<const std::byte> bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// What a UserError thrown by `action` says; fails the test when none is.
template <typename Action>
std::string refusal(const Action& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return "";
}

TEST(Idx, ReadsImagesAndLabelsPlainAndCompressed) {
  const TemporaryDirectory directory;
  directory.write("train-images-idx3-ubyte", images());
  directory.write("train-labels-idx1-ubyte.gz", gzip(labels()));
  directory.write("t10k-images.idx3-ubyte.gz",
                  gzip(images().substr(0, 20)) + gzip(images().substr(20)));
  directory.write("t10k-labels.idx1-ubyte", labels());
  for (const char* split : {"train", "test"}) {
    const Dataset dataset = idx_images(directory.path(), split, {"a", "b", "c", "d", "e"});
    EXPECT_EQ(dataset.cardinality(), 5);
    EXPECT_EQ(dataset.class_names().size(), 5u);
    EXPECT_EQ(describe(dataset.components()), "{image u8[2, 3, 1], label i32[]}");
    const auto iterator = dataset.batch(3).iterator();
    Example example;
    ASSERT_TRUE(iterator->next(example));
    ASSERT_TRUE(iterator->next(example));
    EXPECT_EQ(example[0].describe(), "u8[2, 2, 3, 1]");
    EXPECT_EQ(example[1].describe(), "i32[2]");
    for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(example[0].get(i), 18 + static_cast<double>(i));
    EXPECT_EQ(example[1].get(0), 1);
    EXPECT_EQ(example[1].get(1), 0);
  }
}

TEST(Idx, AtGivesTensorsOfItsOwn) {
  const TemporaryDirectory directory;
  const auto source = idx_source(directory.write("i", images()), directory.write("l", labels()));
  source->at(1)[0].set(0, 99);
  EXPECT_EQ(source->at(1)[0].get(0), 6);
  EXPECT_EQ(source->at(1)[1].item(), 3);
}

TEST(Idx, ReadsEveryElementTypeInBigEndianOrder) {
  const auto first = [](char type, const std::string& element) {
    const auto parsed = parse_idx(bytes(header(type, {1}) + element));
    return parsed.ok() ? parsed->get(0) : -12345;
  };
  EXPECT_EQ(first(0x08, "\xff"s), 255);
  EXPECT_EQ(first(0x09, "\xff"s), -1);
  EXPECT_EQ(first(0x0B, "\x01\x02"s), 258);
  EXPECT_EQ(first(0x0C, "\xff\xff\xff\xfe"s), -2);
  EXPECT_EQ(first(0x0D, "\x3f\xc0\x00\x00"s), 1.5);
  EXPECT_EQ(first(0x0E, "\xc0\x04\x00\x00\x00\x00\x00\x00"s), -2.5);
  EXPECT_EQ(parse_idx(bytes(gzip(header(0x0B, {2}) + "\0\1\1\0"s)))->get(1), 256);
}

TEST(Idx, EveryTruncationIsNoticed) {
  for (const std::string& whole : {images(), gzip(images()), gzip(images(), 0)}) {
    ASSERT_TRUE(parse_idx(bytes(whole)).ok());
    for (size_t size = 0; size < whole.size(); ++size) {
      const std::string part = whole.substr(0, size);
      const auto parsed = parse_idx(bytes(part));
      EXPECT_FALSE(parsed.ok()) << size;
    }
  }
  EXPECT_FALSE(parse_idx(bytes(images() + "x")).ok());
  EXPECT_FALSE(parse_idx(bytes(gzip(images() + "x"))).ok());
}

TEST(Idx, DamagedGzipIsNoticedByItsChecksum) {
  const std::string whole = gzip(images());
  PhiloxSequence random(1);
  for (size_t i = 10; i < whole.size(); ++i) {  // behind the gzip header, whose flags are free
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << random.next_below(8)));
    EXPECT_FALSE(parse_idx(bytes(damaged)).ok()) << i;
  }
}

TEST(Idx, SizesThatCannotBeAreRefusedBeforeMemoryIsAskedFor) {
  EXPECT_FALSE(parse_idx(bytes(header(0x08, {0xffffffff, 0xffffffff, 0xffffffff}))).ok());
  EXPECT_FALSE(parse_idx(bytes(header(0x08, {0xffffffff, 0xffff}))).ok());
  EXPECT_FALSE(parse_idx(bytes(gzip(header(0x08, {0xffffffff, 0xffff})))).ok());
  EXPECT_FALSE(parse_idx(bytes(header(0x08, {0, 0xffffffff, 0xffffffff, 0xffffffff}))).ok());
  EXPECT_TRUE(parse_idx(bytes(header(0x08, {0, 28, 28}))).ok());
  EXPECT_FALSE(parse_idx(bytes(header(0x0A, {1}) + "x")).ok());
  EXPECT_FALSE(parse_idx(bytes(header(0x08, {}))).ok());
  EXPECT_FALSE(parse_idx(bytes("not an IDX file"s)).ok());
}

TEST(Idx, ErrorsNameTheFile) {
  const TemporaryDirectory directory;
  const auto good_images = directory.write("images", images());
  const auto good_labels = directory.write("labels", labels());
  const auto refused = [&](const std::filesystem::path& i, const std::filesystem::path& l) {
    return refusal([&] {
      const auto iterator = Dataset::from(idx_source(i, l)).batch(2).iterator();
      Example example;
      iterator->next(example);
    });
  };
  const auto mentions = [](const std::string& text, const char* what) {
    EXPECT_NE(text.find(what), std::string::npos) << text;
  };
  mentions(refused(directory.path() / "nowhere", good_labels), "nowhere");
  mentions(refused(directory.write("cut", images().substr(0, 30)), good_labels), "cut");
  mentions(refused(directory.write("half.gz", gzip(images()).substr(0, 40)), good_labels),
           "half.gz");
  mentions(refused(good_images, directory.write("bad", "zz")), "bad");
  mentions(refused(good_labels, good_images), "labels");
  const std::string four = refused(good_images, directory.write("four", header(8, {4}) + "abcd"));
  mentions(four, "5 images");
  mentions(four, "4 labels");
  mentions(refusal([&] { idx_images(directory.path(), "train"); }), "train-images");
  mentions(refusal([&] { idx_images(directory.path(), "tran"); }), "tran");
}

// Fashion-MNIST, where Debian's package of it is installed.
TEST(Idx, ReadsFashionMnist) {
  const std::filesystem::path directory = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(directory)) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const Dataset train = idx_images(directory, "train");
  EXPECT_EQ(train.cardinality(), 60'000);
  EXPECT_EQ(idx_images(directory, "test").cardinality(), 10'000);
  std::vector<int> count(10);
  const auto iterator = train.batch(1000).iterator();
  Example example;
  while (iterator->next(example)) {
    for (const int32_t label : example[1].data<int32_t>()) ++count.at(static_cast<size_t>(label));
  }
  EXPECT_EQ(count, std::vector<int>(10, 6000));
}

}  // namespace
}  // namespace brisk
