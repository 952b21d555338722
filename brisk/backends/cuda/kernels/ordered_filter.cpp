#include "brisk/backends/cuda/kernels/ordered_filter.h"

#include <algorithm>

#include "brisk/backends/cuda/aligned.h"
#include "brisk/backends/cuda/cudnn/filter_transpose.h"
#include "brisk/ir/type_bytes.h"

namespace brisk::cuda {
namespace {

/// The workspace: the filter in order, where it is made in every step, then the product's.
class OrderedFilterLaunch final : public Launch {
 public:
  OrderedFilterLaunch(std::unique_ptr<Launch> product, const Type& filter, bool constant,
                      CodeLibrary& code)
      : product_(std::move(product)),
        transpose_(code, byte_size(filter.dtype())),
        columns_(filter.shape().sizes().back()),
        rows_(filter.shape().num_elements() / std::max<int64_t>(columns_, 1)),
        filter_bytes_(aligned(type_bytes(filter))),
        constant_(constant) {}

  void load(const CodeLibrary& code) override {
    transpose_.load(code);
    product_->load(code);
  }

  int64_t packed_bytes() const override { return constant_ ? filter_bytes_ : 0; }
  void pack(const LaunchArguments& arguments) override { order(arguments, arguments.packed); }

  void enqueue(const LaunchArguments& arguments) override {
    operands_.assign(arguments.operands.begin(), arguments.operands.end());
    operands_[1] = constant_ ? arguments.packed : arguments.workspace;
    if (!constant_) order(arguments, arguments.workspace);
    LaunchArguments behind = arguments;
    behind.operands = operands_;
    behind.workspace += static_cast<DeviceAddress>(own_workspace());
    product_->enqueue(behind);
  }

  int64_t workspace_bytes() const override { return own_workspace() + product_->workspace_bytes(); }
  int64_t counter_bytes() const override { return product_->counter_bytes(); }
  bool stores_in_bulk() const override { return product_->stores_in_bulk(); }
  std::string name() const override { return product_->name(); }
  double flops() const override { return product_->flops(); }

 private:
  int64_t own_workspace() const { return constant_ ? 0 : filter_bytes_; }

  void order(const LaunchArguments& arguments, DeviceAddress to) const {
    transpose_.enqueue(arguments.operands[1], to, rows_, columns_, arguments.stream);
  }

  std::unique_ptr<Launch> product_;
  cudnn::FilterTranspose transpose_;
  int64_t columns_, rows_, filter_bytes_;
  bool constant_;
  std::vector<DeviceAddress> operands_;
};

}  // namespace

std::unique_ptr<Launch> with_ordered_filter(std::unique_ptr<Launch> product,
                                            const KernelRequest& request,
                                            const PrepareContext& context) {
  if (request.ordered_filter) return product;
  const bool constant = request.constant_operands.size() > 1 && request.constant_operands[1];
  return std::make_unique<OrderedFilterLaunch>(std::move(product), request.operands[1], constant,
                                               context.code);
}

}  // namespace brisk::cuda
