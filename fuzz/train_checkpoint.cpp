// Checkpoints: checkpoint.json and state.safetensors of any bytes are a checkpoint or a warning
// that names the folder. The right checksum is put into the JSON where it is an object, for a guess
// would never find it.

#include "brisk/base/hash.h"
#include "brisk/base/json.h"
#include "brisk/train/checkpoint.h"
#include "fuzz/input_parts.h"

namespace {

std::string with_checksum(const std::string& text) {
  auto json = brisk::parse_json(text, "the input");
  if (!json || !json->is_object()) return text;
  json->erase("checksum");
  const std::string checksum = brisk::to_hex(brisk::stable_hash(json->dump()));
  (*json)["checksum"] = checksum;
  return json->dump();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto& folder = brisk::fuzz::scratch_folder();
  const auto parts = brisk::fuzz::parts_of(bytes, size, 2);
  const auto checkpoint = folder / "checkpoint-7";
  std::filesystem::create_directories(checkpoint);
  brisk::fuzz::write(checkpoint / "checkpoint.json", with_checksum(parts[0]));
  brisk::fuzz::write(checkpoint / "state.safetensors", parts[1]);
  std::vector<std::string> warnings;
  const auto read = brisk::read_newest_checkpoint(folder, &warnings);
  if (!read.ok()) __builtin_trap();
  if (!read->has_value()) {
    if (warnings.size() != 1 || warnings[0].find(checkpoint.string()) == std::string::npos)
      __builtin_trap();
    return 0;
  }
  const brisk::Checkpoint& found = **read;
  if (found.step < 0 || found.position.epoch < 0 || found.position.offset < 0) __builtin_trap();
  if (found.names.size() != found.state.size()) __builtin_trap();
  return 0;
}
