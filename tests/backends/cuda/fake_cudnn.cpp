// A cuDNN that is none: it says the version that FAKE_CUDNN_VERSION holds and computes nothing.
// With FAKE_CUDNN_BARE it lacks the backend interface, as cuDNN 7 does.

#include <cstddef>
#include <cstdlib>

extern "C" {

size_t cudnnGetVersion() {
  const char* version = std::getenv("FAKE_CUDNN_VERSION");
  return version == nullptr ? 0 : static_cast<size_t>(std::atoll(version));
}

#ifndef FAKE_CUDNN_BARE
#define FAKE_ENTRY(name) \
  int name() {           \
    return 1;            \
  }
FAKE_ENTRY(cudnnCreate)
FAKE_ENTRY(cudnnDestroy)
FAKE_ENTRY(cudnnSetStream)
FAKE_ENTRY(cudnnBackendCreateDescriptor)
FAKE_ENTRY(cudnnBackendDestroyDescriptor)
FAKE_ENTRY(cudnnBackendFinalize)
FAKE_ENTRY(cudnnBackendSetAttribute)
FAKE_ENTRY(cudnnBackendGetAttribute)
FAKE_ENTRY(cudnnBackendExecute)
FAKE_ENTRY(cudnnGetErrorString)
FAKE_ENTRY(cudnnGetLastErrorString)
#endif
}
