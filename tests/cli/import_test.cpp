// Whether images go into an imported model as the framework that it comes from gave them.

#include <gtest/gtest.h>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/formats/model_file.h"
#include "brisk/nn/layers.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace brisk::test {
namespace {

/// Imports a Keras file of a model for images, or for rows of numbers, and gives what is printed.
class Import : public testing::Test {
 protected:
  ChildResult imported(bool scales, std::vector<std::string> options = {}, bool images = true) {
    ModelBuilder builder("net");
    Value x = builder.input("x", images ? std::vector<int64_t>{6, 6, 3} : std::vector<int64_t>{4});
    if (scales) x = builder(Rescaling{.scale = {1.0 / 255}, .name = "to_unit"}, x);
    if (images) x = builder(GlobalAveragePooling2D{}, builder(Conv2D{.filters = 2}, x));
    Model model = builder.finish({{"y", builder(Dense{.units = 2}, x)}});
    model.initialize();
    save(model, place_ / "net.keras", "keras").value();
    std::vector<std::string> command = {brisk_program(BRISK_BINARY_DIR).string(), "import",
                                        (place_ / "net.keras").string(), "--out",
                                        (place_ / "package").string()};
    command.insert(command.end(), options.begin(), options.end());
    return run_child(command);
  }
  Json preprocessing() const {
    const Json json =
        parse_json(read_file(place_ / "package" / "signature.json").value(), "signature").value();
    return json.contains("preprocessing") ? json.at("preprocessing") : Json();
  }

  TemporaryDirectory place_;
};

TEST_F(Import, AModelThatScalesItselfTakesPixelsAsTheyAre) {
  const ChildResult result = imported(true);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("images go in as (pixel - 0) / 1: 'to_unit' scales them"),
            std::string::npos)
      << result.out;
  EXPECT_EQ(preprocessing().at("std"), Json({1}));
}

TEST_F(Import, OtherwiseTheyGoFromZeroToOne) {
  const ChildResult result = imported(false);
  EXPECT_NE(result.out.find("(pixel - 0) / 255; another scale by --mean and --std"),
            std::string::npos)
      << result.out;
  EXPECT_EQ(preprocessing().at("std"), Json({255}));
}

TEST_F(Import, WhatIsGivenCounts) {
  const ChildResult result = imported(true, {"--mean", "1", "2", "3", "--std", "4"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(preprocessing().at("mean"), Json({1, 2, 3}));
  EXPECT_EQ(preprocessing().at("std"), Json({4}));
  EXPECT_NE(imported(true, {"--mean", "1", "2"}).err.find("but images have 3 channels"),
            std::string::npos);
}

TEST_F(Import, RowsOfNumbersHaveNoScale) {
  EXPECT_EQ(imported(false, {}, false).out.find("images go in"), std::string::npos);
  EXPECT_NE(imported(false, {"--std", "2"}, false).err.find("for a model that takes images"),
            std::string::npos);
}

}  // namespace
}  // namespace brisk::test
