#include "brisk/cli/barrier_wait.h"

#include <unistd.h>

#include <cstdlib>

namespace brisk::cli {

void sleep_at_barriers(char** argv) {
#ifdef BRISK_HAVE_OPENMP
  constexpr const char* kSpins = "1000";  // some microseconds
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  if (setenv("GOMP_SPINCOUNT", kSpins, 1) != 0) return;
  execv("/proc/self/exe", argv);  // where it fails, threads spin
#else
  static_cast<void>(argv);
#endif
}

}  // namespace brisk::cli
