#pragma once

/// Stages that compute: map with any function, map of images.

#include "brisk/data/elements.h"

namespace brisk {

class MappedElements final : public Elements {
 public:
  MappedElements(std::shared_ptr<const Elements> input, MapFunction function, uint64_t key)
      : input_(std::move(input)), function_(std::move(function)), key_(key) {}

  int64_t size() const override { return input_->size(); }
  const std::optional<std::vector<ComponentSpec>>& spec() const override { return spec_; }
  Example get(const Place& place, Workspace& workspace) const override;

 private:
  std::shared_ptr<const Elements> input_;
  MapFunction function_;
  uint64_t key_;
  std::optional<std::vector<ComponentSpec>> spec_;  // a function's result only its call tells
};

/// A map and the key of its stage.
struct KeyedImageMap {
  ImageMap function;
  uint64_t key;
};

/// Several maps of images that follow one another, run as one.
class ImageMappedElements final : public Elements {
 public:
  ImageMappedElements(std::shared_ptr<const Elements> input,
                      const std::vector<KeyedImageMap>& maps);

  int64_t size() const override { return input_->size(); }
  const std::optional<std::vector<ComponentSpec>>& spec() const override { return spec_; }
  Example get(const Place& place, Workspace& workspace) const override;
  void write(const Place& place, std::span<std::byte* const> components,
             Workspace& workspace) const override;

 private:
  void run(const ImageSpec& input, const std::byte* image, const Place& place, std::byte* result,
           Workspace& workspace) const;

  std::shared_ptr<const Elements> input_;
  ImageMap function_;
  std::vector<uint64_t> stage_keys_;  // of each transform
  std::vector<size_t> step_;          // of each transform: its number within its own map
  std::optional<std::vector<ComponentSpec>> spec_;
  ImageSpec image_;             // of the input, where it is fixed
  std::vector<int64_t> bytes_;  // of each mapped component, where the input is fixed
};

}  // namespace brisk
