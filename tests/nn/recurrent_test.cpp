// Recurrent layers against loops written out by hand from their formulas.

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/nn/layers.h"
#include "brisk/runtime/backend.h"

namespace brisk {
namespace {

constexpr int64_t kSteps = 4, kFeatures = 2, kUnits = 3;

double sigmoid_of(double x) {
  return 1 / (1 + std::exp(-x));
}

/// The outputs of a model on one example, by the reference backend.
std::vector<Tensor> outputs(Model& model, std::vector<Tensor> inputs) {
  const Program program = bind_dimensions(for_inference(model.program), {{"batch", 1}});
  const Compilation compilation = compile(program, *find_backend("reference").value());
  compilation.executable->bind_state(model.weights);
  std::vector<Tensor> results;
  for (const Tensor& result : compilation.executable->run(inputs))
    results.push_back(result.clone());
  return results;
}

Tensor ramp(std::vector<int64_t> sizes, double scale) {
  Tensor tensor(DType::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    tensor.set(i, scale * std::sin(1.7 * static_cast<double>(i) + 0.3));
  return tensor;
}

template <typename L>
Model one_layer(const L& layer) {
  ModelBuilder builder("m");
  const Value x = builder.input("x", {kSteps, kFeatures});
  Model model = builder.finish({{"y", builder(layer, x)}});
  for (const StateEntry& entry : model.program.state)
    model.weights.push_back(ramp(entry.type.shape().sizes(), 0.6));
  return model;
}

/// row (of `size` numbers at `row`) times matrix [size, columns], one column.
double product(const std::vector<double>& row, const Tensor& matrix, int64_t column) {
  double sum = 0;
  for (size_t i = 0; i < row.size(); ++i)
    sum += row[i] * matrix.get(static_cast<int64_t>(i) * matrix.sizes()[1] + column);
  return sum;
}

std::vector<double> step_of(const Tensor& x, int64_t step) {
  return {x.get(step * kFeatures), x.get(step * kFeatures + 1)};
}

TEST(Recurrent, SimpleRnnIsItsFormula) {
  Model model = one_layer(SimpleRNN{.units = kUnits, .return_sequences = true});
  const Tensor x = ramp({1, kSteps, kFeatures}, 1);
  const Tensor y = outputs(model, {x})[0];
  std::vector<double> h(kUnits, 0);
  for (int64_t t = 0; t < kSteps; ++t) {
    std::vector<double> next(kUnits);
    for (int64_t u = 0; u < kUnits; ++u)
      next[static_cast<size_t>(u)] =
          std::tanh(product(step_of(x, t), model.weights[0], u) + product(h, model.weights[1], u) +
                    model.weights[2].get(u));
    h = next;
    for (int64_t u = 0; u < kUnits; ++u)
      EXPECT_NEAR(y.get(t * kUnits + u), h[static_cast<size_t>(u)], 1e-6);
  }
}

TEST(Recurrent, LstmIsItsFormula) {
  Model model = one_layer(LSTM{.units = kUnits});
  ASSERT_EQ(model.program.state[0].name, "lstm/cell/kernel");
  const Tensor x = ramp({1, kSteps, kFeatures}, 1);
  const Tensor y = outputs(model, {x})[0];
  std::vector<double> h(kUnits, 0), c(kUnits, 0);
  for (int64_t t = 0; t < kSteps; ++t) {
    const auto gate = [&](int64_t g, int64_t u) {
      const int64_t column = g * kUnits + u;
      return product(step_of(x, t), model.weights[0], column) +
             product(h, model.weights[1], column) + model.weights[2].get(column);
    };
    std::vector<double> next_h(kUnits), next_c(kUnits);
    for (int64_t u = 0; u < kUnits; ++u) {
      const auto at = static_cast<size_t>(u);
      next_c[at] = sigmoid_of(gate(1, u)) * c[at] + sigmoid_of(gate(0, u)) * std::tanh(gate(2, u));
      next_h[at] = sigmoid_of(gate(3, u)) * std::tanh(next_c[at]);
    }
    h = next_h;
    c = next_c;
  }
  for (int64_t u = 0; u < kUnits; ++u) EXPECT_NEAR(y.get(u), h[static_cast<size_t>(u)], 1e-6);
}

TEST(Recurrent, BackwardsIsForwardsOnTheReversedSequence) {
  Model forward = one_layer(GRU{.units = kUnits, .return_sequences = true});
  Model backward = one_layer(GRU{.units = kUnits, .return_sequences = true, .go_backwards = true});
  const Tensor x = ramp({1, kSteps, kFeatures}, 1);
  Tensor reversed(DType::f32, {1, kSteps, kFeatures});
  for (int64_t t = 0; t < kSteps; ++t)
    for (int64_t f = 0; f < kFeatures; ++f)
      reversed.set(t * kFeatures + f, x.get((kSteps - 1 - t) * kFeatures + f));
  const Tensor a = outputs(forward, {reversed})[0], b = outputs(backward, {x})[0];
  for (int64_t i = 0; i < a.num_elements(); ++i) EXPECT_NEAR(a.get(i), b.get(i), 1e-6);
}

TEST(Recurrent, AMaskedStepChangesNothing) {
  ModelBuilder builder("m");
  const Value x = builder.input("x", {kSteps, kFeatures}),
              mask = builder.input("mask", {kSteps}, DType::boolean);
  Model model = builder.finish(
      {{"y", builder(LSTM{.units = kUnits, .inputs = {"inputs", "mask"}}, {x, mask})}});
  for (const StateEntry& entry : model.program.state)
    model.weights.push_back(ramp(entry.type.shape().sizes(), 0.6));
  Tensor given = ramp({1, kSteps, kFeatures}, 1);
  Tensor seen(DType::boolean, {1, kSteps});
  for (int64_t t = 0; t < kSteps; ++t) seen.set(t, t != 2);
  const Tensor before = outputs(model, {given, seen})[0];
  given = given.clone();
  given.set(2 * kFeatures, 99);
  const Tensor after = outputs(model, {given, seen})[0];
  EXPECT_TRUE(bit_equal(before, after));
  seen = seen.clone();
  seen.set(2, 1);
  EXPECT_FALSE(bit_equal(before, outputs(model, {given, seen})[0]));
}

// With kernels of one place, each place of the state is an LSTM of its own.
TEST(Recurrent, ConvLstmOfOnePlaceIsLstm) {
  const Tensor sequence = ramp({1, kSteps, kFeatures}, 1);
  Model lstm = one_layer(LSTM{.units = kUnits});
  const Tensor expected = outputs(lstm, {sequence})[0];
  for (const std::string format : {"channels_last", "channels_first"}) {
    const bool first = format == "channels_first";
    constexpr int64_t kPlaces = 2;
    ModelBuilder builder("m");
    const std::vector<int64_t> sizes =
        first ? std::vector{kSteps, kFeatures, kPlaces} : std::vector{kSteps, kPlaces, kFeatures};
    const Value x = builder.input("x", sizes);
    Model model = builder.finish(
        {{"y",
          builder(ConvLSTM1D{.filters = kUnits, .kernel_size = {1}, .data_format = format}, x)}});
    ASSERT_EQ(model.program.state[1].name, "conv_lstm1d/cell/recurrent_kernel");
    for (size_t i = 0; i < 3; ++i)
      model.weights.push_back(
          lstm.weights[i].reshaped(model.program.state[i].type.shape().sizes()));
    Tensor twice(DType::f32, {1, kSteps, first ? kFeatures : kPlaces, first ? kPlaces : kFeatures});
    for (int64_t i = 0; i < twice.num_elements(); ++i) {
      const int64_t step = i / (kPlaces * kFeatures),
                    feature = first ? i / kPlaces % kFeatures : i % kFeatures;
      twice.set(i, sequence.get(step * kFeatures + feature));
    }
    const Tensor y = outputs(model, {twice})[0];
    for (int64_t i = 0; i < y.num_elements(); ++i)
      EXPECT_NEAR(y.get(i), expected.get(first ? i / kPlaces : i % kUnits), 1e-6) << format;
  }
}

TEST(Recurrent, RefusesAnInitialStateOfAnotherSize) {
  ModelBuilder builder("m");
  const Value x = builder.input("x", {kSteps, kFeatures}), h = builder.input("h", {kUnits + 1});
  try {
    builder(SimpleRNN{.units = kUnits}, {x, h});
    FAIL() << "it was taken";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what())
                  .find("the initial state must be f32[batch, 3], but is f32[batch, 4]"),
              std::string::npos)
        << error.what();
  }
}

ConfigObject cell(const std::string& kind, int64_t units) {
  return {fmt::format(R"({{"class_name": "{}", "config": {{"units": {}}}}})", kind, units)};
}

TEST(Recurrent, RnnOfACellIsTheLayerOfThatCell) {
  Model layer = one_layer(GRU{.units = kUnits, .return_sequences = true, .go_backwards = true});
  Model rnn = one_layer(
      RNN{.cell = cell("GRUCell", kUnits), .return_sequences = true, .go_backwards = true});
  ASSERT_EQ(rnn.program.state.size(), layer.program.state.size());
  EXPECT_EQ(rnn.program.state[0].name, "rnn/cell/kernel");
  const Tensor x = ramp({1, kSteps, kFeatures}, 1);
  const Tensor expected = outputs(layer, {x})[0], found = outputs(rnn, {x})[0];
  ASSERT_EQ(found.sizes(), expected.sizes());
  for (int64_t i = 0; i < found.num_elements(); ++i) EXPECT_EQ(found.get(i), expected.get(i));
}

TEST(Recurrent, StackedCellsAreLayersOneBehindTheOther) {
  const ConfigObject stack{
      fmt::format(R"({{"class_name": "StackedRNNCells", "config": {{"cells": [{}, {}, {}]}}}})",
                  cell("LSTMCell", 3).json, cell("GRUCell", 2).json, cell("LSTMCell", 4).json)};
  Model rnn = one_layer(RNN{.cell = stack});
  ModelBuilder builder("m");
  Value y = builder.input("x", {kSteps, kFeatures});
  y = builder(LSTM{.units = 3, .return_sequences = true}, y);
  y = builder(GRU{.units = 2, .return_sequences = true}, y);
  y = builder(LSTM{.units = 4}, y);
  Model layers = builder.finish({{"y", y}});
  layers.weights = rnn.weights;
  ASSERT_EQ(rnn.program.state.size(), layers.program.state.size());
  EXPECT_EQ(rnn.program.state[0].name, "rnn/cell/cells/lstm_cell/kernel");
  EXPECT_EQ(rnn.program.state.back().name, "rnn/cell/cells/lstm_cell_1/bias");
  const Tensor x = ramp({1, kSteps, kFeatures}, 1);
  const Tensor expected = outputs(layers, {x})[0], found = outputs(rnn, {x})[0];
  for (int64_t i = 0; i < found.num_elements(); ++i) EXPECT_EQ(found.get(i), expected.get(i));
}

TEST(Recurrent, AnUnknownCellIsRefusedByName) {
  try {
    one_layer(RNN{.cell = cell("HopfieldCell", 3)});
    FAIL() << "no refusal";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("brisk has no cell 'HopfieldCell'"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace brisk
