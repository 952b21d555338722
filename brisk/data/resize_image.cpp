// A separable resize: for every output row, the few source rows it depends on are summed into one
// row of floats (a loop over contiguous memory that the compiler vectorises), then that row is
// resampled along its width. Nothing but two rows is kept.

#include "brisk/data/resize_image.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace brisk {
namespace {

/// For every output coordinate, the source pixels it is a weighted sum of.
struct Windows {
  std::vector<int64_t> start;
  std::vector<float> weights;  // `taps` for each output, zero beyond the window
  int64_t taps = 0;
};

Windows triangle_windows(int64_t from, int64_t to, bool antialias) {
  const double step = static_cast<double>(from) / static_cast<double>(to);
  const double radius = antialias ? std::max(1.0, step) : 1.0;
  Windows windows;
  // As many integers lie strictly within a distance of `radius` of a point, at most.
  windows.taps = std::min<int64_t>(from, static_cast<int64_t>(std::ceil(2 * radius)));
  windows.start.resize(static_cast<size_t>(to));
  windows.weights.assign(static_cast<size_t>(to * windows.taps), 0.0f);
  for (int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * step - 0.5;
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(std::floor(centre - radius)) + 1);
    const auto last =
        std::min<int64_t>(from - 1, static_cast<int64_t>(std::ceil(centre + radius)) - 1);
    // Moved where the full width would reach beyond the image; the weights move along.
    const int64_t start = std::clamp<int64_t>(first, 0, from - windows.taps);
    float* weights = windows.weights.data() + i * windows.taps;
    double sum = 0;
    for (int64_t j = first; j <= last; ++j) {
      sum += 1 - std::abs(static_cast<double>(j) - centre) / radius;
    }
    for (int64_t j = first; j <= last; ++j) {
      weights[j - start] =
          static_cast<float>((1 - std::abs(static_cast<double>(j) - centre) / radius) / sum);
    }
    windows.start[static_cast<size_t>(i)] = start;
  }
  return windows;
}

template <typename T>
T rounded(float value) {
  if constexpr (std::is_same_v<T, float>)
    return value;
  else
    return static_cast<T>(std::clamp(value, 0.0f, 255.0f) + 0.5f);
}

/// Weighted sum of `taps` rows of `count` elements, `stride` apart.
template <typename T>
void sum_rows(const T* rows, int64_t stride, const float* weights, int64_t taps, int64_t count,
              float* sum) {
  const float first = weights[0];
  for (int64_t i = 0; i < count; ++i) sum[i] = first * static_cast<float>(rows[i]);
  for (int64_t tap = 1; tap < taps; ++tap) {
    const float weight = weights[tap];
    if (weight == 0) continue;
    const T* row = rows + tap * stride;
    for (int64_t i = 0; i < count; ++i) sum[i] += weight * static_cast<float>(row[i]);
  }
}

/// kChannels > 0 is the number of channels, 0: `channels` says it; kTaps likewise.
template <typename T, int kChannels, int kTaps>
void resample_row(const float* row, const Windows& windows, int64_t channels, T* result) {
  const int64_t num_channels = kChannels > 0 ? kChannels : channels;
  const int64_t taps = kTaps > 0 ? kTaps : windows.taps;
  const int64_t width = static_cast<int64_t>(windows.start.size());
  for (int64_t x = 0; x < width; ++x) {
    const float* weights = windows.weights.data() + x * taps;
    const float* pixels = row + windows.start[static_cast<size_t>(x)] * num_channels;
    for (int64_t c = 0; c < num_channels; ++c) {
      float sum = 0;
      for (int64_t tap = 0; tap < taps; ++tap) {
        sum += weights[tap] * pixels[tap * num_channels + c];
      }
      result[x * num_channels + c] = rounded<T>(sum);
    }
  }
}

/// The usual numbers of channels and taps get loops that the compiler can unroll.
template <typename T, int kChannels>
auto resampler(int64_t taps) {
  return taps == 2 ? resample_row<T, kChannels, 2> : resample_row<T, kChannels, 0>;
}

template <typename T>
void resize(const ImageSpec& input, const T* image, const ImageBox& box, int64_t height,
            int64_t width, bool antialias, T* result) {
  const Windows rows = triangle_windows(box.height, height, antialias);
  const Windows columns = triangle_windows(box.width, width, antialias);
  const int64_t channels = input.channels;
  const int64_t stride = input.width * channels;
  const T* origin = image + box.top * stride + box.left * channels;
  std::vector<float> row(static_cast<size_t>(box.width * channels));
  const auto resample = channels == 3   ? resampler<T, 3>(columns.taps)
                        : channels == 1 ? resampler<T, 1>(columns.taps)
                                        : resampler<T, 0>(columns.taps);
  for (int64_t y = 0; y < height; ++y) {
    sum_rows(origin + rows.start[static_cast<size_t>(y)] * stride, stride,
             rows.weights.data() + y * rows.taps, rows.taps, box.width * channels, row.data());
    resample(row.data(), columns, channels, result + y * width * channels);
  }
}

}  // namespace

void resize_image(const ImageSpec& input, const std::byte* image, const ImageBox& box,
                  int64_t height, int64_t width, bool antialias, std::byte* result) {
  invariant(box.top >= 0 && box.left >= 0 && box.height >= 1 && box.width >= 1 &&
                box.top + box.height <= input.height && box.left + box.width <= input.width,
            "the box [{}, {}] at ({}, {}) does not lie within {}", box.height, box.width, box.top,
            box.left, describe(input));
  if (input.dtype == DType::u8) {
    resize(input, reinterpret_cast<const uint8_t*>(image), box, height, width, antialias,
           reinterpret_cast<uint8_t*>(result));
  } else {
    require(input.dtype == DType::f32, "[resize] takes images of u8 or f32, not {}",
            describe(input));
    resize(input, reinterpret_cast<const float*>(image), box, height, width, antialias,
           reinterpret_cast<float*>(result));
  }
}

}  // namespace brisk
