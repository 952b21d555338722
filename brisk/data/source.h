#pragma once

/// Where examples come from.

#include <cstddef>
#include <span>

#include "brisk/data/example.h"

namespace brisk {

/// A finite, random-access collection of examples. All of it may be called from several threads at
/// once.
class Source {
 public:
  virtual ~Source() = default;
  virtual int64_t size() const = 0;
  /// The example at 0 <= index < size(), in tensors of its own; throws UserError naming file and
  /// place when it is corrupt.
  virtual Example at(int64_t index) const = 0;
  virtual std::vector<ComponentSpec> components() const = 0;
  /// Class names in label order; empty where there are none.
  virtual std::vector<std::string> class_names() const { return {}; }

  /// Optional, for sources whose data lies in memory: points `components[i]` to the bytes of the
  /// example's component i, valid while the source lives, and returns true.
  virtual bool view(int64_t index, std::span<const std::byte*> components) const;
  /// Optional, saves a tensor an example: writes component i to `components[i]`, which has room for
  /// the sizes that `components()` names (all of them known). The default copies from `view` or
  /// `at`.
  virtual void copy(int64_t index, std::span<std::byte* const> components) const;
};

}  // namespace brisk
