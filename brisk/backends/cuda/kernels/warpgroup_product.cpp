#include "brisk/backends/cuda/kernels/warpgroup_product.h"

#include "brisk/backends/cuda/kernels/shared_kernel.h"
#include "brisk/backends/cuda/kernels/warpgroup_text.h"
#include "brisk/backends/cuda/tensor_map.h"

namespace brisk::cuda {
namespace {

class WarpgroupProductLaunch final : public Launch {
 public:
  WarpgroupProductLaunch(const PointwiseProduct& product, const WarpgroupPlan& plan,
                         const PrepareContext& context)
      : product_(product), plan_(plan) {
    const size_t number = context.code.add({"pointwise_product", warpgroup_text(product, plan)});
    kernel_ =
        SharedKernel(number, plan.blocks(), WarpgroupPlan::kThreads, plan.shared_bytes(product));
  }

  void load(const CodeLibrary& code) override { kernel_.load(code); }

  void enqueue(const LaunchArguments& arguments) override {
    maps_.clear();
    addresses_.clear();
    map_matrices(arguments);
    for (const PointwiseProduct::Vector& vector : product_.vectors)
      addresses_.push_back(arguments.operands[vector.operand]);
    for (size_t q = 0; q < product_.sums.size(); ++q)
      addresses_.push_back(arguments.results[q + 1]);
    addresses_.push_back(arguments.workspace);
    addresses_.push_back(arguments.counters);
    std::vector<void*> pointers;
    for (TensorMap& map : maps_) pointers.push_back(&map);
    for (DeviceAddress& address : addresses_) pointers.push_back(&address);
    kernel_.enqueue(pointers, arguments.stream);
  }

  int64_t workspace_bytes() const override {
    return static_cast<int64_t>(product_.sums.size()) * plan_.parts * product_.columns * 4;
  }
  int64_t counter_bytes() const override { return product_.sums.empty() ? 0 : plan_.chunks * 4; }
  bool stores_in_bulk() const override { return true; }
  std::string name() const override { return pointwise_product_name(product_) + "/wgmma"; }
  double flops() const override { return product_.flops(); }

 private:
  /// In the order of the kernel's parameters.
  void map_matrices(const LaunchArguments& arguments) {
    const int64_t rows = plan_.team * 64, element = byte_size(product_.type);
    for (const PointwiseProduct::Term& term : product_.terms) {
      const DeviceAddress a = arguments.operands[term.a];
      maps_.push_back(term.places ? make_stepped_map(a, *term.places, term.depth, element, rows)
                                  : make_tensor_map(a, product_.rows, term.depth, element, rows));
    }
    for (const PointwiseProduct::Term& term : product_.terms)
      maps_.push_back(make_tensor_map(arguments.operands[term.b], product_.columns, term.depth,
                                      element, plan_.tile_columns));
    for (const PointwiseProduct::Image& image : product_.images)
      maps_.push_back(make_tensor_map(arguments.operands[image.operand], product_.rows,
                                      product_.columns, element, rows));
    maps_.push_back(
        make_tensor_map(arguments.results[0], product_.rows, product_.columns, element, 16));
  }

  PointwiseProduct product_;
  WarpgroupPlan plan_;
  SharedKernel kernel_;
  std::vector<TensorMap> maps_;
  std::vector<DeviceAddress> addresses_;
};

}  // namespace

std::optional<std::string> refuse_warpgroup_product(const PointwiseProduct& product,
                                                    const DeviceProperties& device) {
  if (device.major != 9 || device.minor != 0)
    return fmt::format("compute capability {}.{}, but its instructions are those of 9.0",
                       device.major, device.minor);
  for (const PointwiseProduct::Image& image : product.images)
    if (!image.axes.empty()) return "an image that has some of the rows alone";
  if (!warpgroup_plan(product, device)) return "its depth does not fit into shared memory";
  return std::nullopt;
}

std::optional<std::string> refuse_few_tiles(const PointwiseProduct& product,
                                            const DeviceProperties& device) {
  const auto plan = warpgroup_plan(product, device);
  const int64_t tiles = plan ? plan->tiles * plan->chunks : 0;
  if (tiles >= device.multiprocessors) return std::nullopt;
  return fmt::format("{} tiles for {} multiprocessors", tiles, device.multiprocessors);
}

std::unique_ptr<Launch> make_warpgroup_product(const PointwiseProduct& product,
                                               const KernelRequest& request,
                                               const PrepareContext& context) {
  return std::make_unique<WarpgroupProductLaunch>(
      product, warpgroup_plan(product, request.device).value(), context);
}

}  // namespace brisk::cuda
