#include "brisk/backends/cuda/api/cudnn.h"

#include "brisk/backends/cuda/api/entry_points.h"

namespace brisk::cuda::cudnn {
namespace {

constexpr std::string_view kHowToGet =
    "install NVIDIA's cuDNN 9 for CUDA 13 (Debian package cudnn9-cuda-13) or the Python wheel "
    "nvidia-cudnn-cu13";

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
  EntryPoints find(*file);
  find("cudnnGetVersion", get_version);
  find("cudnnCreate", library.create);
  find("cudnnDestroy", library.destroy);
  find("cudnnSetStream", library.set_stream);
  find("cudnnBackendCreateDescriptor", library.create_descriptor);
  find("cudnnBackendDestroyDescriptor", library.destroy_descriptor);
  find("cudnnBackendFinalize", library.finalize);
  find("cudnnBackendSetAttribute", library.set_attribute);
  find("cudnnBackendGetAttribute", library.get_attribute);
  find("cudnnBackendExecute", library.execute);
  find("cudnnGetErrorString", library.error_text);
  find("cudnnGetLastErrorString", library.last_error_text);
  if (!find.missing().empty())
    return fail("{} is no cuDNN 9: it lacks {} of the backend interface; {}", file->path().string(),
                find.missing(), kHowToGet);
  library.version = static_cast<int>(get_version());
  library.path = file->path().string();
  if (library.version < kMinimumVersion)
    return fail("{} is cuDNN {}, but {} or newer is needed; {}", library.path,
                library_version_text(library.version), library_version_text(kMinimumVersion),
                kHowToGet);
  return library;
}

}  // namespace

Result<const Library*> library() {
  static const Result<Library> opened = open_library();
  if (!opened) return opened.failure();
  return &opened.value();
}

}  // namespace brisk::cuda::cudnn
