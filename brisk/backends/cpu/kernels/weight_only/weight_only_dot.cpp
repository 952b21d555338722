#include "brisk/backends/cpu/kernels/weight_only/weight_only_dot.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/backends/cpu/kernels/weight_only/weight_only_loops.h"
#include "brisk/base/error.h"
#include "brisk/base/parallel.h"
#include "brisk/base/tensor.h"

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

int64_t shares(int64_t count, int64_t of) {
  return (count + of - 1) / of;
}

class WeightOnlyDot final : public Launch {
 public:
  explicit WeightOnlyDot(const KernelRequest& request)
      : bf16_(request.operands[kLhs].dtype() == DType::bf16),
        loops_(weight_only_loops(bf16_)),
        constant_(request.constant_operands[kWeights]),
        k_(request.operands[kWeights].shape().size(0)),
        n_(request.operands[kWeights].shape().size(1)),
        m_(request.operands[kLhs].shape().num_elements() / k_),
        panels_(shares(n_, loops_.columns)),
        panel_bytes_(shares(k_, loops_.depth) * loops_.depth * loops_.columns) {
    const int64_t blocks = shares(m_, loops_.rows);
    const int64_t row_parts = std::min(blocks, shares(request.threads, panels_));
    rows_each_ = shares(blocks, row_parts) * loops_.rows;
    row_parts_ = shares(m_, rows_each_);
    parts_ = std::min<int64_t>(request.threads, panels_ * row_parts_);
    packed_ = allocate_aligned(panels_ * panel_bytes_);
    if (widens()) widened_at_ = layout_.add_floats(m_ * k_);
    if (expands())
      for (int64_t part = 0; part < parts_; ++part)
        expanded_at_.push_back(layout_.add_bytes(panel_bytes_ * loops_.float_bytes));
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    if (!is_packed_) pack(reinterpret_cast<const int8_t*>(operands[kWeights]));
    is_packed_ = constant_;
    const std::byte* lhs = operands[kLhs];
    if (widens()) lhs = widened(reinterpret_cast<const uint16_t*>(lhs), scratch + widened_at_);
    const auto* scale = reinterpret_cast<const float*>(operands[kScale]);
    auto* result = reinterpret_cast<float*>(results[0]);
    const int64_t tasks = panels_ * row_parts_;
    parallel_for(parts_, static_cast<int>(parts_), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part)
        multiply(lhs, scale, tasks * part / parts_, tasks * (part + 1) / parts_,
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

  void pack(const int8_t* weights) {
    auto* packed = reinterpret_cast<int8_t*>(packed_.get());
    std::memset(packed, 0, static_cast<size_t>(panels_ * panel_bytes_));
    const int64_t depth = loops_.depth;
    for (int64_t row = 0; row < k_; ++row)
      for (int64_t panel = 0; panel < panels_; ++panel) {
        const int64_t column = panel * loops_.columns;
        const int64_t count = std::min(loops_.columns, n_ - column);
        const int8_t* from = weights + row * n_ + column;
        int8_t* to =
            packed + panel * panel_bytes_ + row / depth * depth * loops_.columns + row % depth;
        for (int64_t c = 0; c < count; ++c) to[c * depth] = from[c];
      }
  }

  const std::byte* widened(const uint16_t* lhs, std::byte* to) const {
    auto* floats = reinterpret_cast<float*>(to);
    for (int64_t i = 0; i < m_ * k_; ++i)
      floats[i] = std::bit_cast<float>(static_cast<uint32_t>(lhs[i]) << 16);
    return to;
  }

  /// Tasks [begin, end): each panel's parts of the rows.
  void multiply(const std::byte* lhs, const float* scale, int64_t begin, int64_t end,
                std::byte* expanded, float* result) const {
    const auto* packed = reinterpret_cast<const int8_t*>(packed_.get());
    const int64_t row_bytes = k_ * (loops_.bf16 ? 2 : 4);
    for (int64_t task = begin, last = -1; task < end; ++task) {
      const int64_t panel = task / row_parts_, row = task % row_parts_ * rows_each_;
      const int64_t column = panel * loops_.columns;
      if (expanded != nullptr && panel != last)
        loops_.expand(packed + panel * panel_bytes_, k_, expanded);
      last = panel;
      loops_.multiply({.lhs = lhs + row * row_bytes,
                       .rows = std::min(rows_each_, m_ - row),
                       .k = k_,
                       .panel = packed + panel * panel_bytes_,
                       .expanded = expanded,
                       .scale = scale + column,
                       .columns = std::min(loops_.columns, n_ - column),
                       .result = result + row * n_ + column,
                       .stride = n_});
    }
  }

  bool bf16_;
  const WeightOnlyLoops& loops_;
  bool constant_, is_packed_ = false;
  int64_t k_, n_, m_, panels_, panel_bytes_, rows_each_ = 0, row_parts_ = 0, parts_ = 0;
  std::shared_ptr<std::byte[]> packed_;
  ScratchLayout layout_;
  int64_t widened_at_ = 0;
  std::vector<int64_t> expanded_at_;
};

}  // namespace

std::optional<std::string> refuse_weight_only_dot(const KernelRequest& request) {
  if (kernel_isa() == KernelIsa::none) return "needs AVX2";
  for (const Type& type : request.operands)
    if (type.shape().num_elements() == 0) return "an extent is 0";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_weight_only_dot(const KernelRequest& request) {
  return std::make_unique<WeightOnlyDot>(request);
}

}  // namespace brisk::cpu
