#include "brisk/formats/keras/zip.h"

#include <zip.h>

#include <algorithm>

#include "brisk/base/file.h"

namespace brisk {
namespace {

constexpr int64_t kMaxMembers = 100'000;
constexpr int64_t kMaxInflation = 1100;  ///< deflate cannot do more than about 1032 : 1
constexpr int64_t kAlwaysAllowed = int64_t{1} << 20;

bool leads_out(std::string_view name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string_view::npos ||
      name.find('\0') != std::string_view::npos)
    return true;
  for (size_t start = 0; start <= name.size();) {
    const size_t end = std::min(name.find('/', start), name.size());
    if (name.substr(start, end - start) == "..") return true;
    start = end + 1;
  }
  return false;
}

}  // namespace

struct ZipFile::State {
  std::string what;
  zip_t* archive = nullptr;
  uint64_t bytes = 0;  ///< of the whole archive
  ~State() {
    if (archive != nullptr) zip_discard(archive);
  }
};

ZipFile::ZipFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
ZipFile::ZipFile(ZipFile&&) noexcept = default;
ZipFile& ZipFile::operator=(ZipFile&&) noexcept = default;
ZipFile::~ZipFile() = default;

Result<ZipFile> ZipFile::checked(std::unique_ptr<State> state) {
  ZipFile file(std::move(state));
  const int64_t count = zip_get_num_entries(file.state_->archive, 0);
  if (count > kMaxMembers)
    return fail("{} has {} members, over {}", file.state_->what, count, kMaxMembers);
  const std::string& what = file.state_->what;
  const std::vector<std::string> names = file.names();
  for (size_t i = 0; i < names.size(); ++i) {
    if (leads_out(names[i]))
      return fail("{} has a member '{}', whose name leads out of the archive", what, names[i]);
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_stat_index(file.state_->archive, i, 0, &stat) < 0 || !(stat.valid & ZIP_STAT_SIZE) ||
        !(stat.valid & ZIP_STAT_COMP_SIZE))
      return fail("{}: the member '{}' is damaged", what, names[i]);
    if (stat.comp_size > file.state_->bytes)
      return fail("{}: the member '{}' claims {} stored bytes, but the archive has {}", what,
                  names[i], stat.comp_size, file.state_->bytes);
    if (stat.size > static_cast<uint64_t>(kAlwaysAllowed) &&
        stat.size / kMaxInflation > stat.comp_size)
      return fail("{}: the member '{}' claims {} bytes of {} stored ones", what, names[i],
                  stat.size, stat.comp_size);
  }
  return file;
}

Result<ZipFile> ZipFile::open(const std::filesystem::path& path) {
  auto state = std::make_unique<State>();
  state->what = path.string();
  std::error_code unknown;
  state->bytes = std::filesystem::file_size(path, unknown);
  int code = 0;
  state->archive = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (state->archive != nullptr) return checked(std::move(state));
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  return fail("{} cannot be opened as a zip archive: {}", path.string(), reason);
}

Result<ZipFile> ZipFile::open(std::string_view bytes, std::string what) {
  auto state = std::make_unique<State>();
  state->what = std::move(what);
  state->bytes = bytes.size();
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source != nullptr) state->archive = zip_open_from_source(source, ZIP_RDONLY, &error);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (state->archive != nullptr) return checked(std::move(state));
  if (source != nullptr) zip_source_free(source);
  return fail("{} cannot be opened as a zip archive: {}", state->what, reason);
}

std::vector<std::string> ZipFile::names() const {
  std::vector<std::string> names;
  const int64_t count = zip_get_num_entries(state_->archive, 0);
  for (int64_t i = 0; i < count; ++i) {
    const char* name = zip_get_name(state_->archive, static_cast<uint64_t>(i), ZIP_FL_ENC_RAW);
    names.emplace_back(name == nullptr ? "" : name);
  }
  return names;
}

bool ZipFile::has(const std::string& name) const {
  return zip_name_locate(state_->archive, name.c_str(), 0) >= 0;
}

Result<std::string> ZipFile::read(const std::string& name, int64_t limit) const {
  const std::string& what = state_->what;
  const zip_int64_t index = zip_name_locate(state_->archive, name.c_str(), 0);
  if (index < 0) return fail("{} has no member '{}'", what, name);
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(state_->archive, static_cast<uint64_t>(index), 0, &stat) < 0)
    return fail("{}: the member '{}' is damaged", what, name);
  if (stat.size > static_cast<uint64_t>(limit))
    return fail("{}: the member '{}' has {} bytes, over {}", what, name, stat.size, limit);
  zip_file_t* member = zip_fopen_index(state_->archive, static_cast<uint64_t>(index), 0);
  if (member == nullptr)
    return fail("{}: the member '{}' cannot be read: {}", what, name,
                zip_strerror(state_->archive));
  // Grown with what arrives, so that a claimed size alone takes no memory.
  std::string contents;
  int64_t got = 0;
  constexpr size_t kPiece = size_t{4} << 20;
  do {
    const size_t before = contents.size();
    contents.resize(before + std::min<size_t>(kPiece, static_cast<size_t>(stat.size) - before));
    got = contents.size() == before
              ? 0
              : zip_fread(member, contents.data() + before, contents.size() - before);
    contents.resize(before + static_cast<size_t>(std::max<int64_t>(got, 0)));
  } while (got > 0 && contents.size() < stat.size);
  // The read behind the last byte verifies the checksum.
  char end = 0;
  if (got >= 0) got = zip_fread(member, &end, 1);
  const int close_error = zip_fclose(member);
  if (got > 0)
    return fail("{}: the member '{}' holds more than the {} bytes that it claims", what, name,
                stat.size);
  if (got < 0 || close_error != 0 || contents.size() != stat.size)
    return fail("{}: the member '{}' is damaged or cut short ({} of {} bytes)", what, name,
                contents.size(), stat.size);
  return contents;
}

Status write_zip(const std::filesystem::path& path, std::span<const ZipMember> members) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* buffer = zip_source_buffer_create(nullptr, 0, 0, &error);
  zip_t* archive =
      buffer == nullptr ? nullptr : zip_open_from_source(buffer, ZIP_TRUNCATE | ZIP_CREATE, &error);
  if (archive == nullptr) {
    const Failure failure =
        fail("{} cannot be written: {}", path.string(), zip_error_strerror(&error));
    zip_error_fini(&error);
    return failure;
  }
  zip_error_fini(&error);
  zip_source_keep(buffer);
  for (const ZipMember& member : members) {
    zip_source_t* source =
        zip_source_buffer(archive, member.contents.data(), member.contents.size(), 0);
    const zip_int64_t index =
        source == nullptr ? -1
                          : zip_file_add(archive, member.name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0 ||
        zip_set_file_compression(archive, static_cast<uint64_t>(index), ZIP_CM_STORE, 0) < 0) {
      const Failure failure = fail("{}: the member '{}' cannot be written: {}", path.string(),
                                   member.name, zip_strerror(archive));
      zip_discard(archive);
      zip_source_free(buffer);
      return failure;
    }
  }
  if (zip_close(archive) < 0) {
    const Failure failure = fail("{} cannot be written: {}", path.string(), zip_strerror(archive));
    zip_discard(archive);
    zip_source_free(buffer);
    return failure;
  }
  std::string bytes;
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_source_open(buffer) == 0 && zip_source_stat(buffer, &stat) == 0) {
    bytes.resize(stat.size);
    const zip_int64_t got = zip_source_read(buffer, bytes.data(), bytes.size());
    bytes.resize(static_cast<size_t>(std::max<zip_int64_t>(got, 0)));
    zip_source_close(buffer);
  }
  zip_source_free(buffer);
  if (bytes.empty()) return fail("{} cannot be written: the archive came out empty", path.string());
  return write_file_atomically(path, bytes);
}

}  // namespace brisk
