#pragma once

/// Models that are written as ONNX and read again: the same program, character by character, with
/// the same weights.

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/formats/onnx/export/save_onnx.h"
#include "brisk/formats/onnx/onnx_file.h"
#include "brisk/ir/text.h"
#include "brisk/runtime/backend.h"
#include "tests/formats/onnx_model.h"

namespace brisk::onnx {

using Inputs = std::vector<Tensor>;

inline Model loaded(const ModelDef& file) {
  return load_onnx_bytes(write_model(file).value(), {}, {}).value().model;
}
inline Model again(const Model& model, int opset = 0) {
  return loaded(to_onnx(model, {.version = opset}).value());
}

inline std::vector<Tensor> run(const Model& model, const Inputs& inputs) {
  const Program program = bind_dimensions(for_inference(model.program), {{"batch", 1}});
  const Compilation compiled =
      compile(program, *find_backend("reference").value(), {.cache = false});
  compiled.executable->bind_state(model.weights);
  std::vector<Tensor> results;
  for (const Tensor& result : compiled.executable->run(inputs)) results.push_back(result.clone());
  return results;
}

inline Tensor ramp(std::vector<int64_t> sizes, double step = 0.37) {
  Tensor tensor(DType::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    tensor.set(i, std::remainder(static_cast<double>(i) * step, 2.0));
  return tensor;
}

inline void expect_near(const std::vector<Tensor>& found, const std::vector<Tensor>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t r = 0; r < found.size(); ++r) {
    ASSERT_EQ(found[r].describe(), expected[r].describe());
    for (int64_t i = 0; i < found[r].num_elements(); ++i)
      ASSERT_NEAR(found[r].get(i), expected[r].get(i), 1e-4) << "result " << r << ", element " << i;
  }
}

/// A model that was read from a file.
inline void expect_same_text(const Model& read, const Inputs& inputs, int opset = 0) {
  const Model back = again(read, opset);
  EXPECT_EQ(print(back.program), print(read.program));
  ASSERT_EQ(back.weights.size(), read.weights.size());
  for (size_t i = 0; i < back.weights.size(); ++i) {
    ASSERT_EQ(back.weights[i].describe(), read.weights[i].describe());
    EXPECT_TRUE(std::equal(back.weights[i].bytes(),
                           back.weights[i].bytes() + back.weights[i].num_bytes(),
                           read.weights[i].bytes()))
        << read.program.state[i].name;
  }
  expect_near(run(back, inputs), run(read, inputs));
}

/// A model of brisk's own: what is read back computes the same and is a fixed point.
inline Model expect_round_trip(Model model, const Inputs& inputs, int opset = 0) {
  model.initialize(1);
  Model read = again(model, opset);
  expect_near(run(read, inputs), run(model, inputs));
  expect_same_text(read, inputs, opset);
  return read;
}

}  // namespace brisk::onnx
