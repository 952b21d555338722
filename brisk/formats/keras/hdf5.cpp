// HDF5's C interface counts handles; `Handle` closes them. Its own error printing is switched off
// once a thread, and what it says is read from its stack for the message.
//
// A path is walked link by link, and every link must be a hard one: a soft link could name anything
// and an external link another file.

#include "brisk/formats/keras/hdf5.h"

#include <hdf5.h>

#include <algorithm>
#include <mutex>

namespace brisk {
namespace {

/// HDF5 as packaged is not thread-safe: one caller at a time.
std::unique_lock<std::mutex> library() {
  static std::mutex mutex;
  std::unique_lock lock(mutex);
  static const bool quiet = H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) >= 0;
  (void)quiet;
  return lock;
}

class Handle {
 public:
  Handle() = default;
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  operator hid_t() const { return id_; }
  bool ok() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

constexpr int64_t kMaxElements = int64_t{1} << 34;
constexpr int64_t kMaxInflation = 1000;  ///< of stored bytes, beyond
constexpr int64_t kAlwaysAllowed = int64_t{1} << 20;
constexpr size_t kMaxTexts = 1 << 20;
constexpr size_t kMaxText = size_t{64} << 20;
constexpr size_t kMaxDepth = 64;

std::vector<std::string> parts(const std::string& path) {
  std::vector<std::string> result;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t end = std::min(path.find('/', start), path.size());
    if (end > start) result.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return result;
}

/// A name for a file in memory. HDF5 takes two open files of one name for the same file.
std::string memory_name(const void* owner) {
  return fmt::format("memory {}", owner);
}

/// The native type of a tensor's elements; -1 where HDF5 has none.
hid_t native_type(DType type) {
  switch (type) {
    case DType::f64:
      return H5T_NATIVE_DOUBLE;
    case DType::f32:
      return H5T_NATIVE_FLOAT;
    case DType::i64:
      return H5T_NATIVE_INT64;
    case DType::i32:
      return H5T_NATIVE_INT32;
    case DType::i16:
      return H5T_NATIVE_INT16;
    case DType::i8:
      return H5T_NATIVE_INT8;
    case DType::u64:
      return H5T_NATIVE_UINT64;
    case DType::u32:
      return H5T_NATIVE_UINT32;
    case DType::u16:
      return H5T_NATIVE_UINT16;
    case DType::u8:
      return H5T_NATIVE_UINT8;
    default:
      return -1;
  }
}

std::optional<DType> element_type(hid_t type) {
  const size_t size = H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return size == 8   ? DType::f64
             : size <= 4 ? std::optional(DType::f32)
                         : std::nullopt;  // f16 widens
    case H5T_INTEGER: {
      const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
      if (size == 1) return is_signed ? DType::i8 : DType::u8;
      if (size == 2) return is_signed ? DType::i16 : DType::u16;
      if (size == 4) return is_signed ? DType::i32 : DType::u32;
      if (size == 8) return is_signed ? DType::i64 : DType::u64;
      return std::nullopt;
    }
    case H5T_ENUM:
      return size == 1 ? std::optional(DType::boolean) : std::nullopt;  // h5py's bool
    case H5T_OPAQUE:
      return size == 2 ? std::optional(DType::bf16) : std::nullopt;
    default:
      return std::nullopt;
  }
}

std::string trimmed(const char* text, size_t size) {
  size_t length = 0;
  while (length < size && text[length] != '\0') ++length;
  return std::string(text, length);
}

herr_t append_name(hid_t, const char* name, const H5L_info_t*, void* names) {
  auto& list = *static_cast<std::vector<std::string>*>(names);
  if (list.size() >= kMaxTexts) return -1;
  list.emplace_back(name);
  return 0;
}

}  // namespace

struct Hdf5File::State {
  std::string what;
  std::shared_ptr<const std::string> bytes;
  int64_t file_size = 0;
  Handle file;

  /// The object at a path, by hard links alone; not ok where there is none.
  Handle object(const std::string& path) const {
    Handle at(H5Oopen(file, "/", H5P_DEFAULT), H5Oclose);
    const std::vector<std::string> names = parts(path);
    if (names.size() > kMaxDepth) return {};
    for (const std::string& name : names) {
      if (!at.ok() || H5Iget_type(at) != H5I_GROUP) return {};
      H5L_info_t link;
      if (H5Lexists(at, name.c_str(), H5P_DEFAULT) <= 0 ||
          H5Lget_info(at, name.c_str(), &link, H5P_DEFAULT) < 0)
        return {};
      if (link.type != H5L_TYPE_HARD) return {};
      at = Handle(H5Oopen(at, name.c_str(), H5P_DEFAULT), H5Oclose);
    }
    return at;
  }

  /// Names the first link on the path that leads elsewhere, for messages.
  std::string why_missing(const std::string& path) const {
    Handle at(H5Oopen(file, "/", H5P_DEFAULT), H5Oclose);
    for (const std::string& name : parts(path)) {
      H5L_info_t link;
      if (!at.ok() || H5Iget_type(at) != H5I_GROUP ||
          H5Lget_info(at, name.c_str(), &link, H5P_DEFAULT) < 0)
        break;
      if (link.type == H5L_TYPE_EXTERNAL)
        return fmt::format("'{}' is a link into another file, which is never followed", name);
      if (link.type != H5L_TYPE_HARD)
        return fmt::format("'{}' is a soft link, which is never followed", name);
      at = Handle(H5Oopen(at, name.c_str(), H5P_DEFAULT), H5Oclose);
    }
    return "there is none";
  }

  /// All texts of an attribute.
  Result<std::vector<std::string>> texts(hid_t attribute, const std::string& name) const {
    const Handle type(H5Aget_type(attribute), H5Tclose);
    const Handle space(H5Aget_space(attribute), H5Sclose);
    if (!type.ok() || !space.ok() || H5Tget_class(type) != H5T_STRING)
      return fail("{}: the attribute '{}' is no text", what, name);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count < 0 || static_cast<size_t>(count) > kMaxTexts)
      return fail("{}: the attribute '{}' has {} texts", what, name, count);
    std::vector<std::string> result;
    if (H5Tis_variable_str(type) > 0) {
      std::vector<char*> pointers(static_cast<size_t>(count), nullptr);
      Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
      H5Tset_size(memory, H5T_VARIABLE);
      H5Tset_cset(memory, H5Tget_cset(type));
      if (count > 0 && H5Aread(attribute, memory, pointers.data()) < 0)
        return fail("{}: the attribute '{}' cannot be read", what, name);
      for (const char* pointer : pointers) result.emplace_back(pointer == nullptr ? "" : pointer);
      if (count > 0) H5Dvlen_reclaim(memory, space, H5P_DEFAULT, pointers.data());
      return result;
    }
    const size_t size = H5Tget_size(type);
    if (size == 0 || size > kMaxText || size * static_cast<size_t>(count) > kMaxText)
      return fail("{}: the attribute '{}' of {} texts of {} bytes is too large", what, name, count,
                  size);
    std::string buffer(size * static_cast<size_t>(count), '\0');
    if (count > 0 && H5Aread(attribute, type, buffer.data()) < 0)
      return fail("{}: the attribute '{}' cannot be read", what, name);
    for (hssize_t i = 0; i < count; ++i)
      result.push_back(trimmed(buffer.data() + static_cast<size_t>(i) * size, size));
    return result;
  }
};

Hdf5File::Hdf5File(std::unique_ptr<State> state) : state_(std::move(state)) {}
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File& Hdf5File::operator=(Hdf5File&&) noexcept = default;
Hdf5File::~Hdf5File() {
  if (!state_) return;
  const auto lock = library();
  state_->file = Handle();
}

Result<Hdf5File> Hdf5File::open(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return fail("{}: {}", path.string(), error.message());
  const auto lock = library();
  auto state = std::make_unique<State>();
  state->what = path.string();
  state->file_size = static_cast<int64_t>(size);
  state->file = Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  if (!state->file.ok()) return fail("{} is no HDF5 file, or a damaged one", path.string());
  return Hdf5File(std::move(state));
}

Result<Hdf5File> Hdf5File::open(std::shared_ptr<const std::string> bytes, std::string what) {
  const auto lock = library();
  auto state = std::make_unique<State>();
  state->what = std::move(what);
  state->bytes = std::move(bytes);
  state->file_size = std::ssize(*state->bytes);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  // The core driver with an image: HDF5 copies the bytes and never touches the disk.
  if (H5Pset_fapl_core(access, 1 << 20, 0) < 0 ||
      H5Pset_file_image(access, const_cast<char*>(state->bytes->data()), state->bytes->size()) < 0)
    return fail("{}: HDF5 cannot take the file into memory", state->what);
  state->file = Handle(H5Fopen(memory_name(state.get()).c_str(), H5F_ACC_RDONLY, access), H5Fclose);
  if (!state->file.ok()) return fail("{} is no HDF5 file, or a damaged one", state->what);
  return Hdf5File(std::move(state));
}

bool Hdf5File::has_group(const std::string& path) const {
  const auto lock = library();
  const Handle object = state_->object(path);
  return object.ok() && H5Iget_type(object) == H5I_GROUP;
}

bool Hdf5File::has_dataset(const std::string& path) const {
  const auto lock = library();
  const Handle object = state_->object(path);
  return object.ok() && H5Iget_type(object) == H5I_DATASET;
}

Result<std::vector<std::string>> Hdf5File::names(const std::string& group) const {
  const auto lock = library();
  const Handle object = state_->object(group);
  if (!object.ok() || H5Iget_type(object) != H5I_GROUP)
    return fail("{}: the group '{}' is missing: {}", state_->what, group,
                state_->why_missing(group));
  std::vector<std::string> names;
  hsize_t at = 0;
  if (H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, &at, append_name, &names) < 0)
    return fail("{}: the group '{}' cannot be listed", state_->what, group);
  return names;
}

Result<Tensor> Hdf5File::dataset(const std::string& path) const {
  const auto lock = library();
  const std::string& what = state_->what;
  const Handle object = state_->object(path);
  if (!object.ok() || H5Iget_type(object) != H5I_DATASET)
    return fail("{}: the dataset '{}' is missing: {}", what, path, state_->why_missing(path));
  const Handle type(H5Dget_type(object), H5Tclose), space(H5Dget_space(object), H5Sclose);
  const Handle creation(H5Dget_create_plist(object), H5Pclose);
  if (!type.ok() || !space.ok() || !creation.ok())
    return fail("{}: the dataset '{}' cannot be read", what, path);
  if (H5Pget_external_count(creation) != 0)
    return fail("{}: the dataset '{}' lies in another file, which is never opened", what, path);
  if (H5Pget_layout(creation) == H5D_VIRTUAL)
    return fail("{}: the dataset '{}' is virtual, which is never followed", what, path);
  const std::optional<DType> element = element_type(type);
  if (!element) return fail("{}: the dataset '{}' holds elements that are no numbers", what, path);
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > 16) return fail("{}: the dataset '{}' has {} axes", what, path, rank);
  std::vector<hsize_t> extents(static_cast<size_t>(rank));
  if (rank > 0) H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  std::vector<int64_t> sizes;
  int64_t elements = 1;
  for (const hsize_t extent : extents) {
    if (extent > static_cast<hsize_t>(kMaxElements) ||
        (extent > 0 && elements > kMaxElements / static_cast<int64_t>(extent)))
      return fail("{}: the dataset '{}' has more than {} elements", what, path, kMaxElements);
    sizes.push_back(static_cast<int64_t>(extent));
    elements *= static_cast<int64_t>(extent);
  }
  const int64_t bytes = byte_size(*element, elements);
  const auto stored = static_cast<int64_t>(
      std::min<hsize_t>(H5Dget_storage_size(object), static_cast<hsize_t>(state_->file_size)));
  if (bytes > kAlwaysAllowed && bytes / kMaxInflation > stored)
    return fail("{}: the dataset '{}' claims {} bytes, but only {} are stored", what, path, bytes,
                stored);
  Tensor tensor(*element, sizes);
  if (elements == 0) return tensor;
  herr_t read = -1;
  if (*element == DType::bf16 || *element == DType::boolean)
    read = H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.bytes());
  else
    read = H5Dread(object, native_type(*element), H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.bytes());
  if (read < 0) return fail("{}: the dataset '{}' is damaged or cut short", what, path);
  return tensor;
}

Result<std::optional<std::vector<std::string>>> Hdf5File::texts_attribute(
    const std::string& path, const std::string& name) const {
  using Texts = std::optional<std::vector<std::string>>;
  const auto lock = library();
  const Handle object = state_->object(path);
  if (!object.ok())
    return fail("{}: '{}' is missing: {}", state_->what, path, state_->why_missing(path));
  const auto read = [&](const std::string& attribute_name) -> Result<Texts> {
    if (H5Aexists(object, attribute_name.c_str()) <= 0) return Texts();
    const Handle attribute(H5Aopen(object, attribute_name.c_str(), H5P_DEFAULT), H5Aclose);
    if (!attribute.ok())
      return fail("{}: the attribute '{}' cannot be read", state_->what, attribute_name);
    Result<std::vector<std::string>> texts = state_->texts(attribute, attribute_name);
    if (!texts) return texts.failure();
    return Texts(std::move(*texts));
  };
  Result<Texts> whole = read(name);
  if (!whole || whole->has_value()) return whole;
  std::vector<std::string> joined;
  for (int piece = 0;; ++piece) {
    Result<Texts> texts = read(fmt::format("{}{}", name, piece));
    if (!texts) return texts.failure();
    if (!texts->has_value()) return piece == 0 ? Texts() : Texts(std::move(joined));
    joined.insert(joined.end(), (*texts)->begin(), (*texts)->end());
    if (joined.size() > kMaxTexts)
      return fail("{}: the attribute '{}' has too many texts", state_->what, name);
  }
}

Result<std::optional<std::string>> Hdf5File::text_attribute(const std::string& path,
                                                            const std::string& name) const {
  Result<std::optional<std::vector<std::string>>> texts = texts_attribute(path, name);
  if (!texts) return texts.failure();
  if (!texts->has_value()) return std::optional<std::string>();
  if ((*texts)->size() != 1)
    return fail("{}: the attribute '{}' holds {} texts, not one", state_->what, name,
                (*texts)->size());
  return std::optional<std::string>((**texts)[0]);
}

struct Hdf5Writer::State {
  Handle file;
  std::string failure;
};

Hdf5Writer::Hdf5Writer() : state_(std::make_unique<State>()) {
  const auto lock = library();
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access, 1 << 20, 0);
  state_->file = Handle(
      H5Fcreate(memory_name(state_.get()).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access), H5Fclose);
}
Hdf5Writer::~Hdf5Writer() {
  const auto lock = library();
  state_->file = Handle();
}

Status Hdf5Writer::add_group(const std::string& path) {
  const auto lock = library();
  std::string at;
  for (const std::string& part : parts(path)) {
    at += "/" + part;
    if (H5Lexists(state_->file, at.c_str(), H5P_DEFAULT) > 0) continue;
    const Handle group(H5Gcreate2(state_->file, at.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                       H5Gclose);
    if (!group.ok()) return fail("HDF5 cannot make the group '{}'", at);
  }
  return Success{};
}

Status Hdf5Writer::add_dataset(const std::string& path, const Tensor& tensor) {
  const size_t slash = path.rfind('/');
  if (slash != std::string::npos)
    if (Status s = add_group(path.substr(0, slash)); !s) return s;
  const auto lock = library();
  const hid_t native = native_type(tensor.dtype());
  if (native < 0) return fail("HDF5 has no type for {} of '{}'", name(tensor.dtype()), path);
  const std::vector<hsize_t> sizes(tensor.sizes().begin(), tensor.sizes().end());
  const Handle space(sizes.empty()
                         ? H5Screate(H5S_SCALAR)
                         : H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr),
                     H5Sclose);
  const Handle dataset(
      H5Dcreate2(state_->file, path.c_str(), native, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      H5Dclose);
  if (!space.ok() || !dataset.ok() ||
      H5Dwrite(dataset, native, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.bytes()) < 0)
    return fail("HDF5 cannot write the dataset '{}' of {}", path, tensor.describe());
  return Success{};
}

Status Hdf5Writer::add_attribute(const std::string& path, const std::string& attribute_name,
                                 const std::string& text) {
  const auto lock = library();
  const Handle object(H5Oopen(state_->file, path.empty() ? "/" : path.c_str(), H5P_DEFAULT),
                      H5Oclose);
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose), space(H5Screate(H5S_SCALAR), H5Sclose);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const Handle attribute(
      H5Acreate2(object, attribute_name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  const char* pointer = text.c_str();
  if (!object.ok() || !attribute.ok() || H5Awrite(attribute, type, &pointer) < 0)
    return fail("HDF5 cannot write the attribute '{}' of '{}'", attribute_name, path);
  return Success{};
}

Result<std::string> Hdf5Writer::finish() {
  const auto lock = library();
  if (H5Fflush(state_->file, H5F_SCOPE_GLOBAL) < 0) return fail("HDF5 cannot finish the file");
  const ssize_t size = H5Fget_file_image(state_->file, nullptr, 0);
  if (size < 0) return fail("HDF5 cannot tell the file's size");
  std::string bytes(static_cast<size_t>(size), '\0');
  if (H5Fget_file_image(state_->file, bytes.data(), bytes.size()) < 0)
    return fail("HDF5 cannot copy the file");
  return bytes;
}

}  // namespace brisk
