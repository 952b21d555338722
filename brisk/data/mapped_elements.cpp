#include "brisk/data/mapped_elements.h"

#include <array>
#include <cstring>

#include "brisk/base/philox.h"

namespace brisk {
namespace {

uint64_t example_key(uint64_t stage_key, const Place& place) {
  return fold_key(fold_key(stage_key, static_cast<uint64_t>(place.iteration)),
                  static_cast<uint64_t>(place.position));
}

ImageMap joined(const std::vector<KeyedImageMap>& maps) {
  std::vector<std::shared_ptr<const ImageTransform>> transforms;
  for (const KeyedImageMap& map : maps) {
    const auto& more = map.function.transforms();
    transforms.insert(transforms.end(), more.begin(), more.end());
  }
  return ImageMap(std::move(transforms));
}

}  // namespace

Example MappedElements::get(const Place& place, Workspace& workspace) const {
  return function_(input_->get(place, workspace),
                   {example_key(key_, place), place.iteration, place.position});
}

ImageMappedElements::ImageMappedElements(std::shared_ptr<const Elements> input,
                                         const std::vector<KeyedImageMap>& maps)
    : input_(std::move(input)), function_(joined(maps)) {
  for (const KeyedImageMap& map : maps) {
    for (size_t i = 0; i < map.function.transforms().size(); ++i) {
      stage_keys_.push_back(map.key);
      step_.push_back(i);
    }
  }
  if (!input_->spec()) return;
  spec_ = function_.output(*input_->spec());
  if (!is_fixed(input_->spec())) return;
  image_ = image_spec(input_->spec()->front());
  for (const ComponentSpec& component : *spec_) bytes_.push_back(num_bytes(component));
}

void ImageMappedElements::run(const ImageSpec& input, const std::byte* image, const Place& place,
                              std::byte* result, Workspace& workspace) const {
  const auto& transforms = function_.transforms();
  std::vector<uint64_t>& keys = workspace.image_keys;
  keys.assign(transforms.size(), 0);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (transforms[i]->is_random()) {
      keys[i] = fold_key(example_key(stage_keys_[i], place), step_[i]);
    }
  }
  function_.run(input, image, keys, result, workspace.scratch);
}

Example ImageMappedElements::get(const Place& place, Workspace& workspace) const {
  Example example = input_->get(place, workspace);
  require(!example.empty(), "[{}] needs an image, but the example has no components",
          function_.name());
  const ImageSpec input = image_spec(example[0]);
  const ImageSpec output = function_.output(input);
  Tensor image(output.dtype, {output.height, output.width, output.channels});
  run(input, example[0].bytes(), place, image.bytes(), workspace);
  example[0] = std::move(image);
  return example;
}

void ImageMappedElements::write(const Place& place, std::span<std::byte* const> components,
                                Workspace& workspace) const {
  std::array<const std::byte*, kFewComponents> views;
  const bool few = !bytes_.empty() && bytes_.size() <= views.size();
  if (few && input_->view(place, std::span(views).first(bytes_.size()))) {
    run(image_, views[0], place, components[0], workspace);
    for (size_t i = 1; i < bytes_.size(); ++i) {
      std::memcpy(components[i], views[i], static_cast<size_t>(bytes_[i]));
    }
    return;
  }
  const Example example = input_->get(place, workspace);
  invariant(!example.empty(), "an element without components where a spec names some");
  const ImageSpec input = image_spec(example[0]);
  const ImageSpec output = function_.output(input);
  require(output == image_spec(spec_->front()), "[{}] makes {} of {}, not {}", function_.name(),
          describe(output), describe(input), describe(spec_->front()));
  run(input, example[0].bytes(), place, components[0], workspace);
  copy_components(example, *spec_, 1, components);
}

}  // namespace brisk
