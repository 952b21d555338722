#include "brisk/formats/tfevents/histogram.h"

#include <algorithm>
#include <cmath>

namespace brisk {

std::vector<tfevents::HistogramBucket> make_histogram(const Tensor& values, int64_t num_buckets) {
  require(num_buckets > 0, "[histogram] {} buckets hold nothing", num_buckets);
  double least = INFINITY;
  double largest = -INFINITY;
  for (int64_t i = 0; i < values.num_elements(); ++i) {
    const double value = values.get(i);
    if (!std::isfinite(value)) continue;
    least = std::min(least, value);
    largest = std::max(largest, value);
  }
  if (least > largest) return {};

  const auto count = static_cast<double>(num_buckets);
  const double width = largest / count - least / count;  // the difference itself may overflow
  std::vector<tfevents::HistogramBucket> buckets;
  for (int64_t i = 0; i < num_buckets; ++i) {
    const auto at = static_cast<double>(i);
    buckets.push_back({least + at * width, least + (at + 1) * width, 0});
  }
  buckets.back().right = largest;
  for (int64_t i = 0; i < values.num_elements(); ++i) {
    const double value = values.get(i);
    if (!std::isfinite(value)) continue;
    const double place = width == 0 ? count : value / width - least / width;
    buckets[static_cast<size_t>(std::clamp(place, 0.0, count - 1))].count += 1;
  }
  return buckets;
}

}  // namespace brisk
