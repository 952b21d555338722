#pragma once

/// Maps of images that know their result's type and sizes beforehand, so that a batch can be
/// allocated once and every image computed straight into its place.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brisk/data/example.h"

namespace brisk {

/// Type and sizes of an image [height, width, channels], row-major; sizes of -1 are not known.
struct ImageSpec {
  DType dtype = DType::u8;
  int64_t height = -1;
  int64_t width = -1;
  int64_t channels = -1;

  bool is_fixed() const { return height >= 0 && width >= 0 && channels >= 0; }
  int64_t num_elements() const { return height * width * channels; }
  int64_t num_bytes() const { return byte_size(dtype, num_elements()); }
  friend bool operator==(const ImageSpec&, const ImageSpec&) = default;
};

/// The image a component describes; refused (UserError) unless it has three axes.
ImageSpec image_spec(const ComponentSpec& spec);
ImageSpec image_spec(const Tensor& image);
std::string describe(const ImageSpec& spec);

/// One step: image to image.
class ImageTransform {
 public:
  virtual ~ImageTransform() = default;
  /// As its user wrote it, for messages: "random_crop(24, 24, 0)".
  virtual std::string name() const = 0;
  /// True when `run` reads its key.
  virtual bool is_random() const { return false; }
  /// The result's type and sizes, unknown ones where they follow from unknown ones; throws
  /// UserError when such an image cannot be taken.
  virtual ImageSpec output(const ImageSpec& input) const = 0;
  /// Computes `output(input)` into `result`; the input's sizes are all known, the two ranges apart.
  virtual void run(const ImageSpec& input, const std::byte* image, uint64_t key,
                   std::byte* result) const = 0;
};

/// Two buffers that a chain of transforms goes back and forth between; one for each thread.
struct ImageScratch {
  std::vector<std::byte> buffers[2];
};

/// Transforms in order, applied to the first component; the others pass.
class ImageMap {
 public:
  explicit ImageMap(std::vector<std::shared_ptr<const ImageTransform>> transforms);

  const std::vector<std::shared_ptr<const ImageTransform>>& transforms() const {
    return transforms_;
  }
  std::string name() const;
  ImageSpec output(ImageSpec input) const;
  /// Components of the mapped example.
  std::vector<ComponentSpec> output(std::vector<ComponentSpec> components) const;
  /// Computes output(input) into `result`; transform i draws from keys[i].
  void run(ImageSpec input, const std::byte* image, std::span<const uint64_t> keys,
           std::byte* result, ImageScratch& scratch) const;

  /// As a MapFunction: transform i draws from fold_key(context.key, i).
  Example operator()(Example example, const ExampleContext& context) const;

 private:
  std::vector<std::shared_ptr<const ImageTransform>> transforms_;
};

}  // namespace brisk
