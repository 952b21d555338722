#pragma once

/// Walks the nodes of an ONNX graph, of its sub-graphs and of the functions it calls, and hands
/// each to its importer. A name is forgotten after its last use, so that what is cut is what still
/// counts.

#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "brisk/formats/model_file.h"
#include "brisk/formats/onnx/call.h"

namespace brisk::onnx {

class Walk {
 public:
  Walk(Trace& trace, const ModelDef& model) : trace_(trace), model_(model) {}

  /// Runs the model's graph with its inputs given by name; initializers come from the model where
  /// no input overrides them. Returns the outputs.
  std::vector<Item> run(const std::map<std::string, Item>& inputs);

 private:
  struct Scope {
    const Scope* outer = nullptr;
    const std::map<std::string, int64_t>* opsets = nullptr;
    std::unordered_map<std::string, Item> values;
    std::unordered_map<std::string, int64_t> uses;  ///< left in this graph
    int depth = 0;
  };

  void run_nodes(const std::vector<NodeDef>& nodes, Scope& scope);
  void run_node(const NodeDef& node, Scope& scope);
  void count_step();
  void call_function(const FunctionDef& function, const NodeDef& node, Scope& scope,
                     std::vector<Item>& outputs);
  std::vector<Item> run_graph(const GraphDef& graph, const std::vector<Item>& inputs,
                              const Scope& outer);
  void add_initializers(const GraphDef& graph, Scope& scope, bool weights);
  Item find(const std::string& name, const Scope& scope) const;
  const FunctionDef* function(const NodeDef& node) const;

  Trace& trace_;
  const ModelDef& model_;
  int64_t num_steps_ = 0;  ///< nodes and trips of loops so far, those of functions at every call
};

/// Counts the ops of a model and finds those without an importer, sub-graphs and functions
/// included.
ImportReport survey(const ModelDef& model);

/// How often each name is read in `nodes`, by their sub-graphs too.
std::unordered_map<std::string, int64_t> count_uses(const std::vector<NodeDef>& nodes);

}  // namespace brisk::onnx
