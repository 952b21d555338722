#include "brisk/data/image_folder.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "brisk/data/resize_image.h"
#include "brisk/formats/image/decode_image.h"

namespace brisk {
namespace fs = std::filesystem;

namespace {

struct LabelledFile {
  std::string path;
  int32_t label;
};

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with(".");
}

bool is_image_name(const fs::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

std::vector<std::string> sorted_folders(const fs::path& root) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(root)) {
    if (entry.is_directory() && !is_hidden(entry.path())) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::ranges::sort(names);
  return names;
}

/// All images below `folder`, by folder and then by name, as a walk of sorted folders meets them.
std::vector<std::string> sorted_images(const fs::path& folder) {
  std::vector<std::pair<std::string, std::string>> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (is_image_name(entry.path()) && entry.is_regular_file()) {
      found.emplace_back(entry.path().parent_path().string(), entry.path().filename().string());
    }
  }
  std::ranges::sort(found);
  std::vector<std::string> paths;
  for (const auto& [parent, name] : found) paths.push_back((fs::path(parent) / name).string());
  return paths;
}

class ImageFolderSource final : public Source {
 public:
  ImageFolderSource(const fs::path& root, const ImageFolderOptions& options)
      : options_(options), class_names_(options.class_names) {
    require(fs::is_directory(root), "'{}' is no folder of images", root.string());
    require(
        (options.height >= 1 && options.width >= 1) || (options.height == 0 && options.width == 0),
        "images cannot be resized to [{}, {}]", options.height, options.width);
    require(options.channels == 3 || options.channels == 1,
            "images are decoded to 3 or 1 channels, not {}", options.channels);
    if (class_names_.empty()) class_names_ = sorted_folders(root);
    for (size_t label = 0; label < class_names_.size(); ++label) {
      const fs::path folder = root / class_names_[label];
      require(fs::is_directory(folder), "there is no folder of class `{}` in '{}'",
              class_names_[label], root.string());
      for (std::string& path : sorted_images(folder)) {
        files_.push_back({std::move(path), static_cast<int32_t>(label)});
      }
    }
    require(!files_.empty(), "there is no .jpg, .jpeg or .png file in the {} class folders of '{}'",
            class_names_.size(), root.string());
  }

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  std::vector<std::string> class_names() const override { return class_names_; }

  std::vector<ComponentSpec> components() const override {
    const int64_t unknown = resizes() ? 0 : -1;
    return {{"image",
             DType::u8,
             {options_.height + unknown, options_.width + unknown, options_.channels}},
            {"label", DType::i32, {}}};
  }

  Example at(int64_t index) const override {
    Tensor image = decode(index);
    Example example{std::move(image), Tensor(DType::i32, {})};
    if (resizes()) {
      Tensor resized(DType::u8, {options_.height, options_.width, options_.channels});
      resize(example[0], resized.bytes());
      example[0] = std::move(resized);
    }
    example[1].data<int32_t>()[0] = file(index).label;
    return example;
  }

  void copy(int64_t index, std::span<std::byte* const> components) const override {
    require(resizes(), "images of their own sizes have no common size to be copied at");
    resize(decode(index), components[0]);
    std::memcpy(components[1], &file(index).label, sizeof(int32_t));
  }

 private:
  bool resizes() const { return options_.height > 0; }
  const LabelledFile& file(int64_t index) const { return files_[static_cast<size_t>(index)]; }

  Tensor decode(int64_t index) const {
    return read_image(file(index).path,
                      {.channels = options_.channels, .max_pixels = options_.max_pixels})
        .value();
  }

  void resize(const Tensor& image, std::byte* result) const {
    const ImageSpec spec = image_spec(image);
    resize_image(spec, image.bytes(), {0, 0, spec.height, spec.width}, options_.height,
                 options_.width, options_.antialias, result);
  }

  ImageFolderOptions options_;
  std::vector<std::string> class_names_;
  std::vector<LabelledFile> files_;
};

}  // namespace

std::shared_ptr<const Source> image_folder_source(const fs::path& root,
                                                  const ImageFolderOptions& options) {
  return std::make_shared<ImageFolderSource>(root, options);
}

Dataset image_folder(const fs::path& root, const ImageFolderOptions& options) {
  return Dataset::from(image_folder_source(root, options));
}

}  // namespace brisk
