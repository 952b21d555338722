#include "brisk/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

// A write that is never seen half done takes four steps, and each is needed: the bytes under
// another name (a reader of the old name never sees a mixture), fsync of the file (else the rename
// may reach the disk before the bytes), rename (atomic), fsync of the directory (else the name may
// be lost with the power). The temporary name stands beside the target, so that the rename stays
// on one file system.

namespace brisk {
namespace fs = std::filesystem;

namespace {

/// The message of a failed system call; reads errno, so it comes first after the call.
Failure system_failure(std::string_view action, const fs::path& path) {
  const int reason = errno;
  return fail("cannot {} '{}': {}", action, path.string(), std::strerror(reason));
}

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  bool valid() const { return number_ >= 0; }

 private:
  int number_;
};

/// Removes a temporary file or directory unless `keep` is called.
class Temporary {
 public:
  explicit Temporary(fs::path path) : path_(std::move(path)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    std::error_code ignored;  // the failure that brought us here is the one to report
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  fs::path path_;
};

/// The folder a name stands in: "." for a bare name.
fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// A path without a trailing separator, so that it has a file name.
fs::path without_trailing_separator(const fs::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

/// Creates something under a name beside `path` that nobody uses: `create` returns false with
/// errno EEXIST while the name is taken.
template <typename Create>
Result<fs::path> create_beside(const fs::path& path, const Create& create) {
  for (int attempt = 0;; ++attempt) {
    fs::path name = folder_of(path) /
                    fmt::format(".{}.tmp-{}-{}", path.filename().string(), ::getpid(), attempt);
    if (create(name)) return name;
    if (errno != EEXIST) return system_failure("create", name);
  }
}

Result<struct stat> status_of(int descriptor, const fs::path& path) {
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) return system_failure("inspect", path);
  if (S_ISDIR(status.st_mode)) return fail("'{}' is a directory, not a file", path.string());
  return status;
}

Status sync_file(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return system_failure("open", path);
  if (::fsync(file.number()) != 0) return system_failure("sync", path);
  return Success{};
}

/// Syncs every file and directory under `directory`, itself last.
Status sync_tree(const fs::path& directory) {
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->is_symlink()) continue;  // a link is a name: synced with its directory
    Status status = entry->is_directory() ? sync_tree(entry->path()) : sync_file(entry->path());
    if (!status) return status;
  }
  if (error) return fail("cannot list '{}': {}", directory.string(), error.message());
  return sync_directory(directory);
}

/// Puts `fresh` in the place of the existing directory `path`, which gets the name `fresh`.
Status exchange(const fs::path& fresh, const fs::path& path) {
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0)
    return Success{};
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
    return system_failure("replace", path);
  // A file system without exchange (NFS among them): the old directory steps aside for a moment.
  const fs::path aside = fresh.string() + ".old";
  if (::rename(path.c_str(), aside.c_str()) != 0) return system_failure("set aside", path);
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    Failure failure = system_failure("replace", path);
    ::rename(aside.c_str(), path.c_str());
    return failure;
  }
  if (::rename(aside.c_str(), fresh.c_str()) != 0) return system_failure("rename", aside);
  return Success{};
}

}  // namespace

Result<std::string> read_file(const fs::path& path, int64_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return system_failure("open", path);
  Result<struct stat> status = status_of(file.number(), path);
  if (!status) return status.failure();
  // The size is a hint only: files of /proc report 0, and a file may grow while it is read.
  const int64_t expected = status->st_size;
  if (expected > limit) {
    return fail("'{}' has {} bytes, more than the limit of {}", path.string(), expected, limit);
  }
  std::string contents;
  size_t filled = 0;
  for (;;) {
    if (filled == contents.size()) {
      contents.resize(filled == 0 ? static_cast<size_t>(expected) + 1 : filled + filled / 2 + 4096);
    }
    const ssize_t count = ::read(file.number(), contents.data() + filled, contents.size() - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure("read", path);
    if (count == 0) break;
    filled += static_cast<size_t>(count);
    if (static_cast<int64_t>(filled) > limit) {
      return fail("'{}' has more bytes than the limit of {}", path.string(), limit);
    }
  }
  contents.resize(filled);
  return contents;
}

Result<MappedFile> map_file(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return system_failure("open", path);
  Result<struct stat> status = status_of(file.number(), path);
  if (!status) return status.failure();
  const auto size = static_cast<size_t>(status->st_size);
  if (size == 0) return MappedFile{std::make_shared<std::byte[]>(1), 0};  // mmap refuses 0 bytes
  // Private and writable: a tensor over these bytes may be written to without touching the file.
  void* address =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.number(), 0);
  if (address == MAP_FAILED) return system_failure("map", path);
  std::shared_ptr<const std::byte[]> bytes(
      static_cast<const std::byte*>(address),
      [size](const std::byte* p) { ::munmap(const_cast<std::byte*>(p), size); });
  return MappedFile{std::move(bytes), static_cast<int64_t>(size)};
}

FileWriter::FileWriter(int descriptor, fs::path path)
    : descriptor_(descriptor), path_(std::move(path)) {}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

FileWriter& FileWriter::operator=(FileWriter&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

FileWriter::~FileWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<FileWriter> FileWriter::create(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) return system_failure("create", path);
  return FileWriter(descriptor, path);
}

Status FileWriter::write(std::string_view bytes) {
  invariant(descriptor_ >= 0, "write to '{}' after it was finished", path_.string());
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure("write", path_);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return Success{};
}

Status FileWriter::finish() {
  invariant(descriptor_ >= 0, "'{}' was finished twice", path_.string());
  const int descriptor = std::exchange(descriptor_, -1);
  if (::fsync(descriptor) != 0) {
    Failure failure = system_failure("sync", path_);
    ::close(descriptor);
    return failure;
  }
  // close reports what a network file system could not write.
  if (::close(descriptor) != 0) return system_failure("close", path_);
  return Success{};
}

Status write_file_atomically(const fs::path& path, std::string_view contents) {
  return write_file_atomically(path, [&](FileWriter& writer) { return writer.write(contents); });
}

Status write_file_atomically(const fs::path& path,
                             const std::function<Status(FileWriter&)>& fill) {
  Result<fs::path> name = create_beside(path, [](const fs::path& candidate) {
    const Descriptor file(::open(candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    return file.valid();
  });
  if (!name) return name.failure();
  Temporary temporary(*name);
  Result<FileWriter> writer = FileWriter::create(temporary.path());
  if (!writer) return writer.failure();
  if (Status status = fill(*writer); !status) return status;
  if (Status status = writer->finish(); !status) return status;
  if (::rename(temporary.path().c_str(), path.c_str()) != 0) return system_failure("replace", path);
  temporary.keep();
  return sync_directory(folder_of(path));
}

Status write_directory_atomically(const fs::path& target,
                                  const std::function<Status(const fs::path&)>& fill) {
  const fs::path path = without_trailing_separator(target);
  Result<fs::path> name = create_beside(
      path, [](const fs::path& candidate) { return ::mkdir(candidate.c_str(), 0777) == 0; });
  if (!name) return name.failure();
  Temporary temporary(*name);
  if (Status status = fill(temporary.path()); !status) return status;
  if (Status status = sync_tree(temporary.path()); !status) return status;

  struct stat existing = {};
  if (::lstat(path.c_str(), &existing) == 0) {
    if (!S_ISDIR(existing.st_mode))
      return fail("'{}' exists and is not a directory", path.string());
    if (Status status = exchange(temporary.path(), path); !status) return status;
    // From here on `temporary` names the old directory, and removes it.
  } else {
    if (errno != ENOENT) return system_failure("inspect", path);
    if (::rename(temporary.path().c_str(), path.c_str()) != 0)
      return system_failure("create", path);
    temporary.keep();
  }
  return sync_directory(folder_of(path));
}

Status sync_directory(const fs::path& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return system_failure("open the directory", path);
  // Some network and FUSE file systems have no sync of directories and say EINVAL.
  if (::fsync(directory.number()) != 0 && errno != EINVAL && errno != ENOTSUP)
    return system_failure("sync the directory", path);
  return Success{};
}

fs::path cache_directory() {
  const auto variable = [](const char* name) -> std::string_view {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (auto own = variable("BRISK_CACHE"); !own.empty()) return own;
  // The XDG specification: a relative path is invalid and to be ignored.
  if (fs::path shared = variable("XDG_CACHE_HOME"); shared.is_absolute()) return shared / "brisk";
  if (auto home = variable("HOME"); !home.empty()) return fs::path(home) / ".cache" / "brisk";
  return fs::temp_directory_path() / fmt::format("brisk-cache-{}", ::getuid());
}

}  // namespace brisk
