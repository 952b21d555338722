// HDF5 files through brisk's door: any bytes are a file whose datasets can be read, or a reason.

#include "brisk/formats/keras/hdf5.h"

namespace {

void walk(const brisk::Hdf5File& file, const std::string& path, int depth) {
  if (depth > 8) return;
  const auto names = file.names(path);
  if (!names) return;
  for (const std::string& name : *names) {
    const std::string inner = path.empty() ? name : path + "/" + name;
    if (file.has_dataset(inner))
      (void)file.dataset(inner);
    else if (file.has_group(inner))
      walk(file, inner, depth + 1);
    (void)file.texts_attribute(inner, "name");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto file = brisk::Hdf5File::open(
      std::make_shared<const std::string>(reinterpret_cast<const char*>(bytes), size), "the input");
  if (!file) return 0;
  (void)file->text_attribute("", "model_config");
  (void)file->texts_attribute("", "names");
  walk(*file, "", 0);
  return 0;
}
