// Two forms. Version 1 has no signature and aligns messages to 8 bytes; version 2 begins with
// "OHDR", its further blocks with "OCHK", and is packed. Further blocks are named by continuation
// messages of earlier ones.
//
// Why it ends: the blocks of a header may not be larger together than the file, and a block without
// bytes has no message that could name another one. Checksums of version 2 are not verified: what
// they would find is found by the checks of every single field, or is harmless.

#include "brisk/formats/hdf5/object_header.h"

#include <deque>

namespace brisk::hdf5 {
namespace {

constexpr const char* kHeader = "object header";
constexpr int kSharedFlag = 2;
constexpr int kCreationOrderFlag = 4;
constexpr int kAttributeLimitsFlag = 16;
constexpr int kTimesFlag = 32;

class Header {
 public:
  explicit Header(std::string_view file) : file_(file) {}

  Messages read(uint64_t address) {
    FileBytes bytes = FileBytes::at(file_, address, kHeader);
    if (file_.substr(address).starts_with("OHDR"))
      begin_version_2(bytes);
    else
      begin_version_1(bytes);
    while (!blocks_.empty()) {
      FileBytes block = blocks_.front();
      blocks_.pop_front();
      read_block(block);
    }
    return std::move(messages_);
  }

 private:
  void begin_version_1(FileBytes& bytes) {
    bytes.version(1, 1);
    bytes.skip(1 + 2 + 4);  // reserved, number of messages, references
    const uint64_t size = bytes.number(4);
    bytes.skip(4);
    add_block(FileBytes(bytes.take(size), kHeader));
  }

  void begin_version_2(FileBytes& bytes) {
    bytes.expect("OHDR");
    bytes.version(2, 2);
    const auto flags = static_cast<int>(bytes.number(1));
    if (flags & kTimesFlag) bytes.skip(16);
    if (flags & kAttributeLimitsFlag) bytes.skip(4);
    packed_ = true;
    ordered_ = flags & kCreationOrderFlag;
    const uint64_t size = bytes.number(1 << (flags & 3));
    add_block(FileBytes(bytes.take(size), kHeader));
  }

  void add_block(FileBytes block) {
    total_ += block.remaining();
    require(total_ <= file_.size(), "the blocks of an object header overlap");
    blocks_.push_back(block);
  }

  void read_block(FileBytes& block) {
    const uint64_t head = packed_ ? (ordered_ ? 6 : 4) : 8;
    while (block.remaining() >= head) {
      const auto type = static_cast<MessageType>(block.number(packed_ ? 1 : 2));
      const uint64_t size = block.number(2);
      const bool shared = block.number(1) & kSharedFlag;
      block.skip(packed_ ? (ordered_ ? 2 : 0) : 3);
      const Message message{type, shared, block.take(size)};
      if (type == MessageType::continuation)
        follow(message.read(kHeader));
      else
        messages_.push_back(message);
    }
  }

  void follow(FileBytes body) {
    const uint64_t address = body.address();
    FileBytes block = FileBytes::at(file_, address, body.number(8), kHeader);
    if (packed_) {
      block.expect("OCHK");
      require(block.remaining() >= 4, "a block of an object header is cut short");
      block = FileBytes(block.take(block.remaining() - 4), kHeader);  // without its checksum
    }
    add_block(block);
  }

  std::string_view file_;
  bool packed_ = false, ordered_ = false;
  uint64_t total_ = 0;
  std::deque<FileBytes> blocks_;
  Messages messages_;
};

}  // namespace

FileBytes Message::read(const char* structure) const {
  require(!shared, "a {} is shared with other objects, which is not read", structure);
  return {body, structure};
}

Messages read_object_header(std::string_view file, uint64_t address) {
  return Header(file).read(address);
}

const Message* find_message(const Messages& messages, MessageType type) {
  for (const Message& message : messages)
    if (message.type == type) return &message;
  return nullptr;
}

void refuse_fractal_heap(const Messages& object, MessageType type) {
  const Message* message = find_message(object, type);
  if (message == nullptr) return;
  const bool links = type == MessageType::link_info;
  FileBytes info = message->read(links ? "link info message" : "attribute info message");
  info.version(0, 0);
  if (info.number(1) & 1) info.skip(links ? 8 : 2);  // the largest order of creation
  require(info.address() == kNoAddress,
          "{} stand in a fractal heap (a file written with libver='latest' or track_order), which "
          "Keras does not write: save the file with h5py's defaults",
          links ? "a group's links" : "an object's attributes");
}

}  // namespace brisk::hdf5
