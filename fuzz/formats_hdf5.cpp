// HDF5 files: any bytes are a file whose datasets can be read, or a reason. A group may be a member
// of itself, so that the walk has a limit of its own.

#include "brisk/formats/hdf5/hdf5_file.h"

namespace {

class Walk {
 public:
  explicit Walk(const brisk::Hdf5File& file) : file_(file) {}

  void visit(const std::string& path) {
    if (--visits_left_ < 0) return;
    (void)file_.texts_attribute(path, "name");
    (void)file_.texts_attribute(path, "weight_names");
    if (file_.has_dataset(path)) (void)file_.dataset(path);
    if (!file_.has_group(path)) return;
    const auto names = file_.names(path);
    if (!names) return;
    for (const std::string& name : *names) {
      if (visits_left_ < 0) return;
      visit(path.empty() ? name : path + "/" + name);
    }
  }

 private:
  const brisk::Hdf5File& file_;
  int visits_left_ = 100;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto file = brisk::Hdf5File::open(
      std::make_shared<const std::string>(reinterpret_cast<const char*>(bytes), size), "the input");
  if (!file) return 0;
  (void)file->text_attribute("", "model_config");
  Walk(*file).visit("");
  return 0;
}
