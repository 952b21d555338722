#include "brisk/optimize/spread.h"

#include <algorithm>

namespace brisk {
namespace {

constexpr double kNoise = 1.02;  ///< a ratio nearer to 1 is no difference

/// Between the two values beside it where the share falls between them.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double rest = place - static_cast<double>(below);
  return sorted[below] * (1 - rest) + sorted[above] * rest;
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  invariant(!values.empty(), "a spread of no values");
  std::sort(values.begin(), values.end());
  return {quantile(values, 0.5), quantile(values, 0.25), quantile(values, 0.75)};
}

Spread inverse(const Spread& spread, double scale) {
  return {scale / spread.median, scale / spread.high, scale / spread.low};
}

Json to_json(const Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

Spread spread_from_json(const Json& json) {
  return {json.at("median").get<double>(), json.at("low").get<double>(),
          json.at("high").get<double>()};
}

Comparison compare(std::span<const double> before, std::span<const double> after) {
  invariant(before.size() == after.size(), "{} rounds of one and {} of the other", before.size(),
            after.size());
  std::vector<double> ratios;
  for (size_t i = 0; i < before.size(); ++i) ratios.push_back(before[i] / after[i]);
  const Spread ratio = spread_of(ratios);
  const double fastest = *std::min_element(before.begin(), before.end()) /
                         *std::min_element(after.begin(), after.end());
  return {.times_as_fast = ratio,
          .fastest = fastest,
          .faster = ratio.median > kNoise && ratio.low > 1 && fastest > 1,
          .slower = ratio.median < 1 / kNoise && ratio.high < 1 && fastest < 1};
}

}  // namespace brisk
