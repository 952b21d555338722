#include "brisk/base/edit_distance.h"

#include <gtest/gtest.h>

namespace brisk {
namespace {

TEST(EditDistance, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("conv2d", "conv2d"), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("abc", ""), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("cnov2d", "conv2d"), 1) << "a swap of neighbours is one edit";
  EXPECT_EQ(edit_distance("ca", "abc"), 3) << "no edits between swapped letters";
}

TEST(NearestName, FindsMisspellings) {
  const std::vector<std::string> names = {"conv2d", "dense", "batch_norm", "relu", "relu6"};
  EXPECT_EQ(nearest_name("cnov2d", names), "conv2d");
  EXPECT_EQ(nearest_name("Dense", names), "dense");
  EXPECT_EQ(nearest_name("batchnorm", names), "batch_norm");
  EXPECT_EQ(nearest_name("relu7", names), "relu") << "relu6 is as near, but stands later";
}

TEST(NearestName, StaysSilentWhereNothingIsNear) {
  const std::vector<std::string> names = {"conv2d", "x"};
  EXPECT_EQ(nearest_name("attention", names), std::nullopt);
  EXPECT_EQ(nearest_name("y", names), std::nullopt) << "every one-letter word is one edit away";
  EXPECT_EQ(nearest_name("", names), std::nullopt);
  EXPECT_EQ(nearest_name("conv2d", {}), std::nullopt);
  EXPECT_EQ(did_you_mean("conv3d", names), "; did you mean 'conv2d'?");
  EXPECT_EQ(did_you_mean("attention", names), "");
}

}  // namespace
}  // namespace brisk
