#include "brisk/backends/cuda/device_description.h"

#include "brisk/base/file.h"
#include "brisk/base/json.h"

namespace brisk::cuda {
namespace {

constexpr int64_t kLimit = 1 << 20;

/// Reads whole numbers within bounds and remembers the first fault.
class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {}

  template <typename Number>
  void number(const char* name, Number& value, int64_t low, int64_t high) {
    const auto at = json_.find(name);
    if (at == json_.end() || !at->is_number_integer())
      return note(fmt::format("'{}' must be a whole number", name));
    const auto given = at->get<int64_t>();
    if (given < low || given > high)
      return note(fmt::format("'{}' is {}, but must be in [{}, {}]", name, given, low, high));
    value = static_cast<Number>(given);
  }
  void text(const char* name, std::string& value) {
    const auto at = json_.find(name);
    if (at == json_.end() || !at->is_string())
      return note(fmt::format("'{}' must be a text", name));
    value = at->get<std::string>();
  }
  const std::string& fault() const { return fault_; }

 private:
  void note(std::string fault) {
    if (fault_.empty()) fault_ = std::move(fault);
  }
  const Json& json_;
  std::string fault_;
};

}  // namespace

Result<DeviceProperties> read_device_description(const std::filesystem::path& path) {
  const Result<std::string> text = read_file(path, kLimit);
  if (!text) return text.failure();
  const Result<Json> json = parse_json(*text, path.string());
  if (!json) return json.failure();
  if (!json->is_object())
    return fail("{}: a device's description is one JSON object", path.string());
  DeviceProperties properties;
  Fields fields(*json);
  fields.text("name", properties.name);
  fields.number("major", properties.major, 8, 99);
  fields.number("minor", properties.minor, 0, 9);
  fields.number("multiprocessors", properties.multiprocessors, 1, 4096);
  fields.number("memory_bytes", properties.memory_bytes, 1, int64_t{1} << 50);
  fields.number("l2_bytes", properties.l2_bytes, 0, int64_t{1} << 40);
  fields.number("shared_bytes_per_block", properties.shared_bytes_per_block, 0, int64_t{1} << 30);
  fields.number("driver_version", properties.driver_version, 0, 1'000'000);
  if (!fields.fault().empty()) return fail("{}: {}", path.string(), fields.fault());
  return properties;
}

std::string device_description(const DeviceProperties& properties) {
  return Json({{"name", properties.name},
               {"major", properties.major},
               {"minor", properties.minor},
               {"multiprocessors", properties.multiprocessors},
               {"memory_bytes", properties.memory_bytes},
               {"l2_bytes", properties.l2_bytes},
               {"shared_bytes_per_block", properties.shared_bytes_per_block},
               {"driver_version", properties.driver_version}})
             .dump(2) +
         "\n";
}

}  // namespace brisk::cuda
