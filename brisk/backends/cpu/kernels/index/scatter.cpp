// Adding at positions given as data. Every element of the result belongs to one thread, which goes
// through all updates in order: either threads divide the columns of the slices, which is even
// work whatever the positions, or, where slices are short, the destination's rows.
//
// Short floats are widened to f32 in scratch memory, added up there and rounded at the end.

#include <cstring>

#include "brisk/backends/cpu/kernels/index/axis_view.h"
#include "brisk/backends/cpu/kernels/index/index.h"
#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/base/half.h"
#include "brisk/base/parallel.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk::cpu {
namespace {

/// Slices shorter than this are not divided.
constexpr int64_t kLeastColumns = 64;

/// What elements of type T are added up in. Signed integers as unsigned ones, which wrap.
template <typename T>
struct SumOf {
  using type = std::conditional_t<std::is_integral_v<T>, std::make_unsigned_t<T>, T>;
};
template <typename T>
requires(std::is_class_v<T>) struct SumOf<T> {
  using type = float;
};
template <>
struct SumOf<float> {
  using type = float;
};
template <>
struct SumOf<double> {
  using type = double;
};

class Scatter final : public Launch {
 public:
  explicit Scatter(const KernelRequest& request)
      : is_slicewise_(request.node.op->name == "scatter_add"),
        type_(request.operands[0].dtype()),
        index_type_(request.operands[1].dtype()),
        x_(view_around(request.operands[0].shape(),
                       request.node.attributes.as<AxisAttributes>().axis)),
        count_(is_slicewise_ ? request.operands[1].shape().num_elements()
                             : request.operands[1].shape().size(
                                   request.node.attributes.as<AxisAttributes>().axis)),
        elements_(request.operands[0].shape().num_elements()),
        threads_(threads_for_bytes(
            (2 * elements_ + x_.outer * count_ * x_.inner) * byte_size(type_), request.threads)) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    dispatch(type_, [&]<typename T>() {
      if constexpr (!std::is_same_v<T, bool>) add<T>(operands, results[0], scratch);
    });
  }
  int64_t scratch_bytes() const override { return is_short_float(type_) ? elements_ * 4 : 0; }
  bool in_place(size_t, size_t operand) const override { return operand == 0; }
  std::string name() const override { return "scatter"; }

 private:
  template <typename T>
  void add(std::span<std::byte* const> operands, std::byte* result, std::byte* scratch) const {
    using Sum = typename SumOf<T>::type;
    constexpr bool kWidened = sizeof(Sum) != sizeof(T);
    const auto* x = reinterpret_cast<const T*>(operands[0]);
    const Positions indices(operands[1], index_type_);
    const auto* updates = reinterpret_cast<const T*>(operands[2]);
    auto* sums = reinterpret_cast<Sum*>(kWidened ? scratch : result);
    if (kWidened) {
      parallel_for(elements_, threads_, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) sums[i] = static_cast<Sum>(x[i]);
      });
    } else if (result != operands[0]) {
      parallel_for(elements_, threads_, [&](int64_t begin, int64_t end) {
        std::memcpy(sums + begin, x + begin, static_cast<size_t>(end - begin) * sizeof(T));
      });
    }
    const bool by_columns = x_.inner >= kLeastColumns;
    parallel_for(by_columns ? x_.inner : x_.outer * x_.extent, threads_,
                 [&](int64_t begin, int64_t end) {
                   if (by_columns)
                     add_part<T>(sums, indices, updates, {0, x_.outer * x_.extent}, {begin, end});
                   else
                     add_part<T>(sums, indices, updates, {begin, end}, {0, x_.inner});
                 });
    if (kWidened)
      parallel_for(elements_, threads_, [&](int64_t begin, int64_t end) {
        auto* rounded = reinterpret_cast<T*>(result);
        for (int64_t i = begin; i < end; ++i) rounded[i] = static_cast<T>(sums[i]);
      });
  }

  struct Part {
    int64_t begin, end;
  };
  /// The updates of columns `columns` that fall into `rows` of [outer * extent].
  template <typename T, typename Sum>
  void add_part(Sum* sums, const Positions& indices, const T* updates, Part rows,
                Part columns) const {
    if (rows.begin >= rows.end) return;
    const int64_t last_outer = (rows.end - 1) / x_.extent;
    for (int64_t outer = rows.begin / x_.extent; outer <= last_outer; ++outer)
      for (int64_t i = 0; i < count_; ++i) {
        const int64_t first = (outer * count_ + i) * x_.inner;
        if (is_slicewise_) {
          const int64_t row = row_of(outer, indices[i]);
          if (row < rows.begin || row >= rows.end) continue;
          for (int64_t c = columns.begin; c < columns.end; ++c)
            sums[row * x_.inner + c] += static_cast<Sum>(updates[first + c]);
        } else {
          for (int64_t c = columns.begin; c < columns.end; ++c) {
            const int64_t row = row_of(outer, indices[first + c]);
            if (row >= rows.begin && row < rows.end)
              sums[row * x_.inner + c] += static_cast<Sum>(updates[first + c]);
          }
        }
      }
  }
  /// -1 where the position is out of range.
  int64_t row_of(int64_t outer, int64_t position) const {
    return position >= 0 && position < x_.extent ? outer * x_.extent + position : -1;
  }

  bool is_slicewise_;
  DType type_, index_type_;
  AxisView x_;
  int64_t count_;  ///< of slices per outer index
  int64_t elements_;
  int threads_;
};

}  // namespace

std::optional<std::string> refuse_scatter(const KernelRequest& request) {
  const DType type = request.operands[0].dtype();
  if (type == DType::i4 || type == DType::boolean)
    return fmt::format("adds up numbers of whole bytes, not {}", brisk::name(type));
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_scatter(const KernelRequest& request) {
  return std::make_unique<Scatter>(request);
}

}  // namespace brisk::cpu
