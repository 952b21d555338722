#pragma once

/// The bars of TensorBoard's histograms.

#include <cstdint>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/formats/tfevents/event.h"

namespace brisk {

/// `num_buckets` equal bars from the least to the largest finite element; none when there is no
/// such element. When all are equal, every bar has that one edge and the last holds them all, as
/// TensorBoard's own writer has it.
std::vector<tfevents::HistogramBucket> make_histogram(const Tensor& values, int64_t num_buckets);

}  // namespace brisk
