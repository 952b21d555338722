#pragma once

/// Loop programs of every form, with operands: compiled without a GPU by loop_source_test, run
/// against the interpreter where there is one.

#include <limits>

#include "tests/backends/loop_running.h"

namespace brisk {

struct LoopCase {
  std::string name;
  LoopProgram program;
  std::vector<Tensor> buffers;  ///< operands, then results (their contents do not matter)
  double tolerance = 2e-6;
  /// Where a result is a sum whose terms may cancel: the sum of their magnitudes, to which its
  /// rounding is relative. By result; the greatest of all elements; empty: none is.
  std::vector<double> magnitudes = {};
};

/// Row-major over all axes, over the kept ones, and the innermost alone.
struct LoopIndices {
  AffineIndex dense, kept, inner;
  int64_t points = 1, kept_points = 1, folded = 1;
  explicit LoopIndices(const std::vector<LoopAxis>& axes) {
    dense.strides.resize(axes.size());
    kept = inner = dense;
    for (size_t a = axes.size(); a-- > 0;) {
      dense.strides[a] = points;
      points *= axes[a].size;
      if (axes[a].reduced) {
        folded *= axes[a].size;
      } else {
        kept.strides[a] = kept_points;
        kept_points *= axes[a].size;
      }
    }
    inner.strides.back() = 1;
  }
};

/// (a + parameter[inner]) * b.
inline LoopCase pointwise_case(std::vector<LoopAxis> axes, DType type, DType parameter = DType::f32,
                               bool fill = true) {
  const LoopIndices at(axes);
  const DType compute = compute_type(type);
  LoopWriter w(axes, 3, 1);
  const int32_t a = w.load(0, type, at.dense), b = w.load(1, type, at.dense);
  const int32_t p = w.op(ScalarOp::cast, compute, {w.load(2, parameter, at.inner), -1, -1});
  w.store(w.op(ScalarOp::multiply, compute, {w.op(ScalarOp::add, compute, {a, p, -1}), b, -1}), 3,
          type, at.dense);
  std::string text = fmt::format("pointwise {}", name(type));
  for (const LoopAxis& axis : axes) text += fmt::format(" {}", axis.size);
  LoopCase result{text, w.program, {}};
  if (fill)
    result.buffers = {random_tensor(type, {at.points}, 1), random_tensor(type, {at.points}, 2),
                      random_tensor(parameter, {axes.back().size}, 3), Tensor(type, {at.points})};
  return result;
}

/// Sum, maximum and root of squares of (a + b[inner]) over the reduced axes.
inline LoopCase fold_case(std::vector<LoopAxis> axes, DType type = DType::f32) {
  const LoopIndices at(axes);
  LoopWriter w(axes, 2, 3);
  const DType f32 = compute_type(type);
  const int32_t x =
      w.op(ScalarOp::add, f32, {w.load(0, type, at.dense), w.load(1, f32, at.inner), -1});
  const int32_t sum = w.fold(ScalarOp::add, x, 0);
  const int32_t most = w.fold(ScalarOp::maximum, x, -std::numeric_limits<double>::infinity());
  const int32_t square = w.fold(ScalarOp::add, w.op(ScalarOp::multiply, f32, {x, x, -1}), 0);
  const int32_t count =
      w.constant(f32, static_cast<double>(std::max<int64_t>(at.folded, 1)), 0, true);
  w.store(w.op(ScalarOp::divide, f32, {sum, count, -1}, true), 2, f32, at.kept);
  w.store(most, 3, type, at.kept);
  w.store(w.op(ScalarOp::square_root, f32, {square, -1, -1}, true), 4, f32, at.kept);
  std::string text = fmt::format("fold {}", name(type));
  for (const LoopAxis& axis : axes)
    text += fmt::format(" {}{}", axis.reduced ? "r" : "", axis.size);
  return {text,
          w.program,
          {random_tensor(type, {at.points}, 1), random_tensor(f32, {axes.back().size}, 2),
           Tensor(f32, {at.kept_points}), Tensor(type, {at.kept_points}),
           Tensor(f32, {at.kept_points})},
          f32 == DType::f64 ? 1e-12 : 1e-5};
}

/// exp(x - maximum) / sum.
inline LoopCase softmax_case(std::vector<LoopAxis> axes, DType type = DType::f32,
                             bool fill = true) {
  const LoopIndices at(axes);
  LoopWriter w(axes, 1, 1);
  const DType f32 = compute_type(type);
  const int32_t x = w.load(0, type, at.dense);
  const int32_t most = w.fold(ScalarOp::maximum, x, -std::numeric_limits<double>::infinity());
  const int32_t e =
      w.op(ScalarOp::exponential, f32, {w.op(ScalarOp::subtract, f32, {x, most, -1}), -1, -1});
  const int32_t sum = w.fold(ScalarOp::add, e, 0);
  w.store(w.op(ScalarOp::divide, f32, {e, sum, -1}), 1, type, at.dense);
  std::string text = fmt::format("softmax {}", name(type));
  for (const LoopAxis& axis : axes)
    text += fmt::format(" {}{}", axis.reduced ? "r" : "", axis.size);
  LoopCase result{text, w.program, {}};
  if (fill) result.buffers = {random_tensor(type, {at.points}, 1), Tensor(type, {at.points})};
  return result;
}

/// Batch norm in training as decomposed: mean, variance about it, scale and shift, ReLU; running
/// statistics. `axes` are reduced ones and, innermost, the channels.
inline LoopCase batch_norm_case(std::vector<LoopAxis> axes, DType type, bool fill = true) {
  const LoopIndices at(axes);
  constexpr DType f32 = DType::f32;
  LoopWriter w(axes, 4, 4);
  AffineIndex channel = at.kept;
  const int32_t x = w.load(0, type, at.dense);
  const int32_t mean = w.op(
      ScalarOp::divide, f32,
      {w.fold(ScalarOp::add, x, 0), w.constant(f32, static_cast<double>(at.folded), 0, true), -1},
      true);
  const int32_t centred = w.op(ScalarOp::subtract, f32, {x, mean, -1});
  const int32_t squares =
      w.fold(ScalarOp::add, w.op(ScalarOp::multiply, f32, {centred, centred, -1}), 0);
  const int32_t variance =
      w.op(ScalarOp::divide, f32,
           {squares, w.constant(f32, static_cast<double>(at.folded), 0, true), -1}, true);
  const int32_t deviation =
      w.op(ScalarOp::square_root, f32,
           {w.op(ScalarOp::add, f32, {variance, w.constant(f32, 1e-3, 0, true), -1}, true), -1, -1},
           true);
  const int32_t inverse =
      w.op(ScalarOp::divide, f32, {w.constant(f32, 1, 0, true), deviation, -1}, true);
  const int32_t scale =
      w.op(ScalarOp::multiply, f32, {inverse, w.load(1, f32, channel, true), -1}, true);
  const int32_t y =
      w.op(ScalarOp::add, f32,
           {w.op(ScalarOp::multiply, f32, {centred, scale, -1}), w.load(2, f32, channel), -1});
  w.store(w.op(ScalarOp::maximum, f32, {y, w.constant(f32, 0), -1}), 4, type, at.dense);
  w.store(mean, 5, f32, channel);
  w.store(inverse, 6, f32, channel);
  const int32_t old = w.load(3, f32, channel, true);
  const int32_t moved =
      w.op(ScalarOp::add, f32,
           {w.op(ScalarOp::multiply, f32, {old, w.constant(f32, 0.9, 0, true), -1}, true),
            w.op(ScalarOp::multiply, f32, {mean, w.constant(f32, 0.1, 0, true), -1}, true), -1},
           true);
  w.store(moved, 7, f32, channel);
  const int64_t c = at.kept_points;
  std::string text = fmt::format("batch_norm {}", name(type));
  for (const LoopAxis& axis : axes)
    text += fmt::format(" {}{}", axis.reduced ? "r" : "", axis.size);
  LoopCase result{text, w.program, {}, 1e-5};
  if (fill)
    result.buffers = {random_tensor(type, {at.points}, 1),
                      random_tensor(f32, {c}, 2),
                      random_tensor(f32, {c}, 3),
                      random_tensor(f32, {c}, 4),
                      Tensor(type, {at.points}),
                      Tensor(f32, {c}),
                      Tensor(f32, {c}),
                      Tensor(f32, {c})};
  return result;
}

/// Near `middle`: statistics and scales, as large random ones would leave nothing but rounding.
inline Tensor tensor_near(double middle, int64_t size, uint64_t key) {
  Tensor tensor = random_tensor(DType::f32, {size}, key);
  for (int64_t i = 0; i < size; ++i) tensor.set(i, middle + 0.05 * tensor.get(i));
  return tensor;
}

/// The greatest sum over the rows of [rows, channels] of |term(row, channel)|.
template <typename Term>
double largest_magnitude(int64_t rows, int64_t channels, const Term& term) {
  double largest = 0;
  for (int64_t channel = 0; channel < channels; ++channel) {
    double sum = 0;
    for (int64_t row = 0; row < rows; ++row)
      sum += std::fabs(term(row * channels + channel, channel));
    largest = std::max(largest, sum);
  }
  return largest;
}

/// The backward pass of batch norm after ReLU, as one loop: sums of dz and dz * xhat with
/// dz = y > 0 ? dy : 0, then dx = (dz - sum / m - xhat * sum2 / m) * scale.
inline LoopCase batch_norm_gradient_case(std::vector<LoopAxis> axes, DType type, bool fill = true) {
  const LoopIndices at(axes);
  constexpr DType f32 = DType::f32;
  LoopWriter w(axes, 6, 3);
  const int32_t x = w.load(0, type, at.dense), y = w.load(1, type, at.dense),
                dy = w.load(2, type, at.dense);
  const int32_t mean = w.load(3, f32, at.kept), inverse = w.load(4, f32, at.kept),
                gamma = w.load(5, f32, at.kept);
  const int32_t zero = w.constant(f32, 0);
  const int32_t dz =
      w.op(ScalarOp::select, f32, {w.op(ScalarOp::less, DType::boolean, {zero, y, -1}), dy, zero});
  const int32_t hat =
      w.op(ScalarOp::multiply, f32, {w.op(ScalarOp::subtract, f32, {x, mean, -1}), inverse, -1});
  const int32_t sum = w.fold(ScalarOp::add, dz, 0);
  const int32_t sum2 = w.fold(ScalarOp::add, w.op(ScalarOp::multiply, f32, {dz, hat, -1}), 0);
  const int32_t m = w.constant(f32, static_cast<double>(at.folded), 0, true);
  const int32_t a = w.op(ScalarOp::divide, f32, {sum, m, -1}, true),
                b = w.op(ScalarOp::divide, f32, {sum2, m, -1}, true);
  const int32_t rest = w.op(ScalarOp::subtract, f32,
                            {w.op(ScalarOp::subtract, f32, {dz, a, -1}),
                             w.op(ScalarOp::multiply, f32, {hat, b, -1}), -1});
  w.store(w.op(ScalarOp::multiply, f32,
               {rest, w.op(ScalarOp::multiply, f32, {gamma, inverse, -1}), -1}),
          6, type, at.dense);
  w.store(sum, 7, f32, at.kept);
  w.store(sum2, 8, f32, at.kept);
  const int64_t c = at.kept_points;
  std::string text = fmt::format("batch_norm_gradient {}", name(type));
  for (const LoopAxis& axis : axes)
    text += fmt::format(" {}{}", axis.reduced ? "r" : "", axis.size);
  LoopCase result{text, w.program, {}};
  if (!fill) return result;
  result.buffers = {random_tensor(type, {at.points}, 1),
                    random_tensor(type, {at.points}, 2),
                    random_tensor(type, {at.points}, 3),
                    tensor_near(0, c, 4),
                    tensor_near(1, c, 5),
                    tensor_near(1, c, 6),
                    Tensor(type, {at.points}),
                    Tensor(f32, {c}),
                    Tensor(f32, {c})};
  const std::vector<Tensor>& in = result.buffers;
  const auto dz_at = [&](int64_t i) { return in[1].get(i) > 0 ? in[2].get(i) : 0.0; };
  constexpr double kLargest = 8;  // of dz and of what is subtracted from it twice
  result.magnitudes = {
      3 * kLargest, largest_magnitude(at.folded, c, [&](int64_t i, int64_t) { return dz_at(i); }),
      largest_magnitude(at.folded, c, [&](int64_t i, int64_t channel) {
        return dz_at(i) * (in[0].get(i) - in[3].get(channel)) * in[4].get(channel);
      })};
  return result;
}

/// Loads that are broadcast, transposed, strided and reversed; positions.
inline LoopCase moves_case(int64_t rows, int64_t columns) {
  constexpr DType f32 = DType::f32;
  LoopWriter w({{rows, false}, {columns, false}}, 5, 2);
  int32_t sum = w.load(0, f32, {0, {columns, 1}});
  for (const int32_t line : {w.load(1, f32, {0, {0, 1}}), w.load(2, f32, {0, {1, 0}}),
                             w.load(3, f32, {0, {1, rows}}), w.load(4, f32, {3, {2 * columns, 2}}),
                             w.load(0, f32, {rows * columns - 1, {-columns, -1}})})
    sum = w.op(ScalarOp::add, f32, {sum, line, -1});
  w.store(sum, 5, f32, {0, {columns, 1}});
  w.store(w.position(DType::i64, {7, {-1, 3}}), 6, DType::i64, {0, {columns, 1}});
  return {fmt::format("moves {} {}", rows, columns),
          w.program,
          {random_tensor(f32, {rows, columns}, 1), random_tensor(f32, {columns}, 2),
           random_tensor(f32, {rows}, 3), random_tensor(f32, {columns, rows}, 4),
           random_tensor(f32, {2 * rows, columns + 4}, 5), Tensor(f32, {rows, columns}),
           Tensor(DType::i64, {rows, columns})}};
}

/// Every form over odd, small and empty sizes.
inline std::vector<LoopCase> loop_cases() {
  std::vector<LoopCase> cases;
  const auto kept = [](int64_t size) { return LoopAxis{size, false}; };
  const auto folded = [](int64_t size) { return LoopAxis{size, true}; };
  for (const int64_t size : {0, 1, 7, 8, 255, 4096, 100'003})
    cases.push_back(pointwise_case({kept(size)}, DType::f32));
  for (const DType type : {DType::f16, DType::bf16, DType::f64, DType::f8e4m3, DType::f8e5m2,
                           DType::i8, DType::u16, DType::i32, DType::i64})
    cases.push_back(
        pointwise_case({kept(37), kept(24)}, type, is_floating(type) ? DType::f32 : type));
  for (const int64_t c : {1, 3, 8, 64, 100, 2048, 3000})
    cases.push_back(pointwise_case({kept(97), kept(c)}, DType::f16));
  cases.push_back(pointwise_case({kept(5), kept(3), kept(4), kept(40)}, DType::f32));
  cases.push_back(pointwise_case({kept(0), kept(8)}, DType::f32));
  cases.push_back(moves_case(37, 53));
  cases.push_back(moves_case(64, 32));
  for (const int64_t l : {0, 1, 3, 8, 33, 64, 500, 1000, 2048, 5000, 40'000})
    cases.push_back(fold_case({kept(7), folded(l)}));
  for (const int64_t l : {64, 1000, 1001})
    cases.push_back(fold_case({kept(150), folded(l)}, DType::f16));
  for (const int64_t c : {1, 3, 8, 10, 64, 70, 520})
    cases.push_back(fold_case({folded(301), kept(c)}));
  for (const int64_t c : {8, 64, 256})
    cases.push_back(fold_case({folded(1400), kept(c)}, DType::f16));
  cases.push_back(fold_case({folded(0), kept(12)}));
  cases.push_back(fold_case({kept(0), folded(12)}));
  for (const int64_t size : {1, 5, 1000, 200'003}) cases.push_back(fold_case({folded(size)}));
  cases.push_back(fold_case({folded(70'001)}, DType::f64));
  cases.push_back(fold_case({kept(5), folded(9), kept(21)}));
  cases.push_back(fold_case({kept(40), folded(9), folded(4), kept(24)}));
  cases.push_back(fold_case({kept(6), folded(3), folded(50)}));
  cases.push_back(fold_case({kept(2), kept(3), folded(5), folded(4), folded(19)}));
  cases.push_back(fold_case({kept(3), folded(70'001)}));
  cases.push_back(fold_case({kept(2), folded(40), folded(1000)}));
  for (const DType type : {DType::f32, DType::f16}) {
    cases.push_back(softmax_case({kept(9), folded(45)}, type));
    cases.push_back(softmax_case({kept(150), folded(1000)}, type));
    cases.push_back(softmax_case({kept(3), folded(50'264)}, type));
    cases.push_back(softmax_case({kept(3), folded(70'000)}, type));
    cases.push_back(softmax_case({folded(45), kept(9)}, type));
    cases.push_back(softmax_case({kept(4), folded(45), kept(35)}, type));
    cases.push_back(softmax_case({folded(30'000)}, type));
  }
  for (const DType type : {DType::f32, DType::f16, DType::bf16}) {
    for (const int64_t c : {5, 8, 64, 264})
      cases.push_back(batch_norm_case({folded(1537), kept(c)}, type));
    cases.push_back(batch_norm_gradient_case({folded(700), kept(64)}, type));
    cases.push_back(batch_norm_gradient_case({folded(33), kept(7)}, type));
  }
  cases.push_back(batch_norm_case({kept(6), folded(50), kept(16)}, DType::f32));
  return cases;
}

}  // namespace brisk
