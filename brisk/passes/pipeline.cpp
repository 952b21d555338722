#include "brisk/passes/pipeline.h"

#include "brisk/base/edit_distance.h"
#include "brisk/base/error.h"
#include "brisk/passes/absorb_padding.h"
#include "brisk/passes/absorb_pool_padding.h"
#include "brisk/passes/batch_norm/batch_norm_through_pointwise.h"
#include "brisk/passes/batch_norm/fold_batch_norm.h"
#include "brisk/passes/batch_norm/fuse_batch_norm.h"
#include "brisk/passes/batch_norm/fuse_input_gradients.h"
#include "brisk/passes/batch_norm/fuse_joins.h"
#include "brisk/passes/batch_norm/fuse_pools.h"
#include "brisk/passes/batch_norm/fuse_projections.h"
#include "brisk/passes/decompose_composites.h"
#include "brisk/passes/fuse_attention.h"
#include "brisk/passes/fuse_epilogues.h"
#include "brisk/passes/fuse_loops.h"
#include "brisk/passes/fuse_pairs.h"
#include "brisk/passes/group_loops.h"
#include "brisk/passes/inline_calls.h"
#include "brisk/passes/order_filters.h"
#include "brisk/passes/pad_channels.h"
#include "brisk/passes/simplify.h"
#include "brisk/passes/sink_below_pool.h"
#include "brisk/passes/sink_transposes.h"
#include "brisk/passes/widen_products.h"

namespace brisk {
namespace {

using Run = Program (*)(Program, const PassContext&);

Pass required(std::string name, Phase phase, Run run) {
  return {std::move(name), phase, run, true};
}
Pass optional(std::string name, Phase phase, Run run) {
  return {std::move(name), phase, run, false};
}

}  // namespace

std::vector<Pass> forward_pipeline() {
  return {
      required("inline_calls", Phase::model, inline_calls),
      // Beyond this point, there are no layers, only ops.
      optional("absorb_padding", Phase::meaning, absorb_padding),
      optional("sink_below_pool", Phase::meaning, sink_below_pool),
      optional("absorb_pool_padding", Phase::meaning, absorb_pool_padding),
  };
}

std::vector<Pass> differentiation_pipeline() {
  return {
      optional("fuse_attention", Phase::differentiate, fuse_attention),
      optional("batch_norm_through_pointwise", Phase::differentiate, batch_norm_through_pointwise),
      optional("fuse_batch_norm", Phase::differentiate, fuse_batch_norm),
      // Beyond this point, batch norm of training is in parts where the target wants it so.
  };
}

std::vector<Pass> lowering_pipeline() {
  return {
      required("inline_calls", Phase::lower, inline_calls),
      optional("fold_batch_norm", Phase::lower, fold_batch_norm),
      optional("fuse_input_gradients", Phase::lower, fuse_input_gradients),
      optional("fuse_pools", Phase::lower, fuse_pools),
      optional("fuse_projections", Phase::lower, fuse_projections),
      optional("fuse_attention", Phase::lower, fuse_attention),
      required("decompose_composites", Phase::lower, decompose_composites),
      // Beyond this point, the graph holds only ops that the target has kernels or loops for.
      optional("pad_channels", Phase::lower, pad_channels),
      optional("widen_products", Phase::lower, widen_products),
      optional("sink_transposes", Phase::lower, sink_transposes),
      optional("simplify", Phase::lower, simplify),
      optional("fuse_epilogues", Phase::lower, fuse_epilogues),
      // Beyond this point, convolutions and contractions carry their bias and activation.
      optional("fuse_pairs", Phase::lower, fuse_pairs),
      optional("fuse_joins", Phase::lower, fuse_joins),
      optional("order_filters", Phase::lower, order_filters),
      optional("fuse_loops", Phase::lower, fuse_loops),
      // Beyond this point, elementwise ops, moves and folds are in loops.
      optional("group_loops", Phase::lower, group_loops),
  };
}

std::set<std::string, std::less<>> disabled_in(std::span<const Pass> pipeline,
                                               const std::set<std::string, std::less<>>& disabled) {
  std::set<std::string, std::less<>> own;
  std::vector<std::string> known;
  const auto list = [&](std::span<const Pass> passes) {
    for (const Pass& pass : passes)
      if (!pass.required && std::find(known.begin(), known.end(), pass.name) == known.end())
        known.push_back(pass.name);
  };
  list(pipeline);
  for (const std::string& name : known)
    if (disabled.contains(name)) own.insert(name);
  list(forward_pipeline());
  list(differentiation_pipeline());
  list(lowering_pipeline());
  for (const std::string& name : disabled)
    require(std::find(known.begin(), known.end(), name) != known.end(),
            "there is no pass '{}' that can be switched off{}; there are: {}", name,
            did_you_mean(name, known), fmt::join(known, ", "));
  return own;
}

}  // namespace brisk
