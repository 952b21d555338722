// Axes are walked in the destination's order, so that writes are contiguous. Where the source's
// contiguous axis is another one (a transpose), both are walked in square blocks: the lines read
// for one row of a block serve its other rows; elements of four bytes are transposed in registers.

#include "brisk/backends/cpu/kernels/move/strided_copy.h"

#include <algorithm>
#include <cstring>

#include "brisk/base/parallel.h"

namespace brisk::cpu {

extern const TransposeLoops transpose_loops_avx2, transpose_loops_avx512;

const TransposeLoops* transpose_loops(KernelIsa isa) {
  switch (isa) {
    case KernelIsa::avx512:
      return &transpose_loops_avx512;
    case KernelIsa::avx2:
      return &transpose_loops_avx2;
    case KernelIsa::none:
      break;
  }
  return nullptr;
}

namespace {

/// Copies below this are not worth a second thread.
constexpr int64_t kBytesPerThread = 32 << 10;
constexpr int64_t kBlock = 16;

int useful_threads(int64_t bytes, int threads) {
  return static_cast<int>(std::clamp<int64_t>(bytes / kBytesPerThread, 1, threads));
}

/// Calls f.operator()<Bytes>() where Bytes is the element's size if that is one of the usual ones,
/// else 0.
template <typename F>
void with_element_size(int64_t bytes, F&& f) {
  switch (bytes) {
    case 1:
      return f.template operator()<1>();
    case 2:
      return f.template operator()<2>();
    case 4:
      return f.template operator()<4>();
    case 8:
      return f.template operator()<8>();
    case 16:
      return f.template operator()<16>();
    default:
      return f.template operator()<0>();
  }
}

template <int Bytes>
void copy_row(const std::byte* from, int64_t from_stride, std::byte* to, int64_t to_stride,
              int64_t count, int64_t bytes) {
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(to + i * to_stride, from + i * from_stride,
                static_cast<size_t>(Bytes > 0 ? Bytes : bytes));
}

bool lie_alike(const CopyAxis& outer, const CopyAxis& inner) {
  return outer.from == inner.from * inner.count && outer.to == inner.to * inner.count;
}

}  // namespace

StridedCopy::StridedCopy(std::vector<CopyAxis> axes, int64_t element_bytes)
    : element_bytes_(element_bytes), loops_(transpose_loops(kernel_isa())) {
  for (const CopyAxis& axis : axes) {
    if (axis.count == 1) continue;
    if (!outer_.empty() && lie_alike(outer_.back(), axis))
      outer_.back() = {outer_.back().count * axis.count, axis.from, axis.to};
    else
      outer_.push_back(axis);
  }
  if (!outer_.empty() && outer_.back().from == element_bytes_ &&
      outer_.back().to == element_bytes_) {
    element_bytes_ *= outer_.back().count;
    outer_.pop_back();
  }
  if (!outer_.empty()) {
    inner_ = outer_.back();
    outer_.pop_back();
    const auto contiguous = std::find_if(outer_.begin(), outer_.end(), [&](const CopyAxis& axis) {
      return axis.from == element_bytes_;
    });
    if (contiguous != outer_.end() && inner_.to == element_bytes_ && element_bytes_ <= 16) {
      across_ = *contiguous;
      outer_.erase(contiguous);
      // Blocks of the contiguous axis are what threads divide.
      outer_.push_back(
          {(across_.count + kBlock - 1) / kBlock, across_.from * kBlock, across_.to * kBlock});
    }
  }
  for (const CopyAxis& axis : outer_) units_ *= axis.count;
}

void StridedCopy::run(const std::byte* from, std::byte* to, int threads) const {
  const int64_t rows = across_.count > 1 ? kBlock : 1;
  const int64_t bytes = units_ * rows * inner_.count * element_bytes_;
  if (bytes == 0) return;
  threads = useful_threads(bytes, threads);
  if (units_ == 1 && inner_.count == 1 && element_bytes_ > kBytesPerThread) {
    parallel_for(element_bytes_ / 64, threads, [&](int64_t begin, int64_t end) {
      const int64_t last = end == element_bytes_ / 64 ? element_bytes_ : end * 64;
      std::memcpy(to + begin * 64, from + begin * 64, static_cast<size_t>(last - begin * 64));
    });
    return;
  }
  const int64_t splits = units_ >= threads ? 1 : std::min<int64_t>(inner_.count, threads);
  parallel_for(units_ * splits, threads,
               [&](int64_t begin, int64_t end) { copy_units(from, to, begin, end, splits); });
}

void StridedCopy::copy_units(const std::byte* from, std::byte* to, int64_t begin, int64_t end,
                             int64_t splits) const {
  for (int64_t number = begin; number < end; ++number) {
    const int64_t split = number % splits;
    int64_t unit = number / splits, from_offset = 0, to_offset = 0, rows = across_.count;
    for (size_t axis = outer_.size(); axis-- > 0;) {
      const int64_t index = unit % outer_[axis].count;
      unit /= outer_[axis].count;
      from_offset += index * outer_[axis].from;
      to_offset += index * outer_[axis].to;
      if (across_.count > 1 && axis + 1 == outer_.size())
        rows = std::min(kBlock, across_.count - index * kBlock);
    }
    const int64_t first = inner_.count * split / splits;
    const int64_t last = inner_.count * (split + 1) / splits;
    if (across_.count == 1) {
      copy_inner(from + from_offset, to + to_offset, first, last);
      continue;
    }
    if (element_bytes_ == sizeof(float) && loops_ != nullptr) {
      loops_->transpose(reinterpret_cast<const float*>(from + from_offset + first * inner_.from),
                        inner_.from / element_bytes_,
                        reinterpret_cast<float*>(to + to_offset + first * inner_.to),
                        across_.to / element_bytes_, last - first, rows);
      continue;
    }
    with_element_size(element_bytes_, [&]<int Bytes>() {
      for (int64_t block = first; block < last; block += kBlock) {
        const int64_t columns = std::min(kBlock, last - block);
        for (int64_t row = 0; row < rows; ++row)
          copy_row<Bytes>(from + from_offset + row * across_.from + block * inner_.from,
                          inner_.from, to + to_offset + row * across_.to + block * inner_.to,
                          inner_.to, columns, element_bytes_);
      }
    });
  }
}

void StridedCopy::copy_inner(const std::byte* from, std::byte* to, int64_t begin,
                             int64_t end) const {
  with_element_size(element_bytes_, [&]<int Bytes>() {
    copy_row<Bytes>(from + begin * inner_.from, inner_.from, to + begin * inner_.to, inner_.to,
                    end - begin, element_bytes_);
  });
}

std::vector<int64_t> byte_strides(std::span<const int64_t> sizes, int64_t element_bytes) {
  std::vector<int64_t> strides(sizes.size());
  for (size_t axis = sizes.size(); axis-- > 0; element_bytes *= sizes[axis])
    strides[axis] = element_bytes;
  return strides;
}

void fill_elements(std::byte* to, int64_t count, const std::byte* value, int64_t element_bytes,
                   int threads) {
  const bool is_zero =
      std::all_of(value, value + element_bytes, [](std::byte b) { return b == std::byte{0}; });
  parallel_for(count, useful_threads(count * element_bytes, threads),
               [&](int64_t begin, int64_t end) {
                 std::byte* first = to + begin * element_bytes;
                 if (is_zero) {
                   std::memset(first, 0, static_cast<size_t>((end - begin) * element_bytes));
                   return;
                 }
                 with_element_size(element_bytes, [&]<int Bytes>() {
                   copy_row<Bytes>(value, 0, first, element_bytes, end - begin, element_bytes);
                 });
               });
}

}  // namespace brisk::cpu
