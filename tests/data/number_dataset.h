#pragma once

/// Datasets of the numbers 0, 1, 2, ... whose outputs tests can write down by hand.

#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "brisk/data/memory_source.h"

namespace brisk {

/// Examples {i64[]}: first, first + 1, ..., count of them.
inline Dataset numbers(int64_t count, int64_t first = 0) {
  std::vector<int64_t> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), first);
  return from_tensor_slices({Tensor::of<int64_t>({count}, values)});
}

inline std::vector<int64_t> elements_of(const Tensor& tensor) {
  const auto data = tensor.data<int64_t>();
  return {data.begin(), data.end()};
}

using Batches = std::vector<std::vector<int64_t>>;

/// The first component of up to `limit` outputs, from where the iterator stands.
inline Batches rest(DatasetIterator& iterator, int64_t limit = 1 << 20) {
  Batches batches;
  Example example;
  while (limit-- > 0 && iterator.next(example)) batches.push_back(elements_of(example.at(0)));
  return batches;
}

inline Batches batches_of(const Dataset& dataset, const IteratorOptions& options = {},
                          int64_t limit = 1 << 20) {
  return rest(*dataset.iterator(options), limit);
}

/// All elements of all outputs, one after another.
inline std::vector<int64_t> flat(const Batches& batches) {
  std::vector<int64_t> values;
  for (const auto& batch : batches) values.insert(values.end(), batch.begin(), batch.end());
  return values;
}

inline std::vector<int64_t> values_of(const Dataset& dataset, const IteratorOptions& options = {},
                                      int64_t limit = 1 << 20) {
  return flat(batches_of(dataset, options, limit));
}

/// A map of numbers.
inline MapFunction on_number(std::function<int64_t(int64_t, const ExampleContext&)> function) {
  return [function](Example example, const ExampleContext& context) {
    example[0].set(0, static_cast<double>(function(example[0].data<int64_t>()[0], context)));
    return example;
  };
}

}  // namespace brisk
