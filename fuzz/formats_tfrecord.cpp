// Any bytes: TfrecordFile refuses them, or its records frame to the same bytes again. And any
// bytes, framed, come back.

#include "brisk/formats/tfrecord/tfrecord.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  if (const auto file = brisk::TfrecordFile::over(input, nullptr, "the input")) {
    std::string again;
    bool whole = true;
    for (int64_t i = 0; i < file->size(); ++i) {
      const auto record = file->record(i);
      whole = whole && record.ok();
      if (record) again += brisk::frame_tfrecord(*record);
    }
    if (whole && again != input) __builtin_trap();
  }
  const std::string framed = brisk::frame_tfrecord(input);
  const auto file = brisk::TfrecordFile::over(framed, nullptr, "the frame");
  if (!file || file->size() != 1 || file->record(0).value() != input) __builtin_trap();
  return 0;
}
