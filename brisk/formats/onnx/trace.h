#pragma once

/// Builds brisk graphs while an ONNX graph is walked, and knows what is known.
///
/// Two ways of walking:
///   - static: the whole model becomes one program with named dimensions and state;
///   - staged: inputs are at hand. Where a value's elements are needed (a shape that depends on
///     data, a condition) and cannot be folded, the graph so far is cut: it is compiled, run, and
///     its live results are the inputs of the next stage. Compiled stages are kept by StageCache,
///     found by their graph: the values that shaped a graph are in it.

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "brisk/formats/onnx/slot.h"
#include "brisk/formats/onnx/stage_cache.h"

namespace brisk::onnx {

/// Thrown where elements are needed that a stage has to compute first; the walk cuts and repeats
/// the node.
struct NeedsStage {
  std::string what;
};

class Trace {
 public:
  /// Static: no stages.
  explicit Trace(std::string name);
  Trace(std::string name, StageCache& stages);
  ~Trace();

  bool staged() const { return stages_ != nullptr; }
  /// The graph that values are emitted into: the innermost region's.
  Builder& builder();

  Item constant(HostTensor tensor);
  /// Becomes state where it is used in a graph (`statistic`: of a normalisation).
  Item weight(std::string name, HostTensor tensor);
  /// Static walks: an input of the program.
  Item input(std::string name, ElementType element, Shape shape);
  /// Staged walks: a tensor at hand.
  Item data(HostTensor tensor);
  /// i64[extents.size()] (a scalar: i64[]), of which some have names: known as extents only.
  Item extents(std::vector<Extent> extents, bool scalar = false);
  /// A value of `builder()`; one that is carried in another type is named by `element`.
  Item item(Value value, ElementType element);
  Item item(Value value) { return item(value, element_type_of(value.dtype())); }
  Item sequence(std::vector<Item> elements, TypeDef element = {});
  Item optional(Item element, TypeDef type = {});

  /// The value in the graph under construction; what is known enters as constant, state or input.
  Value value(const Item& item);
  /// Type of a tensor, without making it a value of the graph.
  Type type(const Item& item);
  /// The elements: known, or folded from constants. Otherwise NeedsStage (staged) or a refusal that
  /// says which input decides (static).
  const HostTensor& known(const Item& item);
  /// Whether `known` would succeed without a stage.
  bool can_know(const Item& item);

  /// Whether the elements are the model's own: building them into a graph specialises nothing.
  bool is_constant(const Item& item) {
    return can_know(item) && item->origin != Slot::Origin::data;
  }

  /// Marks a weight as a statistic and gives its next value in training.
  void update(const Item& weight, Value next);

  /// Ends a stage: every value that somebody still holds becomes known data.
  void cut();

  /// A graph of its own for a region: values of outer graphs that are used inside become its
  /// inputs. `fill` returns the results; the region's graph and what it captured come back.
  struct Region {
    Graph graph;
    std::vector<Item> captured;  ///< behind the `parameters`, in the order of its inputs
    std::vector<ElementType> results;
  };
  Region region(std::string name, const std::vector<Type>& parameters,
                const std::vector<ElementType>& elements,
                const std::function<std::vector<Item>(const std::vector<Item>&)>& fill);
  bool in_region() const { return frames_.size() > 1; }

  /// Labels the nodes emitted in a scope, whichever graphs they go to.
  class Label {
   public:
    Label(Trace& trace, std::string label) : trace_(trace), previous_(trace.label_) {
      trace_.set_label(std::move(label));
    }
    ~Label() { trace_.set_label(previous_); }
    Label(const Label&) = delete;
    Label& operator=(const Label&) = delete;

   private:
    Trace& trace_;
    std::string previous_;
  };

  /// Static walks: the program, its results named.
  struct Output {
    std::string name;
    Item item;
  };
  Program finish(const std::vector<Output>& outputs, std::vector<Tensor>& weights);

 private:
  struct Entry {  ///< an input of a graph under construction
    Item item;
    Value value;
  };
  struct Frame {
    explicit Frame(std::string name);
    Builder builder;
    std::unordered_map<const Slot*, Value> values;
    std::vector<Entry> weights, inputs;  ///< of regions, `inputs` are what is captured
  };
  struct Update {
    Item weight;
    Value next;
  };

  void set_label(std::string label);
  Frame* frame_of(const Item& item);
  std::optional<Tensor> fold(const Frame& frame, ValueId id);

  std::string name_, label_;
  StageCache* stages_ = nullptr;
  std::vector<std::unique_ptr<Frame>> frames_;
  std::vector<std::weak_ptr<Slot>> live_;
  std::vector<Update> updates_;
  std::vector<Item> statistics_;
};

}  // namespace brisk::onnx
