#pragma once

/// Runs a loop program point by point with the scalar definitions of brisk/ir/expr.h: what
/// generated code is held against.

#include <functional>

#include "brisk/backends/loop/loop_program.h"
#include "brisk/base/tensor.h"

namespace brisk {

inline Scalar read_scalar(const Tensor& tensor, int64_t element) {
  const DType type = tensor.dtype();
  if (is_floating(type)) return {.value = tensor.get(element)};
  return dispatch(type, [&]<typename T>() -> Scalar {
    const T value = tensor.data<T>()[static_cast<size_t>(element)];
    if constexpr (std::is_same_v<T, bool>)
      return {.bits = value ? 1u : 0u};
    else if constexpr (std::is_integral_v<T>)
      return {.bits = static_cast<uint64_t>(static_cast<int64_t>(value))};
    else
      return {};
  });
}

inline void write_scalar(Tensor& tensor, int64_t element, Scalar scalar) {
  dispatch(tensor.dtype(), [&]<typename T>() {
    T& place = tensor.data<T>()[static_cast<size_t>(element)];
    if constexpr (std::is_integral_v<T>)
      place = static_cast<T>(scalar.bits);
    else if constexpr (std::is_same_v<T, double>)
      place = scalar.value;
    else
      place = T(static_cast<float>(scalar.value));
  });
}

/// `buffers`: operands and results; results are written.
inline void interpret(const LoopProgram& program, std::vector<Tensor>& buffers) {
  const size_t rank = program.axes.size(), count = program.lines.size();
  std::vector<int64_t> index(rank);
  const auto at = [&](const AffineIndex& affine) {
    int64_t sum = affine.offset;
    for (size_t a = 0; a < rank; ++a) sum += affine.strides[a] * index[a];
    return sum;
  };
  std::vector<Scalar> value(count);
  // Results of reductions by line, then by kept index.
  std::vector<std::vector<Scalar>> folded(count);
  int64_t kept = 1;
  for (const LoopAxis& axis : program.axes) kept *= axis.reduced ? 1 : axis.size;
  const auto kept_index = [&] {
    int64_t flat = 0;
    for (size_t a = 0; a < rank; ++a)
      if (!program.axes[a].reduced) flat = flat * program.axes[a].size + index[a];
    return static_cast<size_t>(flat);
  };
  const auto compute = [&](size_t i) {
    const LoopLine& line = program.lines[i];
    switch (line.kind) {
      case LoopLine::Kind::load: {
        const LoopLoad& load = program.loads[static_cast<size_t>(line.index)];
        value[i] = read_scalar(buffers[static_cast<size_t>(load.buffer)], at(load.at));
        return;
      }
      case LoopLine::Kind::position:
        value[i] = {
            .bits = static_cast<uint64_t>(at(program.positions[static_cast<size_t>(line.index)]))};
        return;
      case LoopLine::Kind::reduction:
        value[i] = folded[i][kept_index()];
        return;
      case LoopLine::Kind::rounded: {
        Tensor storage(line.storage, {1});
        write_scalar(storage, 0, value[static_cast<size_t>(line.operands[0])]);
        value[i] = read_scalar(storage, 0);
        return;
      }
      case LoopLine::Kind::operation:
        break;
    }
    std::vector<Scalar> operands;
    for (const int32_t operand : line.operands)
      if (operand >= 0) operands.push_back(value[static_cast<size_t>(operand)]);
    DType type = line.type;
    if (!operands.empty()) {
      const size_t typed = line.op == ScalarOp::select ? 1 : 0;
      type = program.lines[static_cast<size_t>(line.operands[typed])].type;
    }
    value[i] = evaluate({.op = line.op, .type = line.type, .value = line.value, .bits = line.bits},
                        type, operands);
  };
  const auto each_point = [&](const std::function<void()>& body) {
    std::function<void(size_t)> open = [&](size_t axis) {
      if (axis == rank) return body();
      for (index[axis] = 0; index[axis] < program.axes[axis].size; ++index[axis]) open(axis + 1);
      index[axis] = 0;
    };
    open(0);
  };
  // One pass over all points per line that folds; lines before it are recomputed each time.
  for (size_t i = 0; i < count; ++i) {
    const LoopLine& line = program.lines[i];
    if (line.kind != LoopLine::Kind::reduction) continue;
    const LoopReduction& reduction = program.reductions[static_cast<size_t>(line.index)];
    folded[i].assign(static_cast<size_t>(kept),
                     {.value = reduction.identity, .bits = reduction.identity_bits});
    // Sums of f32 are taken in f64 here: the exact result, which code comes near to.
    const bool exact_sum = line.type == DType::f32 && reduction.combiner == ScalarOp::add;
    each_point([&] {
      for (size_t j = 0; j < i; ++j)
        if (program.lines[j].kind != LoopLine::Kind::reduction || !folded[j].empty()) compute(j);
      const std::array<Scalar, 2> operands{folded[i][kept_index()],
                                           value[static_cast<size_t>(reduction.line)]};
      const DType type = exact_sum ? DType::f64 : line.type;
      folded[i][kept_index()] = evaluate({.op = reduction.combiner, .type = type}, type, operands);
    });
    if (exact_sum)
      for (Scalar& sum : folded[i]) sum.value = static_cast<float>(sum.value);
  }
  each_point([&] {
    for (size_t i = 0; i < count; ++i) compute(i);
    for (const LoopStore& store : program.stores)
      write_scalar(buffers[static_cast<size_t>(store.buffer)], at(store.at),
                   value[static_cast<size_t>(store.line)]);
  });
  // An empty fold has results although there is no point.
  bool empty = false;
  for (const LoopAxis& axis : program.axes) empty |= axis.reduced && axis.size == 0;
  if (!empty) return;
  const std::function<void(size_t)> open = [&](size_t axis) {
    if (axis < rank) {
      const int64_t size = program.axes[axis].reduced ? 1 : program.axes[axis].size;
      for (index[axis] = 0; index[axis] < size; ++index[axis]) open(axis + 1);
      index[axis] = 0;
      return;
    }
    for (size_t i = 0; i < count; ++i)
      if (program.lines[i].reduced) compute(i);
    for (const LoopStore& store : program.stores)
      if (program.lines[static_cast<size_t>(store.line)].reduced)
        write_scalar(buffers[static_cast<size_t>(store.buffer)], at(store.at),
                     value[static_cast<size_t>(store.line)]);
  };
  open(0);
}

}  // namespace brisk
