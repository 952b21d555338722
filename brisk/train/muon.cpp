#include <cmath>

#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/train/optimizer_options.h"

// Muon (Jordan and others, 2024) as Keras has it, with the scale of Liu and others (2025), by which
// one learning rate serves matrices and the parameters that AdamW moves.

namespace brisk {
namespace {

bool is_embedding(const std::string& name) {
  return name.find("embedding") != std::string::npos;
}

class Muon final : public Optimizer {
 public:
  explicit Muon(const MuonOptions& options)
      : options_(options),
        adam_(adam({.beta_1 = options.adam_beta_1,
                    .beta_2 = options.adam_beta_2,
                    .epsilon = options.epsilon})) {
    require(options.momentum >= 0 && options.momentum < 1,
            "[muon] momentum is {}, but must be in [0, 1)", options.momentum);
    require(options.ns_steps > 0, "[muon] ns_steps is {}, but must be positive", options.ns_steps);
    for (const auto& [what, value] : {std::pair("adam_weight_decay", options.adam_weight_decay),
                                      {"adam_lr_ratio", options.adam_lr_ratio},
                                      {"rms_rate", options.rms_rate}})
      require(value >= 0, "[muon] {} is {}, but must not be negative", what, value);
    take_shared_options(*this, options);
  }
  std::string name() const final { return "muon"; }
  std::vector<std::string> slots(const ParameterInfo& info) const override {
    return is_matrix(info) ? std::vector<std::string>{"momentum"} : adam_->slots(info);
  }
  double weight_decay_of(const ParameterInfo& info) const override {
    if (names_one_of(info.name, exclude_from_weight_decay)) return 0;
    return is_matrix(info) ? weight_decay : options_.adam_weight_decay;
  }
  UpdateResult update(const UpdateContext& c) const override {
    if (!is_matrix(c.info)) {
      UpdateContext context = c;
      context.learning_rate = c.learning_rate * options_.adam_lr_ratio;
      return adam_->update(context);
    }
    const Value momentum = c.slots[0] * options_.momentum + c.gradient;
    const Value direction =
        options_.nesterov ? c.gradient + momentum * options_.momentum : momentum;
    const int64_t columns = c.info.shape.size(c.info.shape.rank() - 1);
    int64_t rows = 1;
    for (int64_t axis = 0; axis + 1 < c.info.shape.rank(); ++axis) rows *= c.info.shape.size(axis);
    const Value step = orthogonal(reshape(direction, {rows, columns}), rows > columns);
    const double scale =
        options_.rms_rate == 0
            ? 1
            : options_.rms_rate * std::sqrt(static_cast<double>(std::max(rows, columns)));
    return {c.parameter - reshape(step, c.info.shape) * (c.learning_rate * scale), {momentum}};
  }

 private:
  bool is_matrix(const ParameterInfo& info) const {
    const int64_t rank = info.shape.rank();
    if (rank != 2 && !(rank > 2 && options_.convolutions)) return false;
    if (options_.exclude_embeddings && is_embedding(info.name)) return false;
    return !names_one_of(info.name, options_.exclude_layers);
  }

  /// About U V^T of the singular value decomposition U S V^T: Newton and Schulz's iteration with a
  /// quintic polynomial, on the side on which the product of x with itself is small.
  Value orthogonal(Value x, bool tall) const {
    if (tall) x = transpose(x, {1, 0});
    const DType type = x.dtype();
    x = x / (sqrt(reduce_sum(square(x))) + 1e-7);
    if (options_.ns_bfloat16) x = cast(x, DType::bf16);
    for (int64_t i = 0; i < options_.ns_steps; ++i) {
      const Value a = matmul(x, transpose(x, {1, 0}));
      const Value b = a * options_.muon_b + matmul(a, a) * options_.muon_c;
      x = x * options_.muon_a + matmul(b, x);
    }
    x = cast(x, type);
    return tall ? transpose(x, {1, 0}) : x;
  }

  MuonOptions options_;
  OptimizerPtr adam_;
};

}  // namespace

OptimizerPtr muon(const MuonOptions& options) {
  return std::make_shared<Muon>(options);
}

}  // namespace brisk
