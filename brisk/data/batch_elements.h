#pragma once

/// Stacking examples. A batch can be filled by several threads: `prepare` allocates it, then
/// `fill` is called on ranges of its examples in any order.

#include "brisk/data/elements.h"

namespace brisk {

/// A batch whose memory is there but whose examples may not be.
struct PendingBatch {
  Example tensors;                 ///< [batch, ...] each
  std::vector<int64_t> row_bytes;  ///< of one example, by component
  int64_t size = 0;                ///< examples
  int64_t filled = 0;              ///< of them, those `prepare` has written already
  Place place{0, 0};               ///< of the batch
  bool fixed = true;               ///< whether sizes were known beforehand
};

class BatchElements : public Elements {
 public:
  BatchElements(std::shared_ptr<const Elements> input, const BatchStage& stage);

  int64_t size() const override;
  const std::optional<std::vector<ComponentSpec>>& spec() const override { return spec_; }
  Example get(const Place& place, Workspace& workspace) const override;
  const BatchElements* locate_batch(Place&) const override { return this; }

  PendingBatch prepare(const Place& place, Workspace& workspace) const;
  /// Computes example `index` (pending.filled <= index < pending.size) into its place. Throws
  /// UserError when its components are not like those of the batch's first example.
  void fill(PendingBatch& pending, int64_t index, Workspace& workspace) const;

 private:
  void copy_example(PendingBatch& pending, int64_t index, const Example& example) const;

  std::shared_ptr<const Elements> input_;
  int64_t batch_size_;
  bool drop_remainder_;
  std::optional<std::vector<ComponentSpec>> spec_;
};

}  // namespace brisk
