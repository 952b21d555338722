#include "brisk/formats/tfrecord/tfrecord.h"

#include <cstring>

namespace brisk {
namespace {

constexpr int64_t kHeaderBytes = 12;  // length and its CRC
constexpr int64_t kFooterBytes = 4;
constexpr size_t kGatherBytes = 256 * 1024;

uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

template <typename Word>
Word load(std::string_view bytes, int64_t offset) {
  Word word;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

template <typename Word>
void append_word(std::string& text, Word word) {
  for (size_t i = 0; i < sizeof word; ++i) text += static_cast<char>(word >> (8 * i));
}

void append_framed(std::string& text, std::string_view record) {
  const size_t start = text.size();
  append_word(text, static_cast<uint64_t>(record.size()));
  append_word(text, masked_crc32c(std::string_view(text).substr(start)));
  text += record;
  append_word(text, masked_crc32c(record));
}

/// What a file that starts like this probably is, for the message; "" when nothing is known.
std::string_view guess_compression(std::string_view bytes) {
  if (bytes.starts_with("\x1f\x8b")) return "; it looks like a gzip file, decompress it first";
  if (bytes.starts_with("\x78\x9c") || bytes.starts_with("\x78\x01") ||
      bytes.starts_with("\x78\xda"))
    return "; it looks zlib-compressed, decompress it first";
  return "";
}

}  // namespace

std::string frame_tfrecord(std::string_view record) {
  std::string text;
  append_framed(text, record);
  return text;
}

TfrecordFile::TfrecordFile(std::string_view bytes, std::shared_ptr<const void> owner,
                           std::string_view what)
    : bytes_(bytes), owner_(std::move(owner)), what_(what) {}

Result<TfrecordFile> TfrecordFile::over(std::string_view bytes, std::shared_ptr<const void> owner,
                                        std::string_view what) {
  TfrecordFile file(bytes, std::move(owner), what);
  if (Status status = file.find_records(); !status) return status.failure();
  return file;
}

Result<TfrecordFile> TfrecordFile::open(const std::filesystem::path& path) {
  Result<MappedFile> map = map_file(path);
  if (!map) return map.failure();
  const std::string_view bytes(reinterpret_cast<const char*>(map->bytes.get()),
                               static_cast<size_t>(map->size));
  return over(bytes, map->bytes, fmt::format("'{}'", path.string()));
}

Status TfrecordFile::find_records() {
  const auto total = static_cast<int64_t>(bytes_.size());
  for (int64_t offset = 0; offset < total;) {
    const auto refused = [&](std::string_view reason) {
      return fail("[tfrecord] {}: record {} at byte {} {}{}", what_, records_.size(), offset,
                  reason, records_.empty() ? guess_compression(bytes_) : "");
    };
    if (total - offset < kHeaderBytes) return refused("is cut off within its length");
    const auto length = load<uint64_t>(bytes_, offset);
    const auto length_bytes = bytes_.substr(static_cast<size_t>(offset), sizeof length);
    if (load<uint32_t>(bytes_, offset + 8) != masked_crc32c(length_bytes)) {
      return refused("is damaged: its length does not match the checksum");
    }
    const int64_t left = total - offset - kHeaderBytes - kFooterBytes;
    if (left < 0 || length > static_cast<uint64_t>(left))
      return refused("is cut off within its data");
    records_.push_back({offset + kHeaderBytes, static_cast<int64_t>(length)});
    offset += kHeaderBytes + static_cast<int64_t>(length) + kFooterBytes;
  }
  return Success{};
}

Result<std::string_view> TfrecordFile::record(int64_t index) const {
  require(index >= 0 && index < size(), "[tfrecord] {} has {} records, but record {} was asked for",
          what_, size(), index);
  const Place place = records_[static_cast<size_t>(index)];
  const std::string_view data =
      bytes_.substr(static_cast<size_t>(place.offset), static_cast<size_t>(place.size));
  if (load<uint32_t>(bytes_, place.offset + place.size) != masked_crc32c(data)) {
    return fail(
        "[tfrecord] {}: record {} at byte {} is damaged: its data does not match the checksum",
        what_, index, place.offset - kHeaderBytes);
  }
  return data;
}

Result<TfrecordWriter> TfrecordWriter::create(const std::filesystem::path& path) {
  Result<FileWriter> file = FileWriter::create(path);
  if (!file) return file.failure();
  return TfrecordWriter(std::move(*file));
}

TfrecordWriter::TfrecordWriter(TfrecordWriter&& other) noexcept
    : file_(std::exchange(other.file_, std::nullopt)),
      gathered_(std::move(other.gathered_)),
      failure_(std::move(other.failure_)) {}

TfrecordWriter& TfrecordWriter::operator=(TfrecordWriter&& other) noexcept {
  std::swap(file_, other.file_);  // what this one gathered is flushed when `other` ends
  std::swap(gathered_, other.gathered_);
  std::swap(failure_, other.failure_);
  return *this;
}

TfrecordWriter::~TfrecordWriter() {
  if (file_) (void)flush();
}

Status TfrecordWriter::write(std::string_view record) {
  invariant(file_.has_value(), "a record was written after finish");
  append_framed(gathered_, record);
  return gathered_.size() < kGatherBytes ? Status(Success{}) : flush();
}

Status TfrecordWriter::flush() {
  invariant(file_.has_value(), "flush was called after finish");
  if (failure_) return *failure_;
  if (Status status = file_->write(gathered_); !status) failure_ = status.failure();
  gathered_.clear();
  return failure_ ? Status(*failure_) : Status(Success{});
}

Status TfrecordWriter::finish() {
  Status status = flush();
  if (status) status = file_->finish();
  file_.reset();
  return status;
}

}  // namespace brisk
