// Values out of nothing. Random words are Philox4x32-10 by element number, so they do not depend on
// the order in which elements are made.

#include "brisk/ops/source/source.h"
#include "brisk/backends/reference/elements.h"
#include "brisk/backends/reference/kernels.h"
#include "brisk/base/philox.h"
#include "brisk/base/shape.h"

namespace brisk::reference {
namespace {

std::array<uint32_t, 2> key_of(const Tensor& key) {
  const auto words = key.data<uint32_t>();
  return {words[0], words[1]};
}

std::vector<Tensor> evaluate_constant(const KernelCall& call) {
  return {call.as<ConstantAttributes>().value};
}

std::vector<Tensor> evaluate_iota(const KernelCall& call) {
  const TensorType& type = call.result();
  const std::vector<int64_t> sizes = type.shape.sizes();
  const auto axis = static_cast<size_t>(
      normalize_axis(call.as<IotaAttributes>().axis, type.shape.rank(), "iota"));
  const int64_t stride = row_major_strides(sizes)[axis];
  return with_wide(type.dtype, [&]<typename Wide>() -> std::vector<Tensor> {
    std::vector<Wide> values(static_cast<size_t>(checked_product(sizes)));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<Wide>(static_cast<int64_t>(i) / stride % sizes[axis]);
    return {narrow<Wide>(type.dtype, sizes, values)};
  });
}

std::vector<Tensor> evaluate_random_bits(const KernelCall& call) {
  const std::array<uint32_t, 2> key = key_of(call.in(0));
  Tensor result(DType::u32, call.result().shape.sizes());
  const auto words = result.data<uint32_t>();
  for (uint64_t i = 0; i < words.size(); ++i)
    words[i] = philox4x32(key, {static_cast<uint32_t>(i), static_cast<uint32_t>(i >> 32), 0, 0})[0];
  return {result};
}

std::vector<Tensor> evaluate_fold_key(const KernelCall& call) {
  const std::array<uint32_t, 2> key = key_of(call.in(0));
  const uint64_t folded =
      fold_key((uint64_t{key[1]} << 32) | key[0], widen<uint64_t>(call.in(1)).at(0));
  const std::array<uint32_t, 2> words = {static_cast<uint32_t>(folded),
                                         static_cast<uint32_t>(folded >> 32)};
  return {Tensor::of<uint32_t>({2}, words)};
}

}  // namespace

Kernel find_source_kernel(std::string_view op) {
  if (op == "constant") return evaluate_constant;
  if (op == "iota") return evaluate_iota;
  if (op == "random_bits") return evaluate_random_bits;
  if (op == "fold_key") return evaluate_fold_key;
  return nullptr;
}

}  // namespace brisk::reference
