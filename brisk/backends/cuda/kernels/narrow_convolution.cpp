#include "brisk/backends/cuda/kernels/narrow_convolution.h"

#include <list>

#include "brisk/backends/cuda/kernels/narrow_text.h"
#include "brisk/backends/cuda/kernels/shared_kernel.h"
#include "brisk/backends/cuda/tensor_map.h"

namespace brisk::cuda {
namespace {

/// Arguments by value, in the order of a kernel's parameters.
class Arguments {
 public:
  void add(DeviceAddress address) { addresses_.push_back(address), pointers_.push_back(nullptr); }
  void add(const TensorMap& map) { maps_.push_back(map), pointers_.push_back(&maps_.back()); }

  std::span<void*> pointers() {
    auto address = addresses_.begin();
    for (void*& pointer : pointers_)
      if (pointer == nullptr) pointer = &*address++;
    return pointers_;
  }

 private:
  std::list<TensorMap> maps_;
  std::list<DeviceAddress> addresses_;
  std::vector<void*> pointers_;
};

class NarrowLaunch : public Launch {
 public:
  NarrowLaunch(const NarrowConvolution& convolution, const NarrowPlan& plan)
      : convolution_(convolution), plan_(plan) {}

  int64_t workspace_bytes() const override {
    return plan_.parts * plan_.partial_elements(convolution_) * 4;
  }
  double flops() const override { return convolution_.flops(); }

 protected:
  SharedKernel tiles_kernel(const PrepareContext& context, std::string stem, std::string text) {
    return {context.code.add({std::move(stem), std::move(text)}), plan_.parts, NarrowPlan::kThreads,
            plan_.shared_bytes(convolution_)};
  }
  void add_image(Arguments& to, DeviceAddress image) const {
    if (!convolution_.boxes()) return to.add(image);
    to.add(make_tensor_map(image, 8, {convolution_.width, convolution_.height, convolution_.images},
                           {plan_.pitch / 8, 2, 1}, false));
  }
  TensorMap tiles_map(DeviceAddress address) const {
    const NarrowConvolution& c = convolution_;
    const int64_t element = byte_size(c.type);
    return make_tensor_map(address, element, {c.kFilters, c.columns, c.images * c.rows},
                           {128 / element, plan_.tile, 1});
  }

  NarrowConvolution convolution_;
  NarrowPlan plan_;
};

class ForwardLaunch final : public NarrowLaunch {
 public:
  ForwardLaunch(const NarrowConvolution& convolution, const NarrowPlan& plan,
                const PrepareContext& context)
      : NarrowLaunch(convolution, plan),
        kernel_(
            tiles_kernel(context, "narrow_convolution", narrow_forward_text(convolution, plan))) {}

  void load(const CodeLibrary& code) override { kernel_.load(code); }

  void enqueue(const LaunchArguments& arguments) override {
    Arguments all;
    add_image(all, arguments.operands[0]);
    all.add(arguments.operands[1]);
    if (convolution_.bias) all.add(arguments.operands[2]);
    all.add(tiles_map(arguments.results[0]));
    for (size_t i = 1; i < arguments.results.size(); ++i) all.add(arguments.results[i]);
    all.add(arguments.workspace);
    all.add(arguments.counters);
    kernel_.enqueue(all.pointers(), arguments.stream);
  }

  int64_t counter_bytes() const override { return convolution_.sums ? 4 : 0; }
  bool stores_in_bulk() const override { return true; }
  std::string name() const override {
    return fmt::format("nvrtc/narrow_convolution{}", convolution_.sums ? "/sums" : "");
  }

 private:
  SharedKernel kernel_;
};

class GradientLaunch final : public NarrowLaunch {
 public:
  GradientLaunch(const NarrowConvolution& convolution, const NarrowPlan& plan,
                 const PrepareContext& context)
      : NarrowLaunch(convolution, plan),
        kernel_(tiles_kernel(context, "narrow_gradient", narrow_gradient_text(convolution, plan))),
        combine_(context.code.add({"narrow_combine", narrow_combine_text(convolution, plan)}),
                 plan.partial_elements(convolution) / kNarrowCombinePlaces, 256, 0) {}

  void load(const CodeLibrary& code) override {
    kernel_.load(code);
    combine_.load(code);
  }

  void enqueue(const LaunchArguments& arguments) override {
    Arguments all;
    add_image(all, arguments.operands[0]);
    all.add(tiles_map(arguments.operands[1]));
    all.add(arguments.workspace);
    kernel_.enqueue(all.pointers(), arguments.stream);
    combine_.enqueue({arguments.workspace, arguments.results[0]}, arguments.stream);
  }

  std::string name() const override { return "nvrtc/narrow_gradient"; }

 private:
  SharedKernel kernel_, combine_;
};

std::optional<std::string> refuse(const KernelRequest& request) {
  if (request.ordered_filter) return "its filter lies as the library wants it";
  return refuse_narrow(request.node, request.operands, request.tf32, request.device);
}

std::unique_ptr<Launch> prepare(const KernelRequest& request, const PrepareContext& context) {
  const NarrowConvolution convolution =
      narrow_convolution(request.node, request.operands, request.tf32).value();
  const NarrowPlan plan = narrow_plan(convolution, request.device).value();
  if (convolution.gradient) return std::make_unique<GradientLaunch>(convolution, plan, context);
  return std::make_unique<ForwardLaunch>(convolution, plan, context);
}

}  // namespace

std::optional<std::string> refuse_narrow(const Node& node, std::span<const Type> operands,
                                         bool tf32, const DeviceProperties& device) {
  const Result<NarrowConvolution> convolution = narrow_convolution(node, operands, tf32);
  if (!convolution) return convolution.error();
  const Result<NarrowPlan> plan = narrow_plan(*convolution, device);
  if (!plan) return plan.error();
  return std::nullopt;
}

std::vector<OpKernel> narrow_kernels() {
  std::vector<OpKernel> list;
  for (const char* op : {"convolution", "fused_convolution", "convolution_statistics",
                         "convolution_filter_gradient"})
    list.push_back({op, {"narrow", refuse, prepare}});
  return list;
}

}  // namespace brisk::cuda
