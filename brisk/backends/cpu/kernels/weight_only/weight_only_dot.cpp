#include "brisk/backends/cpu/kernels/weight_only/weight_only_dot.h"

#include <algorithm>
#include <bit>

#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/backends/cpu/kernels/weight_only/weight_panels.h"
#include "brisk/base/error.h"
#include "brisk/base/parallel.h"
#include "brisk/base/rounding.h"
#include "brisk/ops/quantize/weight_only.h"

// Threads share out panels of columns, and rows too where there are fewer panels than threads. A
// result's sum goes along k in one order whatever the shares are, so that threads change no bit.

namespace brisk::cpu {

extern const WeightOnlyLoops weight_only_loops_avx2, weight_only_loops_avx512,
    weight_only_loops_avx512_bf16;

const WeightOnlyLoops& weight_only_loops(bool bf16) {
  invariant(kernel_isa() != KernelIsa::none, "there are no vector loops for this processor");
  if (bf16 && kernels_have_bf16()) return weight_only_loops_avx512_bf16;
  return kernel_isa() == KernelIsa::avx512 ? weight_only_loops_avx512 : weight_only_loops_avx2;
}

namespace {

constexpr size_t kLhs = 0, kWeights = 1, kScale = 2;

int64_t block_size_of(const KernelRequest& request) {
  return request.node.attributes.as<WeightOnlyAttributes>().block_size;
}

class WeightOnlyDot final : public Launch {
 public:
  explicit WeightOnlyDot(const KernelRequest& request)
      : bf16_(request.operands[kLhs].dtype() == DType::bf16),
        loops_(weight_only_loops(bf16_)),
        constant_weights_(request.constant_operands[kWeights]),
        constant_scale_(request.constant_operands[kScale]),
        k_(request.operands[kWeights].shape().size(0)),
        n_(request.operands[kWeights].shape().size(1)),
        m_(request.operands[kLhs].shape().num_elements() / k_),
        panels_(loops_, request.operands[kWeights].dtype(), k_, n_,
                request.operands[kScale].dtype(), block_size_of(request)) {
    const int64_t blocks = ceil_div(m_, loops_.rows);
    const int64_t row_parts = std::min(blocks, ceil_div(request.threads, panels_.count()));
    rows_each_ = ceil_div(blocks, row_parts) * loops_.rows;
    row_parts_ = ceil_div(m_, rows_each_);
    parts_ = std::min<int64_t>(request.threads, panels_.count() * row_parts_);
    if (widens()) widened_at_ = layout_.add_floats(m_ * k_);
    if (expands())
      for (int64_t part = 0; part < parts_; ++part)
        expanded_at_.push_back(layout_.add_bytes(panels_.expanded_bytes()));
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    if (!is_packed_ || !constant_weights_) panels_.pack_weights(operands[kWeights]);
    if (!is_packed_ || !constant_scale_) panels_.pack_scales(operands[kScale]);
    is_packed_ = true;
    const std::byte* lhs = operands[kLhs];
    if (widens()) lhs = widened(reinterpret_cast<const uint16_t*>(lhs), scratch + widened_at_);
    auto* result = reinterpret_cast<float*>(results[0]);
    const int64_t tasks = panels_.count() * row_parts_;
    parallel_for(parts_, static_cast<int>(parts_), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part)
        multiply(lhs, tasks * part / parts_, tasks * (part + 1) / parts_,
                 expands() ? scratch + expanded_at_[static_cast<size_t>(part)] : nullptr, result);
    });
  }
  int64_t scratch_bytes() const override { return layout_.bytes(); }
  void reset() override { is_packed_ = false; }
  std::string name() const override {
    return fmt::format("weight_only/{}{}", brisk::cpu::name(kernel_isa()),
                       loops_.bf16 ? "_bf16" : "");
  }
  double flops() const override {
    return 2.0 * static_cast<double>(m_) * static_cast<double>(k_) * static_cast<double>(n_);
  }

 private:
  /// A processor without products of bf16 takes them as f32, which is exact.
  bool widens() const { return bf16_ && !loops_.bf16; }
  /// A panel that meets only two blocks of rows becomes floats on its way to them.
  bool expands() const { return rows_each_ > 2 * loops_.rows; }

  const std::byte* widened(const uint16_t* lhs, std::byte* to) const {
    auto* floats = reinterpret_cast<float*>(to);
    for (int64_t i = 0; i < m_ * k_; ++i)
      floats[i] = std::bit_cast<float>(static_cast<uint32_t>(lhs[i]) << 16);
    return to;
  }

  /// Tasks [begin, end): each panel's parts of the rows.
  void multiply(const std::byte* lhs, int64_t begin, int64_t end, std::byte* expanded,
                float* result) const {
    const int64_t row_bytes = k_ * (loops_.bf16 ? 2 : 4);
    for (int64_t task = begin, last = -1; task < end; ++task) {
      const int64_t panel = task / row_parts_, row = task % row_parts_ * rows_each_;
      if (expanded != nullptr && panel != last) panels_.expand(panel, expanded);
      last = panel;
      WeightOnlyTile tile{.lhs = lhs + row * row_bytes,
                          .rows = std::min(rows_each_, m_ - row),
                          .expanded = expanded,
                          .result = result + row * n_ + panel * loops_.columns,
                          .stride = n_};
      panels_.describe(panel, tile);
      loops_.multiply(tile);
    }
  }

  bool bf16_;
  const WeightOnlyLoops& loops_;
  bool constant_weights_, constant_scale_, is_packed_ = false;
  int64_t k_, n_, m_;
  WeightPanels panels_;
  int64_t rows_each_ = 0, row_parts_ = 0, parts_ = 0;
  ScratchLayout layout_;
  int64_t widened_at_ = 0;
  std::vector<int64_t> expanded_at_;
};

}  // namespace

std::optional<std::string> refuse_weight_only_dot(const KernelRequest& request) {
  if (kernel_isa() == KernelIsa::none) return "needs AVX2";
  for (const Type& type : request.operands)
    if (type.shape().num_elements() == 0) return "an extent is 0";
  const int64_t block = block_size_of(request);
  if (block % kBlockMultiple != 0 && block < request.operands[kWeights].shape().size(0))
    return fmt::format("takes blocks of a multiple of {} rows", kBlockMultiple);
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_weight_only_dot(const KernelRequest& request) {
  return std::make_unique<WeightOnlyDot>(request);
}

}  // namespace brisk::cpu
