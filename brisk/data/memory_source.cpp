#include "brisk/data/memory_source.h"

#include <cstring>

#include "brisk/base/philox.h"
#include "brisk/base/shape.h"

namespace brisk {
namespace {

class MemorySource final : public Source {
 public:
  MemorySource(std::vector<Tensor> arrays, std::vector<std::string> names,
               std::vector<std::string> class_names)
      : arrays_(std::move(arrays)), class_names_(std::move(class_names)) {
    require(!arrays_.empty(), "a source in memory needs at least one array");
    if (names.empty() && arrays_.size() == 2) names = {"image", "label"};
    while (names.size() < arrays_.size())
      names.push_back(fmt::format("component_{}", names.size()));
    require(names.size() == arrays_.size(), "{} names do not fit {} arrays", names.size(),
            arrays_.size());
    for (size_t i = 0; i < arrays_.size(); ++i) {
      const Tensor& array = arrays_[i];
      require(array.rank() >= 1, "array `{}` is {}; its rows are the examples, so it needs an axis",
              names[i], array.describe());
      require(array.sizes()[0] == arrays_[0].sizes()[0],
              "array `{}` has {} rows, but array `{}` has {}", names[i], array.sizes()[0], names[0],
              arrays_[0].sizes()[0]);
      specs_.push_back({names[i], array.dtype(), {array.sizes().begin() + 1, array.sizes().end()}});
      row_bytes_.push_back(num_bytes(specs_.back()));
    }
  }

  int64_t size() const override { return arrays_[0].sizes()[0]; }
  std::vector<ComponentSpec> components() const override { return specs_; }
  std::vector<std::string> class_names() const override { return class_names_; }

  Example at(int64_t index) const override {
    Example example;
    for (size_t i = 0; i < arrays_.size(); ++i) {
      example.emplace_back(specs_[i].dtype, specs_[i].sizes);
      std::memcpy(example[i].bytes(), arrays_[i].bytes() + index * row_bytes_[i],
                  static_cast<size_t>(row_bytes_[i]));
    }
    return example;
  }

  bool view(int64_t index, std::span<const std::byte*> components) const override {
    for (size_t i = 0; i < arrays_.size(); ++i) {
      components[i] = arrays_[i].bytes() + index * row_bytes_[i];
    }
    return true;
  }

 private:
  std::vector<Tensor> arrays_;
  std::vector<std::string> class_names_;
  std::vector<ComponentSpec> specs_;
  std::vector<int64_t> row_bytes_;
};

class SyntheticSource final : public Source {
 public:
  explicit SyntheticSource(const SyntheticImages& images) : images_(images) {
    require(images.count >= 0 && images.height >= 1 && images.width >= 1 && images.channels >= 1,
            "synthetic images cannot be {} times [{}, {}, {}]", images.count, images.height,
            images.width, images.channels);
    require(images.num_classes >= 1, "synthetic images need at least one class, not {}",
            images.num_classes);
    bytes_ = checked_product(std::vector<int64_t>{images.height, images.width, images.channels});
  }

  int64_t size() const override { return images_.count; }

  std::vector<ComponentSpec> components() const override {
    return {{"image", DType::u8, {images_.height, images_.width, images_.channels}},
            {"label", DType::i32, {}}};
  }

  Example at(int64_t index) const override {
    Example example{Tensor(DType::u8, {images_.height, images_.width, images_.channels}),
                    Tensor(DType::i32, {})};
    std::byte* const components[] = {example[0].bytes(), example[1].bytes()};
    copy(index, components);
    return example;
  }

  void copy(int64_t index, std::span<std::byte* const> components) const override {
    const uint64_t key = fold_key(images_.seed, static_cast<uint64_t>(index));
    const auto label = static_cast<int32_t>(
        PhiloxSequence(fold_key(key, 1)).next_below(static_cast<uint64_t>(images_.num_classes)));
    std::memcpy(components[1], &label, sizeof(label));
    for (int64_t begin = 0; begin < bytes_; begin += sizeof(PhiloxBlock)) {
      const PhiloxBlock block =
          philox4x32({static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)},
                     {static_cast<uint32_t>(begin), static_cast<uint32_t>(begin >> 32), 0, 0});
      std::memcpy(components[0] + begin, block.data(),
                  static_cast<size_t>(std::min<int64_t>(sizeof(block), bytes_ - begin)));
    }
  }

 private:
  SyntheticImages images_;
  int64_t bytes_;
};

}  // namespace

std::shared_ptr<const Source> memory_source(std::vector<Tensor> arrays,
                                            std::vector<std::string> names,
                                            std::vector<std::string> class_names) {
  return std::make_shared<MemorySource>(std::move(arrays), std::move(names),
                                        std::move(class_names));
}

Dataset from_tensor_slices(std::vector<Tensor> arrays) {
  return Dataset::from(memory_source(std::move(arrays)));
}

std::shared_ptr<const Source> synthetic_source(const SyntheticImages& images) {
  return std::make_shared<SyntheticSource>(images);
}

}  // namespace brisk
