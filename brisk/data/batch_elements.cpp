#include "brisk/data/batch_elements.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace brisk {
namespace {

std::vector<int64_t> with_batch_axis(int64_t batch, const std::vector<int64_t>& sizes) {
  std::vector<int64_t> result{batch};
  result.insert(result.end(), sizes.begin(), sizes.end());
  return result;
}

}  // namespace

BatchElements::BatchElements(std::shared_ptr<const Elements> input, const BatchStage& stage)
    : input_(std::move(input)),
      batch_size_(stage.batch_size),
      drop_remainder_(stage.drop_remainder),
      spec_(input_->spec()) {
  if (!spec_) return;
  const int64_t examples = input_->size();
  const bool all_full = drop_remainder_ || examples == kForever || examples % batch_size_ == 0;
  for (ComponentSpec& component : *spec_) {
    component.sizes = with_batch_axis(all_full ? batch_size_ : -1, component.sizes);
  }
}

int64_t BatchElements::size() const {
  const int64_t examples = input_->size();
  if (examples == kForever) return kForever;
  return examples / batch_size_ + (!drop_remainder_ && examples % batch_size_ != 0 ? 1 : 0);
}

PendingBatch BatchElements::prepare(const Place& place, Workspace& workspace) const {
  PendingBatch pending;
  pending.place = place;
  const int64_t begin = place.position * batch_size_;
  const int64_t examples = input_->size();
  pending.size = examples == kForever ? batch_size_ : std::min(batch_size_, examples - begin);
  const auto allocate = [&](DType type, const std::vector<int64_t>& sizes) {
    pending.tensors.push_back(workspace.pool->tensor(type, with_batch_axis(pending.size, sizes)));
    pending.row_bytes.push_back(pending.tensors.back().num_bytes() / pending.size);
  };
  const auto& spec = input_->spec();
  pending.fixed = is_fixed(spec);
  if (pending.fixed) {
    for (const ComponentSpec& component : *spec) allocate(component.dtype, component.sizes);
    return pending;
  }
  const Example first = input_->get({place.iteration, begin}, workspace);
  for (const Tensor& component : first) allocate(component.dtype(), component.sizes());
  copy_example(pending, 0, first);
  pending.filled = 1;
  return pending;
}

void BatchElements::fill(PendingBatch& pending, int64_t index, Workspace& workspace) const {
  const Place place{pending.place.iteration, pending.place.position * batch_size_ + index};
  if (!pending.fixed) {
    copy_example(pending, index, input_->get(place, workspace));
    return;
  }
  std::array<std::byte*, kFewComponents> few;
  std::vector<std::byte*> many;
  std::span<std::byte*> rows(few.data(), std::min(pending.tensors.size(), few.size()));
  if (pending.tensors.size() > few.size())
    rows = many = std::vector<std::byte*>(pending.tensors.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i] = pending.tensors[i].bytes() + index * pending.row_bytes[i];
  }
  input_->write(place, rows, workspace);
}

Example BatchElements::get(const Place& place, Workspace& workspace) const {
  PendingBatch pending = prepare(place, workspace);
  for (int64_t i = pending.filled; i < pending.size; ++i) fill(pending, i, workspace);
  return std::move(pending.tensors);
}

void BatchElements::copy_example(PendingBatch& pending, int64_t index,
                                 const Example& example) const {
  require(example.size() == pending.tensors.size(),
          "[batch] example {} of a batch has {} components, the first one has {}", index,
          example.size(), pending.tensors.size());
  for (size_t i = 0; i < example.size(); ++i) {
    Tensor& batch = pending.tensors[i];
    const Tensor& row = example[i];
    require(row.dtype() == batch.dtype() &&
                std::ranges::equal(row.sizes(), std::span(batch.sizes()).subspan(1)),
            "[batch] component {} of example {} is {}, which does not stack into a batch of {}; "
            "resize or crop images to one size before batching",
            i, index, row.describe(), batch.describe());
    std::memcpy(batch.bytes() + index * pending.row_bytes[i], row.bytes(),
                static_cast<size_t>(pending.row_bytes[i]));
  }
}

}  // namespace brisk
