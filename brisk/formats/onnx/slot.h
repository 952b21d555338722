#pragma once

/// What a name of an ONNX graph stands for while the graph is read: a value of the brisk graph that
/// is being built, a tensor whose elements are known, a sequence, or an optional value.

#include <memory>
#include <string>
#include <vector>

#include "brisk/formats/onnx/model_def.h"
#include "brisk/ir/builder.h"

namespace brisk::onnx {

struct Slot;
using Item = std::shared_ptr<Slot>;

struct Slot {
  enum class Kind : uint8_t { tensor, sequence, optional };
  /// Where a known tensor comes from: the model (`constant`, `weight`), or a run (`data`), whose
  /// shape may be built into a graph but whose elements only by cutting the graph there.
  enum class Origin : uint8_t { constant, weight, data };

  Kind kind = Kind::tensor;
  Origin origin = Origin::constant;
  ElementType element = ElementType::undefined;
  std::string name;  ///< of a weight or an input
  HostTensor host;   ///< defined where the elements are known
  /// Of a tensor that is not known: which graph under construction holds it, and where.
  const Builder* home = nullptr;
  ValueId value;
  std::vector<Item> elements;  ///< of a sequence; of an optional: none or one
  /// Integers that are a model's dimensions and have no number yet: what Shape gives in a static
  /// walk. Empty where there are none.
  std::vector<Extent> extents;
  TypeDef type;  ///< of a sequence's or optional's element, where it is declared

  bool known() const { return host.defined(); }
};

}  // namespace brisk::onnx
