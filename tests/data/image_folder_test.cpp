#include "brisk/data/image_folder.h"

#include <gtest/gtest.h>

#include "brisk/data/augment.h"
#include "brisk/data/resize_image.h"
#include "tests/data/temporary_directory.h"
#include "tests/support/image_fixture.h"

namespace brisk {
namespace {

class ImageFolder : public testing::Test {
 protected:
  ImageFolder() {
    directory_.write("dogs/b.png", encode_png(noise(6, 9, 3, 1)));
    directory_.write("dogs/a.JPG", encode_jpeg(gradient(10, 20, 3)));
    directory_.write("dogs/notes.txt", "not an image");
    directory_.write("cats/z/deep.png", encode_png(noise(7, 5, 1, 2)));
    directory_.write("cats/last.jpeg", encode_jpeg(gradient(8, 8, 1)));
    directory_.write(".cache/x.png", "hidden");
    directory_.write("readme.png", "beside the classes");
  }

  std::vector<int64_t> labels(const ImageFolderOptions& options) const {
    const auto source = image_folder_source(directory_.path(), options);
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < source->size(); ++i) {
      labels.push_back(static_cast<int64_t>(source->at(i)[1].item()));
    }
    return labels;
  }

  TemporaryDirectory directory_;
};

TEST_F(ImageFolder, ClassesAreSortedFoldersAndFilesSortedBelowThem) {
  const auto source = image_folder_source(directory_.path(), {.height = 0, .width = 0});
  EXPECT_EQ(source->class_names(), (std::vector<std::string>{"cats", "dogs"}));
  ASSERT_EQ(source->size(), 4);
  EXPECT_EQ(describe(source->components()), "{image u8[?, ?, 3], label i32[]}");
  const char* sizes[] = {"u8[8, 8, 3]", "u8[7, 5, 3]", "u8[10, 20, 3]", "u8[6, 9, 3]"};
  for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(source->at(i)[0].describe(), sizes[i]);
  EXPECT_EQ(labels({}), (std::vector<int64_t>{0, 0, 1, 1}));
  const ImageFolderOptions dogs_first{.height = 0, .width = 0, .class_names = {"dogs", "cats"}};
  EXPECT_EQ(image_folder_source(directory_.path(), dogs_first)->at(0)[0].describe(), sizes[2]);
  EXPECT_EQ(labels({.class_names = {"dogs"}}), (std::vector<int64_t>{0, 0}));
}

TEST_F(ImageFolder, ImagesAreResizedStraightIntoTheBatch) {
  const Dataset dataset = image_folder(directory_.path(), {.height = 12, .width = 14});
  const auto iterator = dataset.batch(4).iterator();
  Example batch;
  ASSERT_TRUE(iterator->next(batch));
  EXPECT_EQ(batch[0].describe(), "u8[4, 12, 14, 3]");
  const Tensor original = noise(6, 9, 3, 1);
  Tensor expected(DType::u8, {12, 14, 3});
  resize_image(image_spec(original), original.bytes(), {0, 0, 6, 9}, 12, 14, false,
               expected.bytes());
  for (int64_t i = 0; i < expected.num_elements(); ++i) {
    ASSERT_EQ(batch[0].get(3 * expected.num_elements() + i), expected.get(i));
  }
  const auto source = image_folder_source(directory_.path(), {.height = 12, .width = 14});
  EXPECT_TRUE(bit_equal(source->at(3)[0], expected));
  EXPECT_EQ(image_folder(directory_.path(), {.height = 4, .width = 4, .channels = 1})
                .components()[0]
                .sizes,
            (std::vector<int64_t>{4, 4, 1}));
}

TEST_F(ImageFolder, ImagesOfTheirOwnSizesAreCroppedToOne) {
  const Dataset dataset = image_folder(directory_.path(), {.height = 0, .width = 0});
  const auto iterator =
      dataset.map(random_resized_crop(6, 6)).map(random_flip_horizontal()).batch(4).iterator();
  Example batch;
  ASSERT_TRUE(iterator->next(batch));
  EXPECT_EQ(batch[0].describe(), "u8[4, 6, 6, 3]");
  const auto middle =
      dataset.map(compose({resize_shorter_side(6), center_crop(5, 5), rescale(1.0f / 255)}))
          .batch(4)
          .iterator();
  ASSERT_TRUE(middle->next(batch));
  EXPECT_EQ(batch[0].describe(), "f32[4, 5, 5, 3]");
  const auto ragged = dataset.batch(4).iterator();
  EXPECT_THROW(ragged->next(batch), UserError);
}

TEST_F(ImageFolder, AFileThatCannotBeDecodedIsNamed) {
  directory_.write("dogs/c.jpg", encode_jpeg(gradient(10, 20, 3)).substr(0, 300));
  const auto iterator = image_folder(directory_.path()).batch(5).iterator();
  Example batch;
  try {
    iterator->next(batch);
    FAIL() << "a truncated image was taken";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("dogs/c.jpg"), std::string::npos) << error.what();
  }
}

TEST_F(ImageFolder, FoldersThatAreNoneAreRefused) {
  EXPECT_THROW(image_folder(directory_.path() / "nowhere"), UserError);
  EXPECT_THROW(image_folder(directory_.path() / "dogs"), UserError);
  EXPECT_THROW(image_folder(directory_.path(), {.class_names = {"birds"}}), UserError);
  EXPECT_THROW(image_folder(directory_.path(), {.height = 5, .width = 0}), UserError);
  EXPECT_THROW(image_folder(directory_.path(), {.channels = 4}), UserError);
}

}  // namespace
}  // namespace brisk
