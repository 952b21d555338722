#pragma once

/// A convolution's plan with what stands around it. Images lie channels-last, as brisk has them.
/// Filters are transposed into the workspace before a plan reads them (once, into memory of the
/// launch's own, where they never change) and out of it after a plan has written one: cuDNN takes a
/// filter's strides and then does not look at them, so that with brisk's own order it computes
/// something else without a word (seen with 9.14 on an H100).

#include <optional>

#include "brisk/backends/cuda/cudnn/choose_plan.h"
#include "brisk/backends/cuda/cudnn/convolution_problem.h"
#include "brisk/backends/cuda/cudnn/filter_transpose.h"
#include "brisk/backends/cuda/epilogue.h"

namespace brisk::cuda::cudnn {

/// Where a plan's tensor lies.
struct Place {
  enum class Kind : uint8_t {
    operand,
    result,
    transposed_filter,
    scratch,  ///< in the workspace, written and not read
    zeros,    ///< f32 constants
    ones,
  } kind;
  size_t number = 0;  ///< of the operand or result
};

struct ConvolutionParts {
  ConvolutionProblem problem;
  ChosenPlan plan;
  std::vector<Place> places;              ///< of the plan's tensors
  std::vector<int64_t> bytes;             ///< of the same
  bool writes_filter = false;             ///< the result is a filter, not an image
  bool constant_filter = false;           ///< operand 1, where it is a filter, never changes
  std::optional<EpilogueParts> epilogue;  ///< left to a kernel of ours
  std::string within;                     ///< the op, where the node is an ordered_convolution
};

/// The plan of a graph whose tensors lie at `places`; fails with cuDNN's reasons.
Result<ConvolutionParts> convolution_parts(const KernelRequest& request,
                                           const PrepareContext& context,
                                           const ConvolutionProblem& problem,
                                           const MakeGraph& make_graph, std::vector<Place> places,
                                           std::vector<int64_t> bytes);
/// Throws UserError where there are none.
ConvolutionParts or_refuse(const KernelRequest& request, Result<ConvolutionParts> parts);
/// Both.
ConvolutionParts plan_or_refuse(const KernelRequest& request, const PrepareContext& context,
                                const ConvolutionProblem& problem, const MakeGraph& make_graph,
                                std::vector<Place> places, std::vector<int64_t> bytes);

std::unique_ptr<Launch> make_convolution_launch(ConvolutionParts parts,
                                                const PrepareContext& context);

}  // namespace brisk::cuda::cudnn
