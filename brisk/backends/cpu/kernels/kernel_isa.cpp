#include "brisk/backends/cpu/kernels/kernel_isa.h"

#include <cstdlib>

namespace brisk::cpu {
namespace {

#if defined(__x86_64__)
bool has_all_of_avx512() {
  return kernel_isa() == KernelIsa::avx512 && std::getenv("BRISK_CPU_ISA") == nullptr;
}
#endif

}  // namespace

KernelIsa kernel_isa() {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  const char* asked = std::getenv("BRISK_CPU_ISA");
  if (avx512 && !(asked != nullptr && std::string_view(asked) == "avx2")) return KernelIsa::avx512;
  if (avx2) return KernelIsa::avx2;
#endif
  return KernelIsa::none;
}

bool kernels_have_vnni() {
#if defined(__x86_64__)
  return has_all_of_avx512() && __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

bool kernels_have_bf16() {
#if defined(__x86_64__)
  return has_all_of_avx512() && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

std::string_view name(KernelIsa isa) {
  switch (isa) {
    case KernelIsa::avx512:
      return "avx512";
    case KernelIsa::avx2:
      return "avx2";
    case KernelIsa::none:
      break;
  }
  return "none";
}

}  // namespace brisk::cpu
