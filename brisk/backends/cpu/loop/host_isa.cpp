#include "brisk/backends/cpu/loop/host_isa.h"

#include <cstdlib>
#include <string>

namespace brisk {

Result<VectorIsa> host_isa() {
#if defined(__x86_64__)
  // The micro-architecture levels v3 and v4 of the x86-64 ABI.
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512cd") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (!has_avx2) return fail("this processor lacks AVX2 or FMA, which compiled loops need");
  const char* asked = std::getenv("BRISK_CPU_ISA");
  const std::string isa = asked == nullptr ? "" : asked;
  if (isa == "avx2") return VectorIsa::avx2;
  if (isa != "" && isa != "avx512")
    return fail("BRISK_CPU_ISA is '{}'; known are avx2 and avx512", isa);
  if (isa == "avx512" && !has_avx512)
    return fail("BRISK_CPU_ISA asks for avx512, which this processor lacks");
  return has_avx512 ? VectorIsa::avx512 : VectorIsa::avx2;
#else
  return fail("compiled loops exist for x86-64 only");
#endif
}

}  // namespace brisk
