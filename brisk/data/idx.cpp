#include "brisk/data/idx.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <future>
#include <optional>

#include "brisk/base/file.h"
#include "brisk/base/shape.h"
#include "brisk/formats/gzip/inflate.h"

namespace brisk {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kMaxAxes = 8;
constexpr int64_t kMaxHeaderBytes = 4 + 4 * kMaxAxes;

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::optional<DType> element_type(std::byte code) {
  switch (std::to_integer<int>(code)) {
    case 0x08:
      return DType::u8;
    case 0x09:
      return DType::i8;
    case 0x0B:
      return DType::i16;
    case 0x0C:
      return DType::i32;
    case 0x0D:
      return DType::f32;
    case 0x0E:
      return DType::f64;
    default:
      return std::nullopt;
  }
}

Result<IdxHeader> parse_plain_header(std::span<const std::byte> bytes) {
  if (bytes.size() < 4) return fail("it has {} bytes, too few for an IDX header", bytes.size());
  const std::optional<DType> dtype = element_type(bytes[2]);
  if (bytes[0] != std::byte{0} || bytes[1] != std::byte{0} || !dtype) {
    return fail("it does not begin as an IDX file does (bytes {:02x} {:02x} {:02x})",
                std::to_integer<int>(bytes[0]), std::to_integer<int>(bytes[1]),
                std::to_integer<int>(bytes[2]));
  }
  const auto axes = std::to_integer<int64_t>(bytes[3]);
  if (axes < 1 || axes > kMaxAxes) return fail("its header names {} axes", axes);
  IdxHeader header{.dtype = *dtype, .sizes = {}};
  if (static_cast<int64_t>(bytes.size()) < 4 + 4 * axes) return fail("its header ends early");
  int64_t elements = 1;
  for (int64_t axis = 0; axis < axes; ++axis) {
    int64_t size = 0;
    for (int64_t i = 0; i < 4; ++i) {
      size = size << 8 | std::to_integer<int64_t>(bytes[static_cast<size_t>(4 + 4 * axis + i)]);
    }
    header.sizes.push_back(size);
    // A size of zero makes no other size sensible that could not be multiplied.
    if (__builtin_mul_overflow(elements, std::max<int64_t>(1, size), &elements) ||
        elements > (int64_t{1} << 50)) {
      return fail("its header names {} axes of impossible sizes", axes);
    }
  }
  return header;
}

/// From big-endian to the processor's order, in place.
void swap_bytes(Tensor& tensor) {
  const int64_t size = byte_size(tensor.dtype());
  if (size == 1 || std::endian::native == std::endian::big) return;
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    std::reverse(tensor.bytes() + i * size, tensor.bytes() + (i + 1) * size);
  }
}

Result<Tensor> parse_gzip(std::span<const std::byte> contents, const IdxHeader& header) {
  const int64_t bytes = byte_size(header.dtype, checked_product(header.sizes));
  if (bytes / kMaxGzipExpansion > static_cast<int64_t>(contents.size())) {
    return fail("its header promises {} bytes, more than {} compressed ones can hold", bytes,
                contents.size());
  }
  GzipReader reader(contents);
  std::array<std::byte, kMaxHeaderBytes> skipped;
  if (const auto read = reader.read(std::span(skipped).first(header.num_bytes())); !read) {
    return read.failure();
  }
  Tensor tensor(header.dtype, header.sizes);
  const auto read = reader.read({tensor.bytes(), static_cast<size_t>(bytes)});
  if (!read) return read.failure();
  if (*read < bytes) {
    return fail("it has {} bytes behind its header, which promises {}", *read, bytes);
  }
  const auto more = reader.read(std::span(skipped).first(1));
  if (!more) return more.failure();
  if (*more > 0) return fail("it has more than the {} bytes that its header promises", bytes);
  return tensor;
}

/// The file's parse, with the path in every reason.
template <typename T>
T parsed(Result<T> result, const fs::path& path) {
  require(result.ok(), "cannot read IDX file '{}': {}", path.string(),
          result.ok() ? std::string() : result.error());
  return std::move(result).value();
}

class IdxSource final : public Source {
 public:
  IdxSource(const fs::path& images, const fs::path& labels, std::vector<std::string> class_names)
      : class_names_(std::move(class_names)) {
    auto contents = std::make_shared<const std::string>(read_file(images).value());
    const IdxHeader header = parsed(parse_idx_header(as_bytes(*contents)), images);
    require(header.sizes.size() == 3 || header.sizes.size() == 4,
            "'{}' has {} axes; images have three or four: [count, height, width(, channels)]",
            images.string(), header.sizes.size());
    size_ = header.sizes[0];
    image_sizes_.assign(header.sizes.begin() + 1, header.sizes.end());
    if (image_sizes_.size() == 2) image_sizes_.push_back(1);
    dtype_ = header.dtype;
    image_bytes_ = byte_size(dtype_, checked_product(image_sizes_));
    // Uncompressing takes longer than everything else at the start: let it overlap.
    images_ = std::async(std::launch::async, [contents = std::move(contents), images] {
                return parsed(parse_idx(as_bytes(*contents)), images);
              }).share();

    const std::string label_contents = read_file(labels).value();
    const Tensor array = parsed(parse_idx(as_bytes(label_contents)), labels);
    require(array.rank() == 1 && is_integer(array.dtype()),
            "'{}' holds {}; labels are integers [count]", labels.string(), array.describe());
    require(array.num_elements() == size_, "'{}' has {} images, but '{}' has {} labels",
            images.string(), size_, labels.string(), array.num_elements());
    labels_ = array.cast(DType::i32);
  }

  int64_t size() const override { return size_; }

  Example at(int64_t index) const override {
    Tensor image(dtype_, image_sizes_);
    std::memcpy(image.bytes(), image_bytes(index), static_cast<size_t>(image_bytes_));
    return {std::move(image), Tensor::scalar(DType::i32, labels_.get(index))};
  }

  std::vector<ComponentSpec> components() const override {
    return {{"image", dtype_, image_sizes_}, {"label", DType::i32, {}}};
  }

  std::vector<std::string> class_names() const override { return class_names_; }

  bool view(int64_t index, std::span<const std::byte*> components) const override {
    components[0] = image_bytes(index);
    components[1] = labels_.bytes() + index * byte_size(DType::i32);
    return true;
  }

 private:
  const std::byte* image_bytes(int64_t index) const {
    return images_.get().bytes() + index * image_bytes_;  // waits, or throws what went wrong
  }

  std::vector<std::string> class_names_;
  int64_t size_ = 0;
  DType dtype_ = DType::u8;
  std::vector<int64_t> image_sizes_;
  int64_t image_bytes_ = 0;
  Tensor labels_;
  std::shared_future<Tensor> images_;
};

/// `directory`/`split`-`kind`-idxN-ubyte under one of the names it is distributed as.
fs::path find_idx_file(const fs::path& directory, const std::string& split,
                       const std::string& kind) {
  for (const char* separator : {"-", "."}) {
    for (const char* suffix : {"", ".gz"}) {
      const fs::path path = directory / fmt::format("{}-{}{}{}-ubyte{}", split, kind, separator,
                                                    kind == "images" ? "idx3" : "idx1", suffix);
      if (fs::exists(path)) return path;
    }
  }
  refuse("there is no {}-{}-{}-ubyte, with or without .gz, in '{}'", split, kind,
         kind == "images" ? "idx3" : "idx1", directory.string());
}

}  // namespace

Result<IdxHeader> parse_idx_header(std::span<const std::byte> contents) {
  if (!is_gzip(contents)) return parse_plain_header(contents);
  std::array<std::byte, kMaxHeaderBytes> start;
  const auto read = GzipReader(contents).read(start);
  if (!read) return read.failure();
  return parse_plain_header(std::span(start).first(static_cast<size_t>(*read)));
}

Result<Tensor> parse_idx(std::span<const std::byte> contents) {
  const Result<IdxHeader> header = parse_idx_header(contents);
  if (!header) return header.failure();
  if (is_gzip(contents)) {
    Result<Tensor> tensor = parse_gzip(contents, *header);
    if (tensor) swap_bytes(*tensor);
    return tensor;
  }
  const int64_t bytes = byte_size(header->dtype, checked_product(header->sizes));
  const int64_t there = static_cast<int64_t>(contents.size()) - header->num_bytes();
  if (there != bytes) {
    return fail("it has {} bytes behind its header, which promises {}", there, bytes);
  }
  Tensor tensor(header->dtype, header->sizes);
  std::memcpy(tensor.bytes(), contents.data() + header->num_bytes(), static_cast<size_t>(bytes));
  swap_bytes(tensor);
  return tensor;
}

std::shared_ptr<const Source> idx_source(const fs::path& images, const fs::path& labels,
                                         std::vector<std::string> class_names) {
  return std::make_shared<IdxSource>(images, labels, std::move(class_names));
}

Dataset idx_images(const fs::path& directory, const std::string& split,
                   std::vector<std::string> class_names) {
  require(split == "train" || split == "test",
          "an IDX data set has the splits train and test, not {}", split);
  const std::string prefix = split == "test" ? "t10k" : split;
  const fs::path images = find_idx_file(directory, prefix, "images");
  const fs::path labels = find_idx_file(directory, prefix, "labels");
  return Dataset::from(idx_source(images, labels, std::move(class_names)));
}

}  // namespace brisk
