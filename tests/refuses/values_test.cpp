// Misuse of tensors, shapes and compiled programs.

#include "brisk/base/shape.h"
#include "brisk/base/tensor.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"
#include "tests/refuses/misuse.h"

namespace brisk::testing {
namespace {

constexpr int64_t kHuge = int64_t{1} << 62;

class RefusesValues : public Refuses {};
TEST_P(RefusesValues, WithBothValues) {
  expect_refusal();
}

INSTANTIATE_TEST_SUITE_P(
    , RefusesValues,
    ::testing::Values(
        Misuse{"NegativeSize",
               [] {
                 Tensor(DType::f32, {2, -1});
               },
               "a size of -1 is negative"},
        Misuse{"OverflowingSize",
               [] {
                 Tensor(DType::f32, {kHuge, 4});
               },
               "the number of elements overflows 64 bits"},
        Misuse{"OverflowBehindAZero",
               [] {
                 Tensor(DType::f32, {0, kHuge, 4});
               },
               "overflows 64 bits"},
        Misuse{"MoreThanMemory", [] { Tensor(DType::f64, {int64_t{1} << 58}); },
               "does not fit into memory"},
        Misuse{"ValuesThatDoNotFill",
               [] {
                 Tensor::of<float>({3}, {1.F, 2.F});
               },
               "2 values do not fill a tensor of f32[3]"},
        Misuse{"OtherNumberOfElements", [] { Tensor::zeros(DType::f32, {6}).reshaped({4}); },
               "cannot view f32[6] as f32[4]"},
        Misuse{"ItemOfMany", [] { Tensor::zeros(DType::f32, {2}).item(); },
               "needs one element, but the tensor is f32[2]"},
        Misuse{"AxisOutOfRange", [] { normalize_axis(3, 2, "here"); },
               "[here] axis 3 is out of range for rank 2"},
        Misuse{"SizeOfANamedExtent", [] { Shape({Extent(std::string("batch"))}).sizes(); },
               "dimension 'batch' has no size yet"},
        Misuse{"BoundToANegativeSize",
               [] {
                 Shape({Extent(std::string("batch"))}).bind({{"batch", -4}});
               },
               "dimension 'batch' cannot be bound to -4"},
        Misuse{"ShapeOfNoTensor", [] { Type(StringType{}).shape(); },
               "a tensor is needed here, but the value is a string"},
        Misuse{"NoSuchBackend", [] { find_backend("gpu").value(); }, "there is no backend 'gpu'"}),
    misuse_name);

/// y = x * w, with w as state of the backend's executable.
std::unique_ptr<Executable> compiled(const std::string& backend) {
  Builder builder(standard_ops(), "g");
  const Value w = builder.input("w", Type(DType::f32, {3})),
              x = builder.input("x", Type(DType::f32, {3}));
  const Program program{.graph = builder.finish({{"y", x * w}}),
                        .state = {{.name = "w", .type = Type(DType::f32, {3})}},
                        .num_results = 1};
  return compile(program, *find_backend(backend).value()).executable;
}

std::unique_ptr<Executable> bound(const std::string& backend) {
  auto executable = compiled(backend);
  const Tensor w = Tensor::zeros(DType::f32, {3});
  executable->bind_state(std::span(&w, 1));
  return executable;
}

class RefusesRuns : public ::testing::TestWithParam<std::string> {
 protected:
  void expect(const std::function<void()>& use, const std::vector<std::string>& parts) const {
    const std::string message = refusal(use);
    ASSERT_NE(message, "") << "not refused";
    for (const std::string& part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << message;
  }
};

TEST_P(RefusesRuns, WrongInputsWithBothTypes) {
  const auto executable = bound(GetParam());
  const auto run = [&](std::vector<Tensor> inputs) {
    return [&executable, inputs] { executable->run(inputs); };
  };
  const Tensor x = Tensor::zeros(DType::f32, {3});
  expect(run({}), {"takes 1 ", "but 0 are given"});
  expect(run({x, x}), {"takes 1 ", "but 2 are given"});
  expect(run({Tensor::zeros(DType::f32, {4})}), {"'x' is f32[3]", "but f32[4] is given"});
  expect(run({Tensor::zeros(DType::f64, {3})}), {"'x' is f32[3]", "but f64[3] is given"});
  expect(run({Tensor::zeros(DType::f32, {3, 1})}), {"but f32[3, 1] is given"});
  expect(run({Tensor()}), {"'x' is f32[3]", "given"});
  EXPECT_EQ(refusal(run({x})), "");
}

TEST_P(RefusesRuns, WrongStateWithBothTypes) {
  const auto executable = bound(GetParam());
  const std::vector<Tensor> none, other = {Tensor::zeros(DType::f32, {4})};
  expect([&] { executable->bind_state(none); }, {"1 state entries", "0"});
  expect([&] { executable->bind_state(other); }, {"'w' is f32[3]", "but f32[4] is given"});
  expect([&] { executable->set_state(0, other[0]); }, {"'w' is f32[3]", "but f32[4] is given"});
  expect([&] { executable->set_state(1, other[0]); }, {"1 state entries", "entry 1"});
  expect([&] { executable->state(7); }, {"1 state entries", "entry 7"});
}

TEST_P(RefusesRuns, WhatComesBeforeTheStateIsBound) {
  const auto executable = compiled(GetParam());
  const Tensor x = Tensor::zeros(DType::f32, {3});
  expect([&] { executable->run(std::span(&x, 1)); }, {"state"});
  expect([&] { executable->state(0); }, {"bound"});
  expect([&] { executable->set_state(0, x); }, {"bound"});
}

TEST_P(RefusesRuns, ProfilingWithoutRuns) {
  const auto executable = bound(GetParam());
  const Tensor x = Tensor::zeros(DType::f32, {3});
  for (const int runs : {0, -1})
    expect([&] { executable->profile(std::span(&x, 1), runs); },
           {"at least one run", std::to_string(runs)});
}

TEST_P(RefusesRuns, ADimensionWithoutASize) {
  Builder builder(standard_ops(), "g");
  const Value x = builder.input("x", Type(DType::f32, {Extent(std::string("batch")), 2}));
  const Program program{.graph = builder.finish({{"y", tanh(x)}}), .num_results = 1};
  expect([&] { compile(program, *find_backend(GetParam()).value()); },
         {"'batch' has no size", "bind"});
}

TEST_P(RefusesRuns, APassThatIsNone) {
  Builder builder(standard_ops(), "g");
  const Program program{
      .graph = builder.finish({{"y", tanh(builder.input("x", Type(DType::f32, {2})))}}),
      .num_results = 1};
  CompileOptions options;
  options.disabled_passes = {"fuse_lops"};
  expect([&] { compile(program, *find_backend(GetParam()).value(), options); },
         {"'fuse_lops'", "did you mean 'fuse_loops'?"});
  options.disabled_passes = {"inline_calls"};
  expect([&] { compile(program, *find_backend(GetParam()).value(), options); }, {"'inline_calls'"});
}

INSTANTIATE_TEST_SUITE_P(, RefusesRuns, ::testing::ValuesIn(available_backend_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace brisk::testing
