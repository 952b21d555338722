#pragma once

/// Runs an ONNX model whatever it holds: shapes that depend on data, sequences, optional values,
/// strings. The model is walked for the inputs at hand and computed in stages (trace.h); stages are
/// compiled once for each set of shapes and shaping values.

#include <filesystem>
#include <map>
#include <memory>

#include "brisk/formats/onnx/schema/read.h"
#include "brisk/runtime/backend.h"

namespace brisk::onnx {

class Session {
 public:
  Session(ModelDef model, std::shared_ptr<const Backend> backend, CompileOptions options = {});
  ~Session();

  const ModelDef& model() const { return *model_; }
  /// Inputs by name (those with an initializer may be left out); outputs in the graph's order.
  std::vector<ValueFile> run(const std::map<std::string, ValueFile>& inputs);

  /// Stages that ran and that had to be compiled, since the session was made.
  size_t num_runs() const;
  size_t num_compiled() const;

 private:
  struct State;
  std::unique_ptr<const ModelDef> model_;
  std::unique_ptr<State> state_;
};

}  // namespace brisk::onnx
