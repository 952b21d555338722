// A CUPTI that is none, beside the fake driver: for each mark that was set since the last flush it
// tells of one call that was made under it, and of one kernel of mark + 1 microseconds. The
// environment says how it behaves:
//   FAKE_CUPTI_REFUSES  the status of every cuptiActivityEnable; 0 when unset

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using Status = int;
constexpr Status kSuccess = 0, kNoMoreRecords = 12;

struct alignas(8) FakeRecord {
  int32_t kind = 0;
  std::byte rest[148] = {};
  template <typename T>
  void set(size_t offset, T value) {
    std::memcpy(reinterpret_cast<std::byte*>(this) + offset, &value, sizeof(value));
  }
};

using Requested = void (*)(uint8_t** buffer, size_t* bytes, size_t* most_records);
using Completed = void (*)(void* context, uint32_t stream, uint8_t* buffer, size_t bytes,
                           size_t valid_bytes);
Requested requested = nullptr;
Completed completed = nullptr;
std::vector<uint64_t> marks;

}  // namespace

extern "C" {

Status cuptiGetVersion(uint32_t* version) {
  return *version = 130001, kSuccess;
}
Status cuptiGetResultString(Status, const char** text) {
  return *text = "CUPTI_ERROR_AS_THE_FAKE_WAS_TOLD", kSuccess;
}
Status cuptiActivityRegisterCallbacks(Requested r, Completed c) {
  return requested = r, completed = c, kSuccess;
}
Status cuptiActivityEnable(int) {
  const char* status = std::getenv("FAKE_CUPTI_REFUSES");
  return status == nullptr ? kSuccess : std::atoi(status);
}
Status cuptiActivityDisable(int) {
  return kSuccess;
}
Status cuptiActivityPushExternalCorrelationId(int, uint64_t id) {
  return marks.push_back(id), kSuccess;
}
Status cuptiActivityPopExternalCorrelationId(int, uint64_t*) {
  return kSuccess;
}

Status cuptiActivityFlushAll(uint32_t) {
  uint8_t* buffer = nullptr;
  size_t bytes = 0, most = 0;
  requested(&buffer, &bytes, &most);
  auto* record = reinterpret_cast<FakeRecord*>(buffer);
  uint32_t correlation = 0;
  for (const uint64_t mark : marks) {
    *record = {.kind = 39};
    record->set<int32_t>(4, 3);  // of the kind CUSTOM0
    record->set(8, mark);
    record++->set(16, ++correlation);
    *record = {.kind = 10};
    record->set(16, uint64_t{1000} * correlation);               // start
    record->set(24, uint64_t{1000} * (correlation + mark + 1));  // end
    record->set(92, correlation);
    record++->set(104, "_Z3addILi4EEvPf");
  }
  marks.clear();
  completed(nullptr, 0, buffer, bytes,
            static_cast<size_t>(reinterpret_cast<uint8_t*>(record) - buffer));
  return kSuccess;
}

Status cuptiActivityGetNextRecord(uint8_t* buffer, size_t valid_bytes, FakeRecord** record) {
  FakeRecord* next = *record == nullptr ? reinterpret_cast<FakeRecord*>(buffer) : *record + 1;
  if (reinterpret_cast<uint8_t*>(next) >= buffer + valid_bytes) return kNoMoreRecords;
  return *record = next, kSuccess;
}

}  // extern "C"
