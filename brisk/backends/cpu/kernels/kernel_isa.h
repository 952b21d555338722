#pragma once

/// The instruction set that brisk's own kernels run with, asked anew each time a node is prepared.

#include <cstdint>
#include <string_view>

namespace brisk::cpu {

enum class KernelIsa : uint8_t { none, avx2, avx512 };

/// The best this processor has (avx512: the F, BW, DQ and VL parts; avx2: with FMA). The
/// environment variable BRISK_CPU_ISA=avx2 forces the narrower one; `none` where neither is there.
KernelIsa kernel_isa();
/// Whether kernel_isa() is avx512 and there are dot products of 8-bit integers (VNNI), or of bf16:
/// never where BRISK_CPU_ISA is set.
bool kernels_have_vnni();
bool kernels_have_bf16();
/// "avx512", "avx2", "none".
std::string_view name(KernelIsa isa);

}  // namespace brisk::cpu
