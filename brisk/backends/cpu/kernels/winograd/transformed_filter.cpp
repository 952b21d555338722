#include "brisk/backends/cpu/kernels/winograd/transformed_filter.h"

#include "brisk/base/parallel.h"
#include "brisk/base/tensor.h"

namespace brisk::cpu {
namespace {

constexpr int64_t kColumnsPerStep = 16;

}  // namespace

TransformedFilter::TransformedFilter(const WinogradLoops& loops, FilterForm form,
                                     const ConvolutionCase& c, const KernelRequest& request)
    : loops_(loops),
      form_(form),
      depth_(c.channels),
      columns_(c.filters),
      threads_(request.threads),
      is_constant_(request.constant_operands.size() > 1 && request.constant_operands[1]) {}

void TransformedFilter::place(ScratchLayout& layout) {
  if (!is_constant_) offset_ = layout.add_floats(kWinogradPoints * depth_ * columns_);
}

const float* TransformedFilter::transform(const float* filter, std::byte* scratch) {
  if (is_constant_ && is_current_) return reinterpret_cast<const float*>(kept_.get());
  if (is_constant_ && kept_ == nullptr)
    kept_ = allocate_aligned(kWinogradPoints * depth_ * columns_ * 4);
  float* u = floats_at(is_constant_ ? kept_.get() : scratch, is_constant_ ? 0 : offset_);
  parallel_for(columns_ / kColumnsPerStep, threads_, [&](int64_t begin, int64_t end) {
    transform_part(filter, {0, columns_}, {begin * kColumnsPerStep, end * kColumnsPerStep}, u,
                   depth_ * columns_);
  });
  is_current_ = true;
  return u;
}

void TransformedFilter::transform_part(const float* filter, ColumnRange held, ColumnRange part,
                                       float* u, int64_t u_point) const {
  if (form_ == FilterForm::as_given)
    loops_.transform_filter(filter, depth_, columns_, held, part, u, u_point);
  else
    loops_.transform_filter_exchanged(filter, columns_, depth_, held, part,
                                      form_ == FilterForm::exchanged_and_flipped, u, u_point);
}

}  // namespace brisk::cpu
