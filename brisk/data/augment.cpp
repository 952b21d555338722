#include "brisk/data/augment.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "brisk/base/philox.h"
#include "brisk/data/affine_pixels.h"
#include "brisk/data/resize_image.h"

namespace brisk {
namespace {

/// Bytes of one pixel.
int64_t pixel_bytes(const ImageSpec& spec) {
  return spec.channels * byte_size(spec.dtype);
}

template <typename Transform, typename... Args>
ImageMap map_of(Args&&... args) {
  return ImageMap({std::make_shared<const Transform>(std::forward<Args>(args)...)});
}

void check_size(const char* name, int64_t height, int64_t width) {
  require(height >= 1 && width >= 1, "[{}] sizes must be at least 1, not [{}, {}]", name, height,
          width);
}

class Affine final : public ImageTransform {
 public:
  Affine(std::string name, std::vector<float> scale, std::vector<float> offset)
      : name_(std::move(name)),
        channels_(scale.size()),
        affine_(std::move(scale), std::move(offset)) {}

  std::string name() const override { return name_; }
  ImageSpec output(const ImageSpec& input) const override {
    require(
        channels_ == 1 || input.channels < 0 || input.channels == static_cast<int64_t>(channels_),
        "[{}] has numbers for {} channels, but the image is {}", name_, channels_, describe(input));
    return {DType::f32, input.height, input.width, input.channels};
  }
  void run(const ImageSpec& input, const std::byte* image, uint64_t,
           std::byte* result) const override {
    affine_.run(input.dtype, image, input.num_elements(), reinterpret_cast<float*>(result));
  }

 private:
  std::string name_;
  size_t channels_;
  AffinePixels affine_;
};

class RandomFlipHorizontal final : public ImageTransform {
 public:
  std::string name() const override { return "random_flip_horizontal()"; }
  bool is_random() const override { return true; }
  ImageSpec output(const ImageSpec& input) const override { return input; }
  void run(const ImageSpec& input, const std::byte* image, uint64_t key,
           std::byte* result) const override {
    if (philox_word(key, 0) >> 31 == 0) {
      std::memcpy(result, image, static_cast<size_t>(input.num_bytes()));
      return;
    }
    // A constant size of the pixel makes its copy one or two moves.
    switch (pixel_bytes(input)) {
      case 1:
        return mirror<1>(input, image, result);
      case 3:
        return mirror<3>(input, image, result);
      case 4:
        return mirror<4>(input, image, result);
      case 12:
        return mirror<12>(input, image, result);
      default:
        return mirror<0>(input, image, result);
    }
  }

 private:
  template <size_t kBytes>
  static void mirror(const ImageSpec& input, const std::byte* image, std::byte* result) {
    const size_t bytes = kBytes > 0 ? kBytes : static_cast<size_t>(pixel_bytes(input));
    const auto width = static_cast<size_t>(input.width);
    for (int64_t y = 0; y < input.height; ++y) {
      for (size_t x = 0; x < width; ++x) {
        std::memcpy(result + x * bytes, image + (width - 1 - x) * bytes, bytes);
      }
      image += width * bytes;
      result += width * bytes;
    }
  }
};

class RandomCrop final : public ImageTransform {
 public:
  RandomCrop(int64_t height, int64_t width, int64_t padding)
      : height_(height), width_(width), padding_(padding) {}

  std::string name() const override {
    return fmt::format("random_crop({}, {}, {})", height_, width_, padding_);
  }
  bool is_random() const override { return true; }
  ImageSpec output(const ImageSpec& input) const override {
    require((input.height < 0 || input.height + 2 * padding_ >= height_) &&
                (input.width < 0 || input.width + 2 * padding_ >= width_),
            "[{}] is larger than the image {} with its padding", name(), describe(input));
    return {input.dtype, height_, width_, input.channels};
  }
  void run(const ImageSpec& input, const std::byte* image, uint64_t key,
           std::byte* result) const override {
    PhiloxSequence random(key);
    const auto place = [&](int64_t size, int64_t part) {
      const auto places = static_cast<uint64_t>(size + 2 * padding_ - part + 1);
      return static_cast<int64_t>(random.next_below(places)) - padding_;
    };
    const int64_t top = place(input.height, height_);
    const int64_t left = place(input.width, width_);
    // Columns of the result that lie within the image.
    const int64_t begin = std::clamp<int64_t>(-left, 0, width_);
    const int64_t end = std::clamp<int64_t>(input.width - left, begin, width_);
    const int64_t bytes = pixel_bytes(input);
    for (int64_t y = 0; y < height_; ++y, result += width_ * bytes) {
      const int64_t row = top + y;
      const bool inside = row >= 0 && row < input.height && begin < end;
      if (!inside || end - begin < width_) {
        std::memset(result, 0, static_cast<size_t>(width_ * bytes));
      }
      if (inside) {
        std::memcpy(result + begin * bytes, image + (row * input.width + left + begin) * bytes,
                    static_cast<size_t>((end - begin) * bytes));
      }
    }
  }

 private:
  int64_t height_;
  int64_t width_;
  int64_t padding_;
};

class CenterCrop final : public ImageTransform {
 public:
  CenterCrop(int64_t height, int64_t width) : height_(height), width_(width) {}

  std::string name() const override { return fmt::format("center_crop({}, {})", height_, width_); }
  ImageSpec output(const ImageSpec& input) const override {
    require(
        (input.height < 0 || input.height >= height_) && (input.width < 0 || input.width >= width_),
        "[{}] is larger than the image {}", name(), describe(input));
    return {input.dtype, height_, width_, input.channels};
  }
  void run(const ImageSpec& input, const std::byte* image, uint64_t,
           std::byte* result) const override {
    const int64_t bytes = pixel_bytes(input);
    const int64_t top = (input.height - height_) / 2;
    const int64_t left = (input.width - width_) / 2;
    for (int64_t y = 0; y < height_; ++y) {
      std::memcpy(result + y * width_ * bytes, image + ((top + y) * input.width + left) * bytes,
                  static_cast<size_t>(width_ * bytes));
    }
  }

 private:
  int64_t height_;
  int64_t width_;
};

/// Transforms that resample take the types that resize_image takes and no empty image.
void check_resampled(const ImageTransform& transform, const ImageSpec& input) {
  require(input.dtype == DType::u8 || input.dtype == DType::f32,
          "[{}] takes images of u8 or f32, not {}; put it before what changes the type",
          transform.name(), describe(input));
  require(input.height != 0 && input.width != 0, "[{}] cannot resize the empty image {}",
          transform.name(), describe(input));
}

class RandomResizedCrop final : public ImageTransform {
 public:
  RandomResizedCrop(int64_t height, int64_t width, std::array<double, 2> scale,
                    std::array<double, 2> ratio, bool antialias)
      : height_(height), width_(width), scale_(scale), ratio_(ratio), antialias_(antialias) {}

  std::string name() const override {
    return fmt::format("random_resized_crop({}, {})", height_, width_);
  }
  bool is_random() const override { return true; }
  ImageSpec output(const ImageSpec& input) const override {
    check_resampled(*this, input);
    return {input.dtype, height_, width_, input.channels};
  }
  void run(const ImageSpec& input, const std::byte* image, uint64_t key,
           std::byte* result) const override {
    resize_image(input, image, choose(input, key), height_, width_, antialias_, result);
  }

 private:
  ImageBox choose(const ImageSpec& input, uint64_t key) const {
    constexpr int kAttempts = 10;
    PhiloxSequence random(key);
    const auto between = [&](double low, double high) {
      return low + (high - low) * random.next_unit();
    };
    const auto width = static_cast<double>(input.width);
    const auto height = static_cast<double>(input.height);
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const double area = width * height * between(scale_[0], scale_[1]);
      const double ratio = std::exp(between(std::log(ratio_[0]), std::log(ratio_[1])));
      ImageBox box;
      box.width = std::llround(std::sqrt(area * ratio));
      box.height = std::llround(std::sqrt(area / ratio));
      if (box.width < 1 || box.height < 1 || box.width > input.width || box.height > input.height) {
        continue;
      }
      box.top = static_cast<int64_t>(
          random.next_below(static_cast<uint64_t>(input.height - box.height + 1)));
      box.left = static_cast<int64_t>(
          random.next_below(static_cast<uint64_t>(input.width - box.width + 1)));
      return box;
    }
    ImageBox box{.top = 0, .left = 0, .height = input.height, .width = input.width};
    if (width / height < ratio_[0]) box.height = std::llround(width / ratio_[0]);
    if (width / height > ratio_[1]) box.width = std::llround(height * ratio_[1]);
    box.height = std::clamp<int64_t>(box.height, 1, input.height);
    box.width = std::clamp<int64_t>(box.width, 1, input.width);
    box.top = (input.height - box.height) / 2;
    box.left = (input.width - box.width) / 2;
    return box;
  }

  int64_t height_;
  int64_t width_;
  std::array<double, 2> scale_;
  std::array<double, 2> ratio_;
  bool antialias_;
};

class Resize final : public ImageTransform {
 public:
  Resize(int64_t height, int64_t width, bool antialias)
      : height_(height), width_(width), antialias_(antialias) {}

  std::string name() const override { return fmt::format("resize({}, {})", height_, width_); }
  ImageSpec output(const ImageSpec& input) const override {
    check_resampled(*this, input);
    return {input.dtype, height_, width_, input.channels};
  }
  void run(const ImageSpec& input, const std::byte* image, uint64_t,
           std::byte* result) const override {
    resize_image(input, image, {0, 0, input.height, input.width}, height_, width_, antialias_,
                 result);
  }

 private:
  int64_t height_;
  int64_t width_;
  bool antialias_;
};

class ResizeShorterSide final : public ImageTransform {
 public:
  ResizeShorterSide(int64_t size, bool antialias) : size_(size), antialias_(antialias) {}

  std::string name() const override { return fmt::format("resize_shorter_side({})", size_); }
  ImageSpec output(const ImageSpec& input) const override {
    check_resampled(*this, input);
    if (input.height < 0 || input.width < 0) return {input.dtype, -1, -1, input.channels};
    const int64_t shorter = std::min(input.height, input.width);
    const auto scaled = [&](int64_t side) { return (side * size_ + shorter / 2) / shorter; };
    return {input.dtype, scaled(input.height), scaled(input.width), input.channels};
  }
  void run(const ImageSpec& input, const std::byte* image, uint64_t,
           std::byte* result) const override {
    const ImageSpec target = output(input);
    resize_image(input, image, {0, 0, input.height, input.width}, target.height, target.width,
                 antialias_, result);
  }

 private:
  int64_t size_;
  bool antialias_;
};

}  // namespace

ImageMap rescale(float scale, float offset) {
  return map_of<Affine>(fmt::format("rescale({}, {})", scale, offset), std::vector<float>{scale},
                        std::vector<float>{offset});
}

ImageMap normalize(std::vector<float> mean, std::vector<float> std) {
  require(!mean.empty() && mean.size() == std.size(),
          "[normalize] needs as many means as standard deviations, not {} and {}", mean.size(),
          std.size());
  std::vector<float> scale;
  std::vector<float> offset;
  for (size_t i = 0; i < mean.size(); ++i) {
    require(std[i] > 0, "[normalize] standard deviation {} of channel {} is not positive", std[i],
            i);
    scale.push_back(1 / std[i]);
    offset.push_back(-mean[i] / std[i]);
  }
  return map_of<Affine>("normalize(...)", std::move(scale), std::move(offset));
}

ImageMap random_flip_horizontal() {
  return map_of<RandomFlipHorizontal>();
}

ImageMap random_crop(int64_t height, int64_t width, int64_t padding) {
  check_size("random_crop", height, width);
  require(padding >= 0, "[random_crop] padding must be at least 0, not {}", padding);
  return map_of<RandomCrop>(height, width, padding);
}

ImageMap center_crop(int64_t height, int64_t width) {
  check_size("center_crop", height, width);
  return map_of<CenterCrop>(height, width);
}

ImageMap random_resized_crop(int64_t height, int64_t width, std::array<double, 2> scale,
                             std::array<double, 2> ratio, bool antialias) {
  check_size("random_resized_crop", height, width);
  require(0 < scale[0] && scale[0] <= scale[1] && scale[1] <= 1,
          "[random_resized_crop] scale must be a range within (0, 1], not {}..{}", scale[0],
          scale[1]);
  require(0 < ratio[0] && ratio[0] <= ratio[1],
          "[random_resized_crop] ratio must be a range of positive numbers, not {}..{}", ratio[0],
          ratio[1]);
  return map_of<RandomResizedCrop>(height, width, scale, ratio, antialias);
}

ImageMap resize(int64_t height, int64_t width, bool antialias) {
  check_size("resize", height, width);
  return map_of<Resize>(height, width, antialias);
}

ImageMap resize_shorter_side(int64_t size, bool antialias) {
  check_size("resize_shorter_side", size, size);
  return map_of<ResizeShorterSide>(size, antialias);
}

ImageMap compose(const std::vector<ImageMap>& maps) {
  std::vector<std::shared_ptr<const ImageTransform>> transforms;
  for (const ImageMap& map : maps) {
    transforms.insert(transforms.end(), map.transforms().begin(), map.transforms().end());
  }
  return ImageMap(std::move(transforms));
}

}  // namespace brisk
