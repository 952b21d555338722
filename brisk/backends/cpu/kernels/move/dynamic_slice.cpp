// dynamic_slice and dynamic_update_slice: a box whose place is known in each run only.

#include "brisk/backends/cpu/kernels/move/move.h"
#include "brisk/backends/cpu/kernels/move/strided_copy.h"

namespace brisk::cpu {
namespace {

/// Copies between `box` and the place in a `whole` tensor that the starts name, clamped so that the
/// box stays inside.
class DynamicSlice final : public Launch {
 public:
  DynamicSlice(const KernelRequest& request, bool is_update)
      : DynamicSlice(request, is_update, request.operands[0],
                     is_update ? request.operands[1] : request.node.results[0]) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte*) override {
    int64_t offset = 0;
    for (size_t i = 0; i < limits_.size(); ++i) {
      const int64_t start = *reinterpret_cast<const int32_t*>(operands[first_start_ + i]);
      offset += std::clamp<int64_t>(start, 0, limits_[i]) * strides_[i];
    }
    if (!is_update_) {
      box_.run(operands[0] + offset, results[0], threads_);
      return;
    }
    if (results[0] != operands[0]) all_.run(operands[0], results[0], threads_);
    box_.run(operands[1], results[0] + offset, threads_);
  }
  bool in_place(size_t, size_t operand) const override { return is_update_ && operand == 0; }
  std::string name() const override { return "move"; }

 private:
  DynamicSlice(const KernelRequest& request, bool is_update, const Type& whole, const Type& box)
      : is_update_(is_update),
        first_start_(is_update ? 2 : 1),
        threads_(request.threads),
        strides_(byte_strides(whole.shape().sizes(), byte_size(whole.dtype()))),
        all_({{whole.shape().num_elements(), byte_size(whole.dtype()), byte_size(whole.dtype())}},
             byte_size(whole.dtype())),
        box_(box_axes(box), byte_size(box.dtype())) {
    for (int64_t i = 0; i < whole.rank(); ++i)
      limits_.push_back(whole.shape().size(i) - box.shape().size(i));
  }

  std::vector<CopyAxis> box_axes(const Type& box) const {
    const std::vector<int64_t> sizes = box.shape().sizes();
    const std::vector<int64_t> inside = byte_strides(sizes, byte_size(box.dtype()));
    std::vector<CopyAxis> axes;
    for (size_t i = 0; i < sizes.size(); ++i)
      axes.push_back(is_update_ ? CopyAxis{sizes[i], inside[i], strides_[i]}
                                : CopyAxis{sizes[i], strides_[i], inside[i]});
    return axes;
  }

  bool is_update_;
  size_t first_start_;
  int threads_;
  std::vector<int64_t> strides_;  ///< of the whole tensor
  std::vector<int64_t> limits_;   ///< the last start per axis
  StridedCopy all_, box_;
};

}  // namespace

std::unique_ptr<Launch> prepare_dynamic_slice(const KernelRequest& request) {
  return std::make_unique<DynamicSlice>(request, false);
}

std::unique_ptr<Launch> prepare_dynamic_update_slice(const KernelRequest& request) {
  return std::make_unique<DynamicSlice>(request, true);
}

}  // namespace brisk::cpu
