#include "brisk/backends/cpu/cpu_backend.h"

#include "brisk/backends/cpu/cpu_executable.h"
#include "brisk/backends/cpu/cpu_features.h"
#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/base/parallel.h"

namespace brisk::cpu {
namespace {

class CpuBackend final : public Backend {
 public:
  std::string_view name() const override { return "cpu"; }

  std::string describe() const override {
    return fmt::format("{}, {} cores, {}", cpu_name(), available_cores(),
                       fmt::join(cpu_features(), " "));
  }

  LoweringTarget target() const override {
    LoweringTarget target;
    target.name = "cpu";
    target.fused_loops = true;
    target.longest_fused_row = 32768;  // as f32 it stays in the second-level cache
    target.fused_convolution = true;
    target.fused_dot = true;
    target.fused_relu6 = true;
    target.folds_batch_norm = true;
    if (kernel_isa() != KernelIsa::none) target.native_composites.insert("weight_only_dot");
#ifdef BRISK_HAVE_ONEDNN
    if (has_feature("avx512_vnni"))
      target.native_composites.insert({"quantized_convolution", "quantized_dot"});
#endif
    for (const DType type : {DType::bf16, DType::f16})
      if (!supports_fast(type)) target.slow_products.insert(type);
    return target;
  }

  Status supports_fast(DType type) const override {
    if (type == DType::f32 || type == DType::f64) return Success{};
    if (type == DType::bf16) {
      if (has_feature("amx_bf16") || has_feature("avx512_bf16")) return Success{};
      return fail("{} has neither amx_bf16 nor avx512_bf16: bf16 would be slower than f32",
                  cpu_name());
    }
    return fail("the cpu backend has no fast kernels for {}", brisk::name(type));
  }

  std::unique_ptr<Executable> compile(const Program& lowered,
                                      const CompileOptions& options) const override {
    return make_cpu_executable(lowered, options);
  }
};

}  // namespace

std::shared_ptr<const Backend> make_cpu_backend() {
  return std::make_shared<CpuBackend>();
}

}  // namespace brisk::cpu
