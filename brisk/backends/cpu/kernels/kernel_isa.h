#pragma once

/// The instruction set that brisk's own kernels run with, asked anew each time a node is prepared.

#include <cstdint>
#include <string_view>

namespace brisk::cpu {

enum class KernelIsa : uint8_t { none, avx2, avx512 };

/// The best this processor has (avx512: the F, BW, DQ and VL parts; avx2: with FMA). The
/// environment variable BRISK_CPU_ISA=avx2 forces the narrower one; `none` where neither is there.
KernelIsa kernel_isa();
/// Whether products of 8-bit integers may be AVX-512's own (VNNI): not where BRISK_CPU_ISA is set.
bool has_byte_products();
/// "avx512", "avx2", "none".
std::string_view name(KernelIsa isa);

}  // namespace brisk::cpu
