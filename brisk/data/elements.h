#pragma once

/// A plan made readable: every stage is a random-access sequence of elements, pure in (iteration,
/// position). That is what makes the whole pipeline resumable and its output independent of
/// threads: an element can be computed by anybody, at any time, in any order.
///
/// `iteration` counts how often the sequence as a whole has been begun: a `repeat` above turns
/// its k-th pass into iteration k below, and shuffles and maps draw from it. Stages that only
/// renumber (shuffle, repeat, take, skip, shard) translate a place and pass it down; batches and
/// maps of images are computed straight into the memory of whoever asks.

#include <optional>
#include <span>
#include <vector>

#include "brisk/data/buffer_pool.h"
#include "brisk/data/plan.h"

namespace brisk {

struct Place {
  int64_t iteration;
  int64_t position;
};

/// What a thread needs while it computes elements; one for each thread.
struct Workspace {
  std::shared_ptr<BufferPool> pool;
  ImageScratch scratch;
  std::vector<uint64_t> image_keys;
};

/// Components whose addresses are kept on the stack; examples have two or three.
inline constexpr size_t kFewComponents = 8;

class BatchElements;

class Elements {
 public:
  virtual ~Elements() = default;
  /// Elements in one iteration; kForever for an endless repeat.
  virtual int64_t size() const = 0;
  /// What every element looks like; nullopt behind a map function, whose result only its call
  /// tells. After a batch, with the batch axis (-1 unless the remainder is dropped).
  virtual const std::optional<std::vector<ComponentSpec>>& spec() const = 0;
  /// The element, in tensors of its own.
  virtual Example get(const Place& place, Workspace& workspace) const = 0;
  /// Points to the components' bytes, where the element lies in memory already; they stay as long
  /// as these Elements.
  virtual bool view(const Place& place, std::span<const std::byte*> components) const;
  /// Writes component i to `components[i]`; only where `spec` has all sizes.
  virtual void write(const Place& place, std::span<std::byte* const> components,
                     Workspace& workspace) const;
  /// The batch stage that computes this element, with `place` translated into its terms; null
  /// where the element is more than a batch. Lets several threads share one batch.
  virtual const BatchElements* locate_batch(Place& place) const;
};

/// Makes `plan` readable. Throws UserError where stages do not fit together.
std::shared_ptr<const Elements> read_plan(const DatasetPlan& plan, uint64_t seed);

/// The outermost stages, taken apart: what an iterator repeats, how often, how far ahead.
struct PlanEpochs {
  const DatasetPlan* body;             ///< one epoch
  int64_t count = 1;                   ///< kForever: without end
  bool repeats = false;                ///< whether a `repeat` said so
  int64_t prefetch = kAutotune;        ///< of the last prefetch
  int64_t parallel_calls = kAutotune;  ///< the largest that a map names
};
PlanEpochs outermost_stages(const DatasetPlan& plan);

/// Copies components `first`... of `example` to `components`; throws UserError unless each has the
/// type and sizes that `spec` names.
void copy_components(const Example& example, const std::vector<ComponentSpec>& spec, size_t first,
                     std::span<std::byte* const> components);

/// True when all sizes of all components are known.
bool is_fixed(const std::optional<std::vector<ComponentSpec>>& spec);

}  // namespace brisk
