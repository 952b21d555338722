#include <cmath>
#include <numbers>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/cast_to.h"
#include "brisk/formats/onnx/ops/limits.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/index/index.h"

// Signals: the discrete Fourier transform as a product with its matrix (exact for any length, and
// n^2 as the matrix product does it), the short-time one as that over windows, windows and the mel
// scale as constants made here.

namespace brisk::onnx {
namespace {

/// cos or sin of 2 pi row column / length, [rows, columns], in the type of `like`.
Value wave(const Value& like, int64_t rows, int64_t columns, int64_t length, bool sine,
           double factor = 1) {
  check_table("transform", rows, columns);
  Tensor table(DType::f64, {rows, columns});
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(row * column % length) /
                           static_cast<double>(length);
      table.set(row * columns + column, factor * (sine ? std::sin(angle) : std::cos(angle)));
    }
  return like.builder->constant(table.cast(like.dtype()));
}

Value times(Value x, Value table) {
  return dot_general(x, table, {.lhs_contract = {x.rank() - 1}, .rhs_contract = {0}});
}

/// The last axis cut or filled with zeros to `length`.
Value fitted(Value x, int64_t length) {
  std::vector<int64_t> low(static_cast<size_t>(x.rank()), 0), high(low);
  high.back() = length - size_of(x, x.rank() - 1);
  return high.back() == 0 ? x : pad(x, x.builder->scalar(x.dtype(), 0), low, high);
}

struct Complex {
  Value real, imaginary;  ///< imaginary: not defined for real signals
};

/// Along the last axis.
Complex transformed(const Complex& x, int64_t length, int64_t kept, bool inverse) {
  const double norm = inverse ? 1 / static_cast<double>(length) : 1;
  const Value c = wave(x.real, length, kept, length, false, norm),
              s = wave(x.real, length, kept, length, true, inverse ? norm : -norm);
  Complex y{times(x.real, c), times(x.real, s)};
  if (x.imaginary.defined()) {
    y.real = y.real - times(x.imaginary, s);
    y.imaginary = y.imaginary + times(x.imaginary, c);
  }
  return y;
}

void dft(Call& c) {
  const Value input = c.in(0);  // [..., 1 or 2]
  const Value x = widened(input);
  const bool inverse = c.integer("inverse", 0) != 0, onesided = c.integer("onesided", 0) != 0;
  int64_t axis = c.opset >= 20 ? (c.has(2) ? c.known_integer(2) : -2) : c.integer("axis", 1);
  axis = checked_axis(axis, x.rank());
  require(axis < x.rank() - 1, "it transforms along axis {}, which holds real and imaginary parts",
          axis);
  const int64_t parts = size_of(x, x.rank() - 1), size = size_of(x, axis);
  require(parts == 1 || parts == 2, "its last axis has {} parts", parts);
  const auto part = [&](int64_t i) {
    return axis_to_end(squeeze(slice_axis(x, x.rank() - 1, i, i + 1), x.rank() - 1), axis);
  };
  const bool to_real = inverse && onesided;
  const int64_t length = c.has(1) ? c.known_integer(1) : to_real ? 2 * (size - 1) : size;
  require(length >= 1 && length <= kMaxConstant, "its length is {}", length);
  Complex signal{part(0), {}};
  if (parts == 2) signal.imaginary = part(1);
  if (to_real) {
    // Half a spectrum: the other half is its mirror image, so real parts count twice but at the
    // ends.
    const int64_t half = length / 2 + 1;
    std::vector<float> weights(static_cast<size_t>(half), 2);
    weights[0] = 1;
    if (length % 2 == 0) weights.back() = 1;
    const Value weight = real_list(c.builder(), weights, x.dtype());
    const double norm = 1 / static_cast<double>(length);
    Value y = times(fitted(signal.real, half) * weight, wave(x, half, length, length, false, norm));
    if (signal.imaginary.defined())
      y = y -
          times(fitted(signal.imaginary, half) * weight, wave(x, half, length, length, true, norm));
    return c.out(cast(expand_dims(axis_from_end(y, axis), x.rank() - 1), input.dtype()));
  }
  signal.real = fitted(signal.real, length);
  if (signal.imaginary.defined()) signal.imaginary = fitted(signal.imaginary, length);
  const Complex y = transformed(signal, length, onesided ? length / 2 + 1 : length, inverse);
  const auto back = [&](Value v) { return expand_dims(axis_from_end(v, axis), x.rank() - 1); };
  c.out(cast(concatenate(std::vector<Value>{back(y.real), back(y.imaginary)}, x.rank() - 1),
             input.dtype()));
}

/// signal [batch, length, 1 or 2] to [batch, frames, bins, 2].
void stft(Call& c) {
  const int64_t step = c.known_integer(1);
  int64_t frame = c.has(3) ? c.known_integer(3) : 0;
  const Value input = c.in(0);
  Value x = widened(input);
  if (x.rank() == 2) x = expand_dims(x, 2);
  if (c.has(2) && frame == 0) frame = size_of(c.in(2), 0);
  require(frame > 0 && step > 0, "its frames have the length {} and the step {}", frame, step);
  const int64_t length = size_of(x, 1), frames = (length - frame) / step + 1, parts = size_of(x, 2);
  check_table("frames", std::max<int64_t>(frames, 0), frame);
  require(length >= frame, "a signal of {} is shorter than a frame of {}", length, frame);
  std::vector<int64_t> places;
  for (int64_t i = 0; i < frames; ++i)
    for (int64_t k = 0; k < frame; ++k) places.push_back(i * step + k);
  const Value index = c.builder().constant(Tensor::of<int64_t>({frames, frame}, places));
  const auto part = [&](int64_t i) {
    Value y = gather(squeeze(slice_axis(x, 2, i, i + 1), 2), index, 1);  // [batch, frames, frame]
    return c.has(2) ? y * fitted(cast(c.in(2), x.dtype()), frame) : y;
  };
  Complex signal{part(0), {}};
  if (parts == 2) signal.imaginary = part(1);
  const bool onesided = c.integer("onesided", 1) != 0;
  const Complex y = transformed(signal, frame, onesided ? frame / 2 + 1 : frame, false);
  c.out(
      cast(concatenate(std::vector<Value>{expand_dims(y.real, 3), expand_dims(y.imaginary, 3)}, 3),
           input.dtype()));
}

/// a0 - a1 cos(2 pi n / N) + a2 cos(4 pi n / N).
void window(Call& c, double a0, double a1, double a2) {
  const int64_t size = c.known_integer(0);
  const ElementType type = c.element_attribute("output_datatype").value_or(ElementType::f32);
  check_table("window", size);
  const double period = static_cast<double>(c.integer("periodic", 1) != 0 ? size : size - 1);
  Tensor values(DType::f64, {size});
  for (int64_t i = 0; i < size; ++i) {
    const double angle = period == 0 ? 0 : 2 * std::numbers::pi * static_cast<double>(i) / period;
    values.set(i, a0 - a1 * std::cos(angle) + a2 * std::cos(2 * angle));
  }
  c.out(cast_element(c.builder().constant(values), ElementType::f64, type), type);
}
void hann(Call& c) {
  window(c, 0.5, 0.5, 0);
}
void hamming(Call& c) {
  window(c, 25.0 / 46.0, 21.0 / 46.0, 0);
}
void blackman(Call& c) {
  window(c, 0.42, 0.5, 0.08);
}

void mel_weight_matrix(Call& c) {
  const int64_t bins = c.known_integer(0), length = c.known_integer(1), rate = c.known_integer(2);
  require(bins > 0 && length > 0 && rate > 0, "it has {} bins, a length of {} and a rate of {}",
          bins, length, rate);
  check_table("matrix", length, bins);
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  const double low = mel(c.known_real(3)), high = mel(c.known_real(4)),
               step = (high - low) / static_cast<double>(bins + 2);
  std::vector<int64_t> edges;
  for (int64_t i = 0; i < bins + 2; ++i) {
    const double hertz = 700 * (std::pow(10, (static_cast<double>(i) * step + low) / 2595) - 1);
    edges.push_back(static_cast<int64_t>(
        std::floor(static_cast<double>(length + 1) * hertz / static_cast<double>(rate))));
  }
  const int64_t rows = length / 2 + 1;
  Tensor matrix = Tensor::zeros(DType::f64, {rows, bins});
  const auto put = [&](int64_t row, int64_t column, double value) {
    require(row >= 0 && row < rows, "a frequency lies beyond the spectrum");
    matrix.set(row * bins + column, value);
  };
  for (int64_t i = 0; i < bins; ++i) {
    const int64_t left = edges[static_cast<size_t>(i)], centre = edges[static_cast<size_t>(i) + 1],
                  right = edges[static_cast<size_t>(i) + 2];
    if (centre == left) put(centre, i, 1);
    for (int64_t j = left; centre != left && j <= centre; ++j)
      put(j, i, static_cast<double>(j - left) / static_cast<double>(centre - left));
    for (int64_t j = centre; j < right; ++j)
      put(j, i, static_cast<double>(right - j) / static_cast<double>(right - centre));
  }
  const ElementType type = c.element_attribute("output_datatype").value_or(ElementType::f32);
  c.out(cast_element(c.builder().constant(matrix), ElementType::f64, type), type);
}

constexpr OpRow kSignalRows[] = {
    {"DFT", dft},
    {"STFT", stft},
    {"HannWindow", hann},
    {"HammingWindow", hamming},
    {"BlackmanWindow", blackman},
    {"MelWeightMatrix", mel_weight_matrix},
};

}  // namespace

std::span<const OpRow> signal_ops() {
  return kSignalRows;
}

}  // namespace brisk::onnx
