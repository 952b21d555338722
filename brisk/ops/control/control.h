#pragma once

/// Ops with regions. Regions are closed graphs; all state comes in as operands.

#include "brisk/ir/builder.h"

namespace brisk {

/// then/else: graphs of equal signature. `predicate` is a rank-0 bool. Results: the region's.
std::vector<Value> branch(Value predicate, std::span<const Value> operands, Graph then_graph,
                          Graph else_graph);

struct LoopAttributes {
  /// The loop ends after so many trips even where the condition still holds; 0: no bound. Needed
  /// (> 0) when the loop is differentiated.
  int64_t max_trips = 0;
  template <typename F>
  void fields(F&& f) {
    f("max_trips", max_trips);
  }
};
/// while (condition(state)) state = body(state). condition: state -> bool[]; body: state -> state.
std::vector<Value> loop(std::span<const Value> state, Graph condition, Graph body,
                        int64_t max_trips = 0);

struct ScanAttributes {
  int64_t num_carries = 0;  ///< first operands: carries; then `num_sequences`; then constants
  int64_t num_sequences = 0;
  int64_t trips = 0;     ///< sequences have this leading extent
  bool reverse = false;  ///< from the last index to the first
  template <typename F>
  void fields(F&& f) {
    f("num_carries", num_carries);
    f("num_sequences", num_sequences);
    f("trips", trips);
    f("reverse", reverse);
  }
};
/// body: (carries..., slices of sequences..., constants...) -> (carries..., items...). Results: the
/// final carries, then the items stacked along a new leading axis (in index order also when
/// reversed).
std::vector<Value> scan(std::span<const Value> carries, std::span<const Value> sequences,
                        std::span<const Value> constants, Graph body, int64_t trips,
                        bool reverse = false);

/// A region by name: a layer of the model (`kind` = Keras class name, `config` = its Keras
/// configuration as JSON), inlined at lowering.
struct CallAttributes {
  std::string kind, name, config;
  template <typename F>
  void fields(F&& f) {
    f("kind", kind);
    f("name", name);
    f("config", config);
  }
};
std::vector<Value> call(std::span<const Value> operands, Graph body, CallAttributes attributes);

}  // namespace brisk
