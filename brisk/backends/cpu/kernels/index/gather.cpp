#include <cstring>

#include "brisk/backends/cpu/kernels/index/axis_view.h"
#include "brisk/backends/cpu/kernels/index/index.h"
#include "brisk/base/parallel.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk::cpu {
namespace {

/// Calls f.operator()<Bytes>() where Bytes is `bytes` if that is an element's size, else 0.
template <typename F>
void with_item_size(int64_t bytes, F&& f) {
  switch (bytes) {
    case 1:
      return f.template operator()<1>();
    case 2:
      return f.template operator()<2>();
    case 4:
      return f.template operator()<4>();
    case 8:
      return f.template operator()<8>();
    default:
      return f.template operator()<0>();
  }
}

template <int Bytes>
void copy_item(std::byte* to, const std::byte* from, int64_t bytes) {
  std::memcpy(to, from, static_cast<size_t>(Bytes > 0 ? Bytes : bytes));
}

/// Whole slices: item (outer, i) of the result is slice indices[i].
class Gather final : public Launch {
 public:
  explicit Gather(const KernelRequest& request)
      : x_(view_around(request.operands[0].shape(),
                       request.node.attributes.as<AxisAttributes>().axis)),
        count_(request.operands[1].shape().num_elements()),
        index_type_(request.operands[1].dtype()),
        slice_bytes_(x_.inner * byte_size(request.operands[0].dtype())),
        threads_(threads_for_bytes(2 * x_.outer * count_ * slice_bytes_, request.threads)) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte*) override {
    const Positions indices(operands[1], index_type_);
    const std::byte* x = operands[0];
    std::byte* result = results[0];
    parallel_for(x_.outer * count_, threads_, [&](int64_t begin, int64_t end) {
      with_item_size(slice_bytes_, [&]<int Bytes>() {
        for (int64_t item = begin; item < end; ++item) {
          const int64_t outer = item / count_;
          const int64_t position = clamped(indices[item - outer * count_], x_.extent);
          copy_item<Bytes>(result + item * slice_bytes_,
                           x + (outer * x_.extent + position) * slice_bytes_, slice_bytes_);
        }
      });
    });
  }
  std::string name() const override { return "gather"; }

 private:
  AxisView x_;
  int64_t count_;
  DType index_type_;
  int64_t slice_bytes_;
  int threads_;
};

/// Single elements, each with a position of its own.
class TakeAlongAxis final : public Launch {
 public:
  explicit TakeAlongAxis(const KernelRequest& request)
      : x_(view_around(request.operands[0].shape(),
                       request.node.attributes.as<AxisAttributes>().axis)),
        taken_(view_around(request.operands[1].shape(),
                           request.node.attributes.as<AxisAttributes>().axis)),
        index_type_(request.operands[1].dtype()),
        bytes_(byte_size(request.operands[0].dtype())),
        threads_(threads_for_bytes(2 * bytes_ * request.operands[1].shape().num_elements(),
                                   request.threads)) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte*) override {
    const Positions indices(operands[1], index_type_);
    const std::byte* x = operands[0];
    std::byte* result = results[0];
    parallel_for(taken_.outer * taken_.extent, threads_, [&](int64_t begin, int64_t end) {
      with_item_size(bytes_, [&]<int Bytes>() {
        for (int64_t row = begin; row < end; ++row) {
          const int64_t first = row / taken_.extent * x_.extent;
          for (int64_t i = 0; i < x_.inner; ++i) {
            const int64_t item = row * x_.inner + i;
            const int64_t position = clamped(indices[item], x_.extent);
            copy_item<Bytes>(result + item * bytes_,
                             x + ((first + position) * x_.inner + i) * bytes_, bytes_);
          }
        }
      });
    });
  }
  std::string name() const override { return "gather"; }

 private:
  AxisView x_, taken_;
  DType index_type_;
  int64_t bytes_;
  int threads_;
};

}  // namespace

std::optional<std::string> refuse_gather(const KernelRequest& request) {
  if (request.operands[0].dtype() == DType::i4) return "takes elements of whole bytes, not i4";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_gather(const KernelRequest& request) {
  if (request.node.op->name == "gather") return std::make_unique<Gather>(request);
  return std::make_unique<TakeAlongAxis>(request);
}

}  // namespace brisk::cpu
