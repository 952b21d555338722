#include "brisk/backends/cuda/cuda_backend.h"

#include "brisk/backends/cuda/api/cublaslt.h"
#include "brisk/backends/cuda/api/driver.h"
#include "brisk/backends/cuda/cuda_executable.h"
#include "brisk/backends/cuda/cudnn/native_composites.h"
#include "brisk/backends/cuda/device_description.h"
#include "brisk/backends/cuda/kernels/halo_convolution.h"
#include "brisk/backends/cuda/kernels/join_kernels.h"
#include "brisk/backends/cuda/kernels/narrow_convolution.h"
#include "brisk/backends/cuda/kernels/pointwise_convolutions.h"
#include "brisk/backends/cuda/kernels/quantized/quantized_problem.h"
#include "brisk/backends/cuda/schedule.h"
#include "brisk/ops/fused/filter_order.h"

namespace brisk::cuda {
namespace {

/// Of the device here; without one, those of Hopper.
DeviceProperties lowered_for() {
  if (const Result<DevicePtr> device = Device::open(); device) return (*device)->properties();
  DeviceProperties hopper;
  hopper.major = 9;
  hopper.multiprocessors = 132;
  hopper.shared_bytes_per_block = 227 * 1024;
  return hopper;
}

/// What a target is made for.
struct Lowering {
  bool tf32 = false;        ///< f32 products are rounded
  bool equal_bits = false;  ///< nothing may vary, noted or not
  DeviceProperties device = lowered_for();

  /// A convolution for which there is a kernel of our own that reads the image as it is.
  bool takes_narrow(const Node& node, std::span<const Type> operands) const {
    return !refuse_narrow(node, operands, tf32, device);
  }

  /// A convolution by a kernel of our own that wants its filter in brisk's order.
  bool reads_as_it_lies(const Node& node, std::span<const Type> operands) const {
    return takes_narrow(node, operands) || (node.op->name == "input_gradient_scale_shift" &&
                                            !refuse_join(node, operands, tf32, device));
  }

  /// Batch norm's convolutions with sums. cuDNN's vary from run to run in the last bits, although
  /// it does not note it; our own do not.
  bool takes_summed(const Node& node, std::span<const Type> operands) const {
    const bool own = halo_convolution(node, operands, device).ok() ||
                     (node.op->name == "convolution_statistics"
                          ? !refuse_pointwise_convolution(node, operands, tf32, device)
                          : !refuse_join(node, operands, tf32, device));
    return own || (!equal_bits && !cudnn::refuse_native(node, operands));
  }

  bool takes(const Node& node, std::span<const Type> operands) const {
    const std::string& op = node.op->name;
    if (op == "gram_matrix") return cublaslt::library().ok();
    if (op.starts_with("scale_shift_max_pool") || op == "ordered_filters") return true;
    if (op == "ordered_convolution")
      return cudnn::wants_ordered_filter(node) &&
             !reads_as_it_lies(convolution_within(node), operands_within(node));
    if (op == "input_gradient_join" || op == "pointwise_join" || op == "pointwise_pair" ||
        op == "moments_gradient_scale_shift")
      return !refuse_join(node, operands, tf32, device);
    if (op.starts_with("quantized_")) return !refuse_quantized(node, operands);
    if (op.starts_with("dot_product_attention")) return !cudnn::refuse_attention(node, operands);
    if (takes_narrow(node, operands)) return true;
    if (op == "convolution_statistics" || op == "input_gradient_scale_shift")
      return takes_summed(node, operands);
    if (op == "convolution" || op == "convolution_filter_gradient") return false;
    return !cudnn::refuse_native(node, operands);
  }
};

LoweringTarget make_target(const Lowering& lowering) {
  LoweringTarget target;
  target.name = "cuda";
  target.fused_loops = true;
  target.longest_fused_row = 65536;  // a block of 1,024 threads holds it in registers
  target.loop_groups = true;
  target.fused_convolution = true;
  target.fused_dot = true;
  target.channel_steps = {4, 8};
  target.tf32 = lowering.tf32;
  target.folds_batch_norm = true;
  target.batch_norm_parts = {DType::f16, DType::bf16};
  if (lowering.tf32) target.batch_norm_parts.insert(DType::f32);
  target.batch_norm_through_pointwise = target.batch_norm_parts;
  target.places_through_pointwise = 16;
  target.native_composites = {"convolution_statistics",
                              "input_gradient_scale_shift",
                              "gram_matrix",
                              "input_gradient_join",
                              "moments_gradient_scale_shift",
                              "pointwise_join",
                              "pointwise_pair",
                              "scale_shift_max_pool",
                              "scale_shift_max_pool_gradient",
                              "dot_product_attention",
                              "dot_product_attention_gradient",
                              "quantized_convolution",
                              "quantized_dot",
                              "ordered_filters",
                              "convolution",
                              "convolution_filter_gradient"};
  target.takes_composite = [lowering](const Node& node, std::span<const Type> operands) {
    return lowering.takes(node, operands);
  };
  return target;
}

class CudaBackend final : public Backend {
 public:
  std::string_view name() const override { return "cuda"; }

  std::string describe() const override {
    const Result<DevicePtr> device = Device::open();
    if (!device) return device.error();
    const DeviceProperties& properties = (*device)->properties();
    return fmt::format("{}, {} multiprocessors, {}, {}, CUDA {}", properties.name,
                       properties.multiprocessors, properties.architecture(),
                       bytes_text(properties.memory_bytes),
                       cuda_version_text(properties.driver_version));
  }

  Status available() const override {
    const Result<DevicePtr> device = Device::open();
    if (!device) return device.failure();
    return Success{};
  }

  Status supports_descriptions() const override { return Success{}; }

  std::vector<LibraryReport> libraries() const override { return library_reports(); }

  LoweringTarget target() const override { return make_target({}); }
  Result<LoweringTarget> tf32_target() const override { return make_target({.tf32 = true}); }
  LoweringTarget target_for(const CompileOptions& options) const override {
    Lowering lowering{.tf32 = options.tf32, .equal_bits = options.determinism == Determinism::full};
    if (!options.device_description.empty())
      lowering.device = read_device_description(options.device_description).value();
    return make_target(lowering);
  }

  Status supports_fast(DType type) const override {
    switch (type) {
      case DType::f64:
      case DType::f32:
      case DType::f16:
      case DType::bf16:
        return Success{};
      default:
        return fail("the cuda backend has no fast kernels for {}", brisk::name(type));
    }
  }

  std::unique_ptr<Executable> compile(const Program& lowered,
                                      const CompileOptions& options) const override {
    if (!options.device_description.empty())
      return make_described_executable(lowered, options,
                                       read_device_description(options.device_description).value());
    return make_cuda_executable(lowered, options, Device::open().value());
  }
};

}  // namespace

std::shared_ptr<const Backend> make_cuda_backend() {
  return std::make_shared<CudaBackend>();
}

}  // namespace brisk::cuda
