#pragma once

/// Stages that only renumber: shuffle, repeat, take, skip, shard.

#include "brisk/data/elements.h"
#include "brisk/data/shuffle_order.h"

namespace brisk {

/// Stages that only renumber: every request is translated and passed on.
class RenumberedElements : public Elements {
 public:
  RenumberedElements(std::shared_ptr<const Elements> input, int64_t size)
      : input_(std::move(input)), size_(size) {}

  virtual Place translate(const Place& place) const = 0;

  int64_t size() const final { return size_; }
  const std::optional<std::vector<ComponentSpec>>& spec() const final { return input_->spec(); }
  Example get(const Place& place, Workspace& workspace) const final {
    return input_->get(translate(place), workspace);
  }
  bool view(const Place& place, std::span<const std::byte*> components) const final {
    return input_->view(translate(place), components);
  }
  void write(const Place& place, std::span<std::byte* const> components,
             Workspace& workspace) const final {
    input_->write(translate(place), components, workspace);
  }
  const BatchElements* locate_batch(Place& place) const final {
    place = translate(place);
    return input_->locate_batch(place);
  }

 private:
  std::shared_ptr<const Elements> input_;
  int64_t size_;
};

/// take, skip and shard: every `stride`-th element from `start` on.
class StridedElements final : public RenumberedElements {
 public:
  StridedElements(std::shared_ptr<const Elements> input, int64_t start, int64_t stride,
                  int64_t size)
      : RenumberedElements(std::move(input), size), start_(start), stride_(stride) {}
  Place translate(const Place& place) const override {
    return {place.iteration, start_ + place.position * stride_};
  }

 private:
  int64_t start_;
  int64_t stride_;
};

/// The k-th pass is iteration k of the input; passes of later iterations count on.
class RepeatedElements final : public RenumberedElements {
 public:
  RepeatedElements(std::shared_ptr<const Elements> input, int64_t count, int64_t size)
      : RenumberedElements(input, size),
        count_(count),
        period_(std::max<int64_t>(1, input->size())) {}
  Place translate(const Place& place) const override {
    const int64_t passes_before = count_ == kForever ? 0 : place.iteration * count_;
    return {passes_before + place.position / period_, place.position % period_};
  }

 private:
  int64_t count_;
  int64_t period_;
};

class ShuffledElements final : public RenumberedElements {
 public:
  ShuffledElements(std::shared_ptr<const Elements> input, const ShuffleStage& stage, uint64_t key)
      : RenumberedElements(input, input->size()),
        reshuffle_(stage.reshuffle_each_iteration),
        orders_(input->size(), stage.buffer_size, key) {}
  Place translate(const Place& place) const override {
    const auto order = orders_.order(reshuffle_ ? place.iteration : 0);
    return {place.iteration, (*order)[static_cast<size_t>(place.position)]};
  }

 private:
  bool reshuffle_;
  mutable ShuffleOrders orders_;  // locks itself; only remembers what it would compute again
};

}  // namespace brisk
