#include "brisk/formats/package/packed_weights.h"

namespace brisk {
namespace {

std::vector<int64_t> packed_sizes(std::vector<int64_t> sizes, int64_t bytes) {
  if (sizes.empty() || sizes.back() % 2 != 0) return {bytes};
  sizes.back() /= 2;
  return sizes;
}

}  // namespace

Tensor for_file(const Tensor& weight) {
  if (weight.dtype() != DType::i4) return weight;
  return {DType::u8, packed_sizes(weight.sizes(), weight.num_bytes()), weight.storage()};
}

Result<Tensor> from_file(const Tensor& stored, const Type& type) {
  const Failure differs = fail("is {}, but graph.txt says {}", stored.describe(), type.to_string());
  if (!type.is_tensor() || type.dtype() != DType::i4) {
    if (Type(stored.dtype(), Shape(stored.sizes())) == type) return stored;
    return differs;
  }
  if (type.tensor().quantization || !type.shape().is_static() || stored.dtype() != DType::u8)
    return differs;
  const std::vector<int64_t> sizes = type.shape().sizes();
  int64_t count = 1;  // of a graph that anybody may have written
  for (const int64_t size : sizes)
    if (__builtin_mul_overflow(count, size, &count)) return differs;
  const int64_t bytes = stored.num_bytes();
  if (bytes != count / 2 + count % 2 || stored.sizes() != packed_sizes(sizes, bytes))
    return differs;
  if (count % 2 != 0 && (stored.bytes()[bytes - 1] & std::byte{0xF0}) != std::byte{0})
    return fail("has {} numbers of 4 bits, and bits that are set behind the last", count);
  return Tensor(DType::i4, sizes, stored.storage());
}

}  // namespace brisk
