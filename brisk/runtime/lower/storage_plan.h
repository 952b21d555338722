#pragma once

/// Where every value of a graph lives while it runs: the part of a schedule that no device changes.
/// Values are given storages first; then, when kernels are chosen, the arena is laid out. Steps are
/// the nodes that compute, in order.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/ir/graph.h"

namespace brisk {

class StoragePlan {
 public:
  enum class Place : uint8_t { input, output, arena, constant };
  struct Storage {
    Place place = Place::arena;
    size_t index = 0;  ///< input, output, arena buffer or constant number
  };
  struct Step {
    NodeId node = -1;
    std::vector<size_t> operands, results;  ///< storages
    size_t scratch_buffer = SIZE_MAX;       ///< arena buffer; SIZE_MAX: none
  };
  /// An output that no step writes directly: an input, a constant or another output's value.
  struct Copy {
    size_t from_storage = 0, output = 0;
    int64_t bytes = 0;
  };
  /// Whether a step may write result `result` into operand `operand`'s memory.
  using InPlace = std::function<bool(size_t step, size_t result, size_t operand)>;

  /// All dimensions are bound.
  explicit StoragePlan(const Graph& graph);

  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<Copy>& copies() const { return copies_; }
  const std::vector<Tensor>& constants() const { return constants_; }
  const Storage& storage(size_t number) const { return storages_[number]; }
  size_t storage_of(ValueId value) const;
  /// The value is a constant of the graph or an input marked in `constant_inputs` (which may be
  /// shorter than the inputs: the rest is none).
  bool is_constant(ValueId value, const std::vector<bool>& constant_inputs) const;

  /// Lays out the arena. `scratch_bytes`: of each step. `apart_bytes`: so many bytes are spent on
  /// giving the smallest buffers memory of their own, for a device that runs steps at the same time
  /// where they share none.
  void plan_arena(std::span<const int64_t> scratch_bytes, const InPlace& in_place,
                  int64_t alignment = 64, int64_t apart_bytes = 0);

  // After plan_arena.
  int64_t arena_bytes() const { return arena_bytes_; }
  int64_t buffer_offset(size_t buffer) const { return buffer_offsets_[buffer]; }
  int64_t buffer_bytes(size_t buffer) const { return buffer_bytes_[buffer]; }
  size_t num_buffers() const { return buffer_bytes_.size(); }
  /// True when output `output` may be written into input `input`'s memory: nothing reads the input
  /// after, and the step that writes it allows it.
  bool output_may_overwrite(size_t output, size_t input, const InPlace& in_place) const;

 private:
  size_t add_storage(Place place, size_t index);
  size_t add_buffer(int64_t bytes);
  void assign_storages(const Graph& graph);
  void make_steps(const Graph& graph);

  std::vector<std::vector<size_t>> value_storage_;  ///< per node and result
  std::vector<size_t> input_storage_, output_storage_;
  std::vector<Storage> storages_;
  std::vector<Tensor> constants_;
  std::vector<Step> steps_;
  std::vector<Copy> copies_;
  std::vector<int64_t> buffer_bytes_, buffer_offsets_;
  int64_t arena_bytes_ = 0;
};

}  // namespace brisk
