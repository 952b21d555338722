#pragma once

/// Folders of images: root/<class>/**/*.jpg, *.jpeg, *.png, as
/// keras.utils.image_dataset_from_directory reads them.

#include <filesystem>
#include <string>
#include <vector>

#include "brisk/data/dataset.h"

namespace brisk {

struct ImageFolderOptions {
  /// Images are resized to this, bilinearly; both 0: they keep their own sizes (and have to be
  /// brought to one before `batch`, for example by random_resized_crop).
  int64_t height = 256;
  int64_t width = 256;
  int64_t channels = 3;    ///< 3: RGB, 1: luminance
  bool antialias = false;  ///< of the resizing; Keras's default
  /// Folder names in label order; empty: all folders, sorted. A folder not named is left out.
  std::vector<std::string> class_names;
  int64_t max_pixels = int64_t{1} << 26;  ///< of a file; one with more is refused
};

/// Examples {image u8[height, width, channels], label i32[]} in the order of class and path; names
/// are compared byte by byte, hidden folders and other files passed over. Throws UserError when
/// there is no image; a file that cannot be decoded is a UserError naming it when its example is
/// asked for.
std::shared_ptr<const Source> image_folder_source(const std::filesystem::path& root,
                                                  const ImageFolderOptions& options = {});

Dataset image_folder(const std::filesystem::path& root, const ImageFolderOptions& options = {});

}  // namespace brisk
