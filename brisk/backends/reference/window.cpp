// Pooling: maxima with their positions, averages, and their transposes. Tensors are
// [batch, position, channels] once the spatial axes are taken as one.

#include <cmath>
#include <limits>
#include <type_traits>

#include "brisk/backends/reference/elements.h"
#include "brisk/backends/reference/kernels.h"
#include "brisk/backends/reference/spatial_taps.h"
#include "brisk/base/error.h"
#include "brisk/ops/window/window.h"

namespace brisk::reference {
namespace {

/// Offsets of (n, tap, channel) in input- and result-shaped tensors.
template <typename Visit>
void for_each_element(const SpatialGeometry& geometry, int64_t batch, int64_t channels,
                      Visit&& visit) {
  for (const Tap& tap : geometry.taps())
    for (int64_t n = 0; n < batch; ++n)
      for (int64_t c = 0; c < channels; ++c)
        visit(tap, static_cast<size_t>((n * geometry.input_count() + tap.input) * channels + c),
              static_cast<size_t>((n * geometry.result_count() + tap.result) * channels + c));
}

double lowest_double() {
  return -std::numeric_limits<double>::infinity();
}

template <typename T>
std::vector<Tensor> max_pool_of(const KernelCall& call, std::vector<T> x, T lowest,
                                auto&& store_values) {
  const std::vector<int64_t> sizes = call.result().shape.sizes();
  const SpatialGeometry geometry =
      window_geometry(call.as<WindowAttributes>(), call.in(0).sizes(), sizes);
  const auto count = static_cast<size_t>(checked_product(sizes));
  std::vector<T> best(count, lowest);
  std::vector<uint64_t> positions(count, 0);
  std::vector<bool> found(count, false);
  for_each_element(geometry, sizes.front(), sizes.back(),
                   [&](const Tap& tap, size_t in, size_t out) {
                     const bool is_nan = x[in] != x[in], best_is_nan = best[out] != best[out];
                     if (found[out] && (best_is_nan || !(is_nan || x[in] > best[out]))) return;
                     found[out] = true;
                     best[out] = x[in];
                     positions[out] = static_cast<uint64_t>(tap.window);
                   });
  return {store_values(best), narrow<uint64_t>(DType::u8, sizes, positions)};
}

std::vector<Tensor> evaluate_max_pool(const KernelCall& call) {
  const DType type = call.in(0).dtype();
  const std::vector<int64_t> sizes = call.result().shape.sizes();
  if (is_floating(type))
    return max_pool_of<double>(call, widen<double>(call.in(0)), lowest_double(),
                               [&](const auto& v) { return narrow<double>(type, sizes, v); });
  if (!is_signed(type))
    return max_pool_of<uint64_t>(call, widen<uint64_t>(call.in(0)), 0,
                                 [&](const auto& v) { return narrow<uint64_t>(type, sizes, v); });
  const int64_t lowest = -(int64_t{1} << (bits(type) - 2)) * 2;
  return max_pool_of<int64_t>(
      call, load_positions(call.in(0)), lowest, [&](const std::vector<int64_t>& v) {
        return narrow<uint64_t>(type, sizes, std::vector<uint64_t>(v.begin(), v.end()));
      });
}

std::vector<Tensor> evaluate_max_pool_gradient(const KernelCall& call) {
  const std::vector<int64_t> sizes = call.result().shape.sizes();
  const auto& attributes = call.as<WindowGradientAttributes>();
  const SpatialGeometry geometry = window_geometry(attributes.window, sizes, call.in(0).sizes());
  const std::vector<double> gradient = widen<double>(call.in(0));
  const std::vector<int64_t> positions = load_positions(call.in(1));
  std::vector<double> totals(static_cast<size_t>(checked_product(sizes)), 0.0);
  for_each_element(geometry, sizes.front(), sizes.back(),
                   [&](const Tap& tap, size_t in, size_t out) {
                     if (positions[out] == tap.window) totals[in] += gradient[out];
                   });
  return {narrow<double>(call.result().dtype, sizes, totals)};
}

std::vector<Tensor> evaluate_max_pool_select(const KernelCall& call) {
  const std::vector<int64_t> sizes = call.result().shape.sizes();
  const SpatialGeometry geometry =
      window_geometry(call.as<WindowAttributes>(), call.in(0).sizes(), sizes);
  const std::vector<double> x = widen<double>(call.in(0));
  const std::vector<int64_t> positions = load_positions(call.in(1));
  std::vector<double> selected(static_cast<size_t>(checked_product(sizes)), 0.0);
  for_each_element(geometry, sizes.front(), sizes.back(),
                   [&](const Tap& tap, size_t in, size_t out) {
                     if (positions[out] == tap.window) selected[out] = x[in];
                   });
  return {narrow<double>(call.result().dtype, sizes, selected)};
}

/// 1 / (elements averaged) for each spatial position of the result; 0 where there are none.
std::vector<double> average_weights(const SpatialGeometry& geometry, bool count_padding) {
  std::vector<double> counts(static_cast<size_t>(geometry.result_count()), 0.0);
  for (const Tap& tap : geometry.taps()) counts[static_cast<size_t>(tap.result)] += 1;
  const auto full = static_cast<double>(checked_product(geometry.window));
  for (double& count : counts) count = count_padding ? 1 / full : count > 0 ? 1 / count : 0;
  return counts;
}

std::vector<Tensor> evaluate_average_pool(const KernelCall& call) {
  const std::vector<int64_t> sizes = call.result().shape.sizes();
  const auto& attributes = call.as<AveragePoolAttributes>();
  const SpatialGeometry geometry = window_geometry(attributes.window, call.in(0).sizes(), sizes);
  const std::vector<double> weights = average_weights(geometry, attributes.count_padding);
  const std::vector<double> x = widen<double>(call.in(0));
  std::vector<double> totals(static_cast<size_t>(checked_product(sizes)), 0.0);
  for_each_element(geometry, sizes.front(), sizes.back(),
                   [&](const Tap& tap, size_t in, size_t out) {
                     totals[out] += x[in] * weights[static_cast<size_t>(tap.result)];
                   });
  return {narrow<double>(call.result().dtype, sizes, totals)};
}

std::vector<Tensor> evaluate_average_pool_gradient(const KernelCall& call) {
  const std::vector<int64_t> sizes = call.result().shape.sizes();
  const auto& attributes = call.as<AveragePoolGradientAttributes>().pool;
  const SpatialGeometry geometry = window_geometry(attributes.window, sizes, call.in(0).sizes());
  const std::vector<double> weights = average_weights(geometry, attributes.count_padding);
  const std::vector<double> gradient = widen<double>(call.in(0));
  std::vector<double> totals(static_cast<size_t>(checked_product(sizes)), 0.0);
  for_each_element(geometry, sizes.front(), sizes.back(),
                   [&](const Tap& tap, size_t in, size_t out) {
                     totals[in] += gradient[out] * weights[static_cast<size_t>(tap.result)];
                   });
  return {narrow<double>(call.result().dtype, sizes, totals)};
}

}  // namespace

Kernel find_window_kernel(std::string_view op) {
  if (op == "max_pool") return evaluate_max_pool;
  if (op == "max_pool_gradient") return evaluate_max_pool_gradient;
  if (op == "max_pool_select") return evaluate_max_pool_select;
  if (op == "average_pool") return evaluate_average_pool;
  if (op == "average_pool_gradient") return evaluate_average_pool_gradient;
  return nullptr;
}

}  // namespace brisk::reference
