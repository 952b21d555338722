// Walks along one axis: argmax, argmin, cumulative_sum. Columns (the inner axes) are taken in
// chunks whose state fits on the stack, row by row, so that memory is read in order.

#include <array>

#include "brisk/backends/cpu/kernels/index/axis_view.h"
#include "brisk/backends/cpu/kernels/index/index.h"
#include "brisk/base/half.h"
#include "brisk/base/parallel.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk::cpu {
namespace {

constexpr int64_t kChunk = 64;

/// Short floats as f32, other types as they are.
template <typename T>
auto number(T x) {
  if constexpr (std::is_class_v<T>)
    return static_cast<float>(x);
  else
    return x;
}

/// Calls body(first element, columns) for each chunk of columns of each outer index, in parallel.
template <typename F>
void for_each_chunk(const AxisView& view, int threads, F&& body) {
  const int64_t chunks = (view.inner + kChunk - 1) / kChunk;
  parallel_for(view.outer * chunks, threads, [&](int64_t begin, int64_t end) {
    for (int64_t number = begin; number < end; ++number) {
      const int64_t outer = number / chunks, column = number % chunks * kChunk;
      body(outer, column, std::min(kChunk, view.inner - column));
    }
  });
}

class AxisLaunch : public Launch {
 public:
  explicit AxisLaunch(const KernelRequest& request)
      : type_(request.operands[0].dtype()),
        x_(view_around(request.operands[0].shape(),
                       request.node.attributes.as<AxisAttributes>().axis)),
        threads_(threads_for_bytes(request.operands[0].shape().num_elements() * byte_size(type_),
                                   request.threads)) {}

 protected:
  DType type_;
  AxisView x_;
  int threads_;
};

class Extreme final : public AxisLaunch {
 public:
  explicit Extreme(const KernelRequest& request)
      : AxisLaunch(request), is_largest_(request.node.op->name == "argmax") {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte*) override {
    auto* result = reinterpret_cast<int32_t*>(results[0]);
    dispatch(type_, [&]<typename T>() {
      const auto* x = reinterpret_cast<const T*>(operands[0]);
      is_largest_ ? find<T, true>(x, result) : find<T, false>(x, result);
    });
  }
  std::string name() const override { return "along_axis"; }

 private:
  /// The first extreme; NaN is one.
  template <typename T, bool Largest>
  void find(const T* x, int32_t* result) const {
    using Number = decltype(number(T()));
    for_each_chunk(x_, threads_, [&](int64_t outer, int64_t column, int64_t columns) {
      const T* row = x + outer * x_.extent * x_.inner + column;
      int32_t* index = result + outer * x_.inner + column;
      std::array<Number, kChunk> best;
      for (int64_t c = 0; c < columns; ++c) best[static_cast<size_t>(c)] = number(row[c]);
      std::fill_n(index, columns, 0);
      for (int64_t i = 1; i < x_.extent; ++i) {
        row += x_.inner;
        for (int64_t c = 0; c < columns; ++c) {
          const Number here = number(row[c]);
          Number& leader = best[static_cast<size_t>(c)];
          const bool stays = Largest ? here <= leader : here >= leader;
          if (stays || leader != leader) continue;  // where neither holds, one of them is NaN
          leader = here;
          index[c] = static_cast<int32_t>(i);
        }
      }
    });
  }

  bool is_largest_;
};

class CumulativeSum final : public AxisLaunch {
 public:
  using AxisLaunch::AxisLaunch;

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte*) override {
    dispatch(type_, [&]<typename T>() {
      sum(reinterpret_cast<const T*>(operands[0]), reinterpret_cast<T*>(results[0]));
    });
  }
  bool in_place(size_t, size_t) const override { return true; }
  std::string name() const override { return "along_axis"; }

 private:
  template <typename T>
  void sum(const T* x, T* result) const {
    using Total = std::conditional_t<std::is_integral_v<T>, uint64_t, double>;
    for_each_chunk(x_, threads_, [&](int64_t outer, int64_t column, int64_t columns) {
      std::array<Total, kChunk> totals{};
      int64_t row = outer * x_.extent * x_.inner + column;
      for (int64_t i = 0; i < x_.extent; ++i, row += x_.inner)
        for (int64_t c = 0; c < columns; ++c) {
          Total& total = totals[static_cast<size_t>(c)];
          total += static_cast<Total>(number(x[row + c]));
          if constexpr (std::is_class_v<T>)
            result[row + c] = T(static_cast<float>(total));
          else
            result[row + c] = static_cast<T>(total);
        }
    });
  }
};

std::optional<std::string> refuse_unless_numbers(const KernelRequest& request) {
  const DType type = request.operands[0].dtype();
  if (type == DType::i4 || type == DType::boolean)
    return fmt::format("takes numbers of whole bytes, not {}", brisk::name(type));
  return std::nullopt;
}

}  // namespace

std::optional<std::string> refuse_extreme(const KernelRequest& request) {
  return refuse_unless_numbers(request);
}
std::unique_ptr<Launch> prepare_extreme(const KernelRequest& request) {
  return std::make_unique<Extreme>(request);
}

std::optional<std::string> refuse_cumulative_sum(const KernelRequest& request) {
  return refuse_unless_numbers(request);
}
std::unique_ptr<Launch> prepare_cumulative_sum(const KernelRequest& request) {
  return std::make_unique<CumulativeSum>(request);
}

}  // namespace brisk::cpu
