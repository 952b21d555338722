// Zip archives: any bytes are an archive whose members can be read, or a reason.

#include "brisk/formats/keras/zip.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto file = brisk::ZipFile::open({reinterpret_cast<const char*>(bytes), size}, "the input");
  if (!file) return 0;
  for (const std::string& name : file->names()) {
    const auto contents = file->read(name, int64_t{1} << 26);
    if (contents && contents->size() > (size_t{1} << 26)) __builtin_trap();
  }
  return 0;
}
