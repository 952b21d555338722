#include "brisk/backends/cuda/api/cudnn.h"

#include "brisk/backends/cuda/api/entry_points.h"

namespace brisk::cuda::cudnn {
namespace {

constexpr std::string_view kHowToGet =
    "install NVIDIA's cuDNN 9 for CUDA 13 (Debian package cudnn9-cuda-13) or the Python wheel "
    "nvidia-cudnn-cu13";

template <typename Function>
bool look_up(const VendorLibrary& file, const char* name, Function& function) {
  function = reinterpret_cast<Function>(file.symbol(name));
  return function != nullptr;
}

/// cuDNN opens these by name when an engine wants them; whoever opened them before, from wherever
/// they lie, has them found.
void open_companions() {
  (void)VendorLibrary::open({"libnvrtc.so.13", "libnvrtc.so.12"}, "");
  (void)VendorLibrary::open({"libcublasLt.so.13", "libcublasLt.so.12"}, "");
}

Result<Library> open_library() {
  open_companions();
  Result<VendorLibrary> file = VendorLibrary::open({"libcudnn.so.9"}, kHowToGet);
  if (!file) return file.failure();
  Library library;
  size_t (*get_version)() = nullptr;
  const bool complete =
      look_up(*file, "cudnnGetVersion", get_version) &&
      look_up(*file, "cudnnCreate", library.create) &&
      look_up(*file, "cudnnDestroy", library.destroy) &&
      look_up(*file, "cudnnSetStream", library.set_stream) &&
      look_up(*file, "cudnnBackendCreateDescriptor", library.create_descriptor) &&
      look_up(*file, "cudnnBackendDestroyDescriptor", library.destroy_descriptor) &&
      look_up(*file, "cudnnBackendFinalize", library.finalize) &&
      look_up(*file, "cudnnBackendSetAttribute", library.set_attribute) &&
      look_up(*file, "cudnnBackendGetAttribute", library.get_attribute) &&
      look_up(*file, "cudnnBackendExecute", library.execute) &&
      look_up(*file, "cudnnGetErrorString", library.error_text) &&
      look_up(*file, "cudnnGetLastErrorString", library.last_error_text);
  if (!complete)
    return fail("{} is no cuDNN 9: it lacks entry points of the backend interface; {}",
                file->path().string(), kHowToGet);
  library.version = static_cast<int>(get_version());
  library.path = file->path().string();
  if (library.version < kMinimumVersion)
    return fail("{} is cuDNN {}, but {} or newer is needed; {}", library.path,
                version_text(library.version), version_text(kMinimumVersion), kHowToGet);
  return library;
}

}  // namespace

Result<const Library*> library() {
  static const Result<Library> opened = open_library();
  if (!opened) return opened.failure();
  return &opened.value();
}

std::string version_text(int version) {
  return fmt::format("{}.{}.{}", version / 10000, version / 100 % 100, version % 100);
}

}  // namespace brisk::cuda::cudnn
