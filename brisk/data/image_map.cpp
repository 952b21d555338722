#include "brisk/data/image_map.h"

#include <cstring>

#include "brisk/base/philox.h"

namespace brisk {
namespace {

std::vector<int64_t> sizes_of(const ImageSpec& spec) {
  return {spec.height, spec.width, spec.channels};
}

}  // namespace

ImageSpec image_spec(const ComponentSpec& spec) {
  require(spec.sizes.size() == 3,
          "an image has three axes [height, width, channels], but the component is {}",
          describe(spec));
  return {spec.dtype, spec.sizes[0], spec.sizes[1], spec.sizes[2]};
}

ImageSpec image_spec(const Tensor& image) {
  require(image.rank() == 3,
          "an image has three axes [height, width, channels], but the tensor is {}",
          image.describe());
  return {image.dtype(), image.sizes()[0], image.sizes()[1], image.sizes()[2]};
}

std::string describe(const ImageSpec& spec) {
  return describe(ComponentSpec{"image", spec.dtype, sizes_of(spec)});
}

ImageMap::ImageMap(std::vector<std::shared_ptr<const ImageTransform>> transforms)
    : transforms_(std::move(transforms)) {
  require(!transforms_.empty(), "an image map needs at least one transform");
}

std::string ImageMap::name() const {
  std::string text;
  for (const auto& transform : transforms_) {
    if (!text.empty()) text += " + ";
    text += transform->name();
  }
  return text;
}

ImageSpec ImageMap::output(ImageSpec input) const {
  for (const auto& transform : transforms_) input = transform->output(input);
  return input;
}

std::vector<ComponentSpec> ImageMap::output(std::vector<ComponentSpec> components) const {
  require(!components.empty(), "[{}] needs an image, but the examples have no components", name());
  const ImageSpec result = output(image_spec(components[0]));
  components[0].dtype = result.dtype;
  components[0].sizes = sizes_of(result);
  return components;
}

void ImageMap::run(ImageSpec input, const std::byte* image, std::span<const uint64_t> keys,
                   std::byte* result, ImageScratch& scratch) const {
  for (size_t i = 0; i < transforms_.size(); ++i) {
    const ImageTransform& transform = *transforms_[i];
    const ImageSpec output = transform.output(input);
    std::byte* target = result;
    if (i + 1 < transforms_.size()) {
      std::vector<std::byte>& buffer = scratch.buffers[i % 2];
      const auto needed = static_cast<size_t>(output.num_bytes());
      if (buffer.size() < needed) buffer.resize(needed);
      target = buffer.data();
    }
    transform.run(input, image, keys[i], target);
    image = target;
    input = output;
  }
}

Example ImageMap::operator()(Example example, const ExampleContext& context) const {
  require(!example.empty(), "[{}] needs an image, but the example has no components", name());
  const ImageSpec input = image_spec(example[0]);
  const ImageSpec result = output(input);
  Tensor image(result.dtype, sizes_of(result));
  ImageScratch scratch;
  std::vector<uint64_t> keys(transforms_.size());
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = fold_key(context.key, i);
  run(input, example[0].bytes(), keys, image.bytes(), scratch);
  example[0] = std::move(image);
  return example;
}

}  // namespace brisk
