#include "brisk/backends/cpu/reference_kernel.h"

#include <cstring>

#include "brisk/backends/reference/evaluate.h"

namespace brisk::cpu {
namespace {

class ReferenceLaunch final : public Launch {
 public:
  explicit ReferenceLaunch(const KernelRequest& request)
      : node_(request.node), operand_types_(request.operands.begin(), request.operands.end()) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results, std::byte*) override {
    std::vector<Tensor> tensors;
    for (size_t i = 0; i < operands.size(); ++i)
      tensors.emplace_back(operand_types_[i].dtype(), operand_types_[i].shape().sizes(),
                           std::shared_ptr<std::byte[]>(operands[i], [](std::byte*) {}));
    const std::vector<Tensor> values = reference::evaluate_node(node_, tensors);
    for (size_t r = 0; r < values.size(); ++r)
      std::memcpy(results[r], values[r].bytes(), static_cast<size_t>(values[r].num_bytes()));
  }
  std::string name() const override { return "reference"; }
  bool is_fallback() const override { return true; }

 private:
  Node node_;
  std::vector<Type> operand_types_;
};

}  // namespace

std::unique_ptr<Launch> prepare_reference(const KernelRequest& request) {
  return std::make_unique<ReferenceLaunch>(request);
}

}  // namespace brisk::cpu
