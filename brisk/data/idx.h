#pragma once

/// IDX files, the format of MNIST and its descendants (Fashion-MNIST, EMNIST, KMNIST), as they are
/// or compressed with gzip:
///
///     offset  size     contents (big-endian)
///     0       2        zero
///     2       1        element type: 08 u8, 09 i8, 0B i16, 0C i32, 0D f32, 0E f64
///     3       1        number of axes
///     4       4 each   sizes
///     ...              elements, row-major
///
/// Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "the IDX file format".

#include <filesystem>
#include <string>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/data/dataset.h"

namespace brisk {

struct IdxHeader {
  DType dtype = DType::u8;
  std::vector<int64_t> sizes;
  /// Bytes before the elements.
  int64_t num_bytes() const { return 4 + 4 * static_cast<int64_t>(sizes.size()); }
};

/// The header of an IDX file's contents, compressed or not. Fails when it is none.
Result<IdxHeader> parse_idx_header(std::span<const std::byte> contents);

/// The array in an IDX file's contents, compressed or not. Fails when it is corrupt, shorter or
/// longer than its header says.
Result<Tensor> parse_idx(std::span<const std::byte> contents);

/// Examples {image, label i32[]} from a file of images [count, height, width] or [count, height,
/// width, channels] and one of labels [count]. Images keep their element type and get a channel
/// axis where they have none. Throws UserError naming the file when it cannot be read or is
/// corrupt; damage behind the headers is noticed when the first example is asked for, because
/// uncompressing goes on in the background until then.
std::shared_ptr<const Source> idx_source(const std::filesystem::path& images,
                                         const std::filesystem::path& labels,
                                         std::vector<std::string> class_names = {});

/// The same by MNIST's file names in `directory`: `split` is "train" or "test"; for example
/// train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz, t10k-... for "test".
Dataset idx_images(const std::filesystem::path& directory, const std::string& split,
                   std::vector<std::string> class_names = {});

}  // namespace brisk
