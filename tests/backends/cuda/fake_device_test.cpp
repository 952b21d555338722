// What lies between a program and the driver, on a driver that is none (fake_driver.cpp). A process
// opens one driver, so each of these tests runs in a process of its own that the last test starts.

#include <gtest/gtest.h>

#include <cstdlib>

#include "brisk/ops/control/control.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"
#include "tests/support/child_process.h"

namespace brisk {
namespace {

const Type kPair(DType::f32, {2});

Tensor pair(float a, float b) {
  return Tensor::of<float>({2}, std::vector{a, b});
}

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no refusal";
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::unique_ptr<Executable> compiled(const Program& program) {
  return compile(program, **find_backend("cuda"), {.cache = false}).executable;
}

/// memory <- x; the result is what memory was. Copies alone, no kernel.
Program delay_program(Type type = kPair) {
  Builder builder(standard_ops(), "delay");
  const Value memory = builder.input("memory", type);
  const Value x = builder.input("x", type);
  return {.graph = builder.finish({{"was", memory}, {"memory", x}}),
          .state = {{.name = "memory", .type = type}},
          .num_results = 1,
          .updates = {0}};
}

/// A trip of a scan: what comes in goes on, and what went on comes out.
Graph delaying_body() {
  Builder body(standard_ops(), "body");
  const Value carry = body.input("carry", kPair), item = body.input("item", kPair);
  return body.finish({{"carry", item}, {"item", carry}});
}

/// Runs where the environment says that the driver is fake.
class CudaOnFakeDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("FAKE_CUDA") == nullptr)
      GTEST_SKIP() << "started by CudaFake.* in a process of its own";
  }
};

TEST_F(CudaOnFakeDevice, StateAlternatesBetweenSlotsAndSurvivesCaptures) {
  const auto executable = compiled(delay_program());
  executable->bind_state(std::vector{pair(0, 0)});
  for (int i = 1; i <= 7; ++i) {
    const Tensor x = pair(static_cast<float>(i), -1);
    EXPECT_EQ(executable->run({&x, 1})[0].get(0), i - 1);
    EXPECT_EQ(executable->state(0).get(0), i);
    if (i == 4) {
      executable->set_state(0, pair(40, 0));
      EXPECT_EQ(executable->run({&x, 1})[0].get(0), 40);
    }
  }
  executable->bind_state(std::vector{pair(9, 9)});
  EXPECT_EQ(executable->state()[0].get(1), 9);
}

TEST_F(CudaOnFakeDevice, TwoRunsMayBeUnderWay) {
  const auto executable = compiled(delay_program());
  executable->bind_state(std::vector{pair(0, 0)});
  ASSERT_EQ(executable->runs_in_flight(), 2);
  const Tensor one = pair(1, 1), two = pair(2, 2), three = pair(3, 3);
  executable->start({&one, 1});
  executable->start({&two, 1});
  EXPECT_TRUE(mentions(message_of([&] { executable->start({&three, 1}); }), "2 are not collected"));
  EXPECT_TRUE(mentions(message_of([&] {
                         executable->run({&three, 1});
                       }),
                       "2 started runs are not collected"));
  EXPECT_EQ(executable->collect()[0].get(0), 0);
  executable->start({&three, 1});
  EXPECT_EQ(executable->collect()[0].get(0), 1);
  EXPECT_EQ(executable->collect()[0].get(0), 2);
  EXPECT_TRUE(mentions(message_of([&] { executable->collect(); }), "no run was started"));
}

TEST_F(CudaOnFakeDevice, ScanGoesThroughItsSlicesBothWays) {
  for (const bool reverse : {false, true}) {
    Builder builder(standard_ops(), "scan");
    const Value first = builder.input("first", kPair);
    const Value items = builder.input("items", Type(DType::f32, {3, 2}));
    const std::vector<Value> results =
        scan(std::span(&first, 1), std::span(&items, 1), {}, delaying_body(), 3, reverse);
    const auto executable =
        compiled({.graph = builder.finish({{"last", results[0]}, {"shifted", results[1]}}),
                  .num_results = 2});
    const std::vector<Tensor> inputs = {
        pair(0, 0), Tensor::of<float>({3, 2}, std::vector<float>{1, 1, 2, 2, 3, 3})};
    for (int run = 0; run < 3; ++run) {
      const auto got = executable->run(inputs);
      EXPECT_EQ(got[0].get(0), reverse ? 1 : 3);
      const std::vector<double> expected =
          reverse ? std::vector<double>{2, 3, 0} : std::vector<double>{0, 1, 2};
      for (int64_t i = 0; i < 3; ++i)
        EXPECT_EQ(got[1].get(2 * i), expected[static_cast<size_t>(i)]) << reverse << i;
    }
  }
}

/// The fake device runs what waits for nothing in the reverse order.
TEST_F(CudaOnFakeDevice, EachStepWaitsForWhatItNeeds) {
  Builder builder(standard_ops(), "chains");
  const Value memory = builder.input("memory", kPair), x = builder.input("x", kPair);
  const Value items = builder.input("items", Type(DType::f32, {3, 2}));
  const auto shifted = [&](const Value& first, const Value& all) {
    return scan(std::span(&first, 1), std::span(&all, 1), {}, delaying_body(), 3, false)[1];
  };
  Value left = items, right = items;
  for (int i = 0; i < 3; ++i) left = shifted(memory, left), right = shifted(x, right);
  const Value last = scan(std::span(&x, 1), std::span(&left, 1), {}, delaying_body(), 3, false)[0];
  const auto executable =
      compiled({.graph = builder.finish({{"left", left}, {"right", right}, {"memory", last}}),
                .state = {{.name = "memory", .type = kPair}},
                .num_results = 2,
                .updates = {0}});
  executable->bind_state(std::vector{pair(5, 5)});
  const std::vector<Tensor> inputs = {
      pair(7, 7), Tensor::of<float>({3, 2}, std::vector<float>{1, 1, 2, 2, 3, 3})};
  for (int run = 0; run < 4; ++run) {
    const auto got = executable->run(inputs);
    for (int64_t i = 0; i < 6; ++i) {
      EXPECT_EQ(got[0].get(i), 5) << run;
      EXPECT_EQ(got[1].get(i), 7) << run;
    }
    EXPECT_EQ(executable->state(0).get(0), 5) << run;
  }
}

TEST_F(CudaOnFakeDevice, KernelsAreTimedByCuptiWhereItRecords) {
  Builder builder(standard_ops(), "scan");
  const Value first = builder.input("first", kPair);
  const Value items = builder.input("items", Type(DType::f32, {3, 2}));
  Value last = first;
  for (int i = 0; i < 2; ++i)
    last = scan(std::span(&last, 1), std::span(&items, 1), {}, delaying_body(), 3, false)[0];
  const auto executable = compiled({.graph = builder.finish({{"last", last}}), .num_results = 1});
  const std::vector<Tensor> inputs = {pair(0, 0), Tensor::zeros(DType::f32, {3, 2})};
  const Profile profile = executable->profile(inputs, 4);
  ASSERT_EQ(profile.kernels.size(), 2u);
  if (std::getenv("FAKE_CUPTI_REFUSES") != nullptr) {
    EXPECT_TRUE(profile.clock.starts_with("events (CUPTI (")) << profile.clock;
    EXPECT_TRUE(mentions(profile.clock, "does not record here: CUPTI_ERROR_AS_THE_FAKE_WAS_TOLD"))
        << profile.clock;
    EXPECT_TRUE(profile.kernels[0].device_kernels.empty());
    return;
  }
  EXPECT_EQ(profile.clock, "CUPTI 13.0.1");
  for (size_t step = 0; step < 2; ++step) {
    const KernelReport& kernel = profile.kernels[step];
    ASSERT_EQ(kernel.device_kernels.size(), 1u);
    EXPECT_EQ(kernel.device_kernels[0].name, "add<4>");
    EXPECT_NEAR(kernel.device_kernels[0].milliseconds, 1e-3 * static_cast<double>(step + 1), 1e-9);
    EXPECT_EQ(kernel.milliseconds, kernel.device_kernels[0].milliseconds);
  }
}

TEST_F(CudaOnFakeDevice, MisuseIsRefused) {
  const auto executable = compiled(delay_program());
  const Tensor x = pair(1, 2), wrong = Tensor::zeros(DType::f32, {3});
  EXPECT_TRUE(mentions(message_of([&] {
                         executable->run({&x, 1});
                       }),
                       "before its state was bound"));
  EXPECT_TRUE(mentions(message_of([&] { executable->state(0); }), "'memory'"));
  executable->bind_state(std::vector{x});
  EXPECT_TRUE(mentions(message_of([&] {
                         executable->run({&wrong, 1});
                       }),
                       "'x' is f32[2], but f32[3] is given"));
  EXPECT_TRUE(
      mentions(message_of([&] { executable->run({}); }), "takes 1 inputs, but 0 are given"));
  EXPECT_TRUE(mentions(message_of([&] { executable->state(3); }), "entry 3"));
}

TEST_F(CudaOnFakeDevice, WhatDoesNotFitIsNamedWithWhatWould) {
  const std::string message = message_of([] {
    compiled(delay_program(Type(DType::f32, {256, 1024, 1024})));
  });
  EXPECT_TRUE(mentions(message, "Fake GPU has 1.00 GiB free, but graph 'delay' needs 5.00 GiB"))
      << message;
  EXPECT_TRUE(mentions(message, "2.00 GiB of state")) << message;
  EXPECT_TRUE(mentions(message, "the state alone does not fit")) << message;
  Builder builder(standard_ops(), "pass");
  const Value x = builder.input("x", Type(DType::f32, {200, 1024, 1024}));
  const std::string batch = message_of([&] {
    compiled({.graph = builder.finish({{"x", x}}), .num_results = 1});
  });
  EXPECT_TRUE(mentions(batch, "a batch of about 85 (instead of 200) would fit")) << batch;
  // Before anything is compiled for a device, which this one could not load.
  Builder added(standard_ops(), "added");
  const Value y = added.input("y", Type(DType::f32, {200, 1024, 1024}));
  const std::string early = message_of([&] {
    compiled({.graph = added.finish({{"y", add(y, y)}}), .num_results = 1});
  });
  EXPECT_TRUE(mentions(early, "would fit")) << early;
}

/// FAKE_CUDA_LOST_AT lets the device die in the second run.
TEST_F(CudaOnFakeDevice, LossEndsInASentence) {
  if (std::getenv("FAKE_CUDA_LOST_AT") == nullptr) GTEST_SKIP() << "needs a device that is lost";
  const std::string message = message_of([] {
    const auto executable = compiled(delay_program());
    executable->bind_state(std::vector{pair(0, 0)});
    const Tensor x = pair(1, 1);
    for (int i = 0; i < 20; ++i) executable->run({&x, 1});
  });
  EXPECT_TRUE(mentions(message, "CUDA_ERROR_ILLEGAL_ADDRESS")) << message;
  EXPECT_TRUE(mentions(message, "checkpoints on disk are intact")) << message;
}

/// Prints why there is no device.
TEST_F(CudaOnFakeDevice, SaysWhyThereIsNone) {
  if (std::getenv("FAKE_CUDA_EXPECT") == nullptr) GTEST_SKIP() << "needs a sentence to expect";
  const std::string message = message_of([] { compiled(delay_program()); });
  EXPECT_TRUE(mentions(message, std::getenv("FAKE_CUDA_EXPECT"))) << message;
}

test::ChildResult run_on_fake(const std::string& filter, std::vector<std::string> environment) {
  environment.emplace_back("FAKE_CUDA=1");
  environment.emplace_back(std::string("BRISK_CUDA_PATH=") + BRISK_BINARY_DIR +
                           "/tests/fake_driver");
  return test::run_child(
      {BRISK_BINARY_DIR "/tests/test_backends", "--gtest_filter=CudaOnFakeDevice." + filter},
      {.environment = environment});
}

void expect_passed(const test::ChildResult& child, const std::string& tests) {
  EXPECT_EQ(child.code, 0) << child.out << child.err;
  EXPECT_TRUE(mentions(child.out, "[  PASSED  ] " + tests)) << child.out << child.err;
  EXPECT_FALSE(mentions(child.out, "[  SKIPPED ]") && tests == "1 test.") << child.out;
}

TEST(CudaFake, RunsWhatNeedsNoKernel) {
  for (const char* test :
       {"StateAlternates*", "TwoRuns*", "Scan*", "EachStepWaits*", "Misuse*", "WhatDoesNotFit*"})
    expect_passed(run_on_fake(test, {}), "1 test.");
}

TEST(CudaFake, RunsTheSameOnPoisonedMemory) {
  for (const char* test : {"StateAlternates*", "TwoRuns*", "Scan*", "EachStepWaits*"})
    for (const char* poison : {"BRISK_CUDA_POISON=1", "BRISK_CUDA_POISON=bulk_stores"})
      expect_passed(run_on_fake(test, {poison}), "1 test.");
}

TEST(CudaFake, RunsTheSameOneStepAfterAnother) {
  for (const char* setting : {"BRISK_CUDA_OVERLAP=0", "BRISK_CUDA_GRAPH=0"})
    for (const char* test : {"StateAlternates*", "EachStepWaits*"})
      expect_passed(run_on_fake(test, {setting}), "1 test.");
}

TEST(CudaFake, IsTimedByWhatThereIs) {
  expect_passed(run_on_fake("KernelsAre*", {}), "1 test.");
  expect_passed(run_on_fake("KernelsAre*", {"FAKE_CUPTI_REFUSES=35"}), "1 test.");
}

TEST(CudaFake, LosesItsDevice) {
  expect_passed(run_on_fake("Loss*", {"FAKE_CUDA_LOST_AT=6"}), "1 test.");
}

TEST(CudaFake, IsTooOld) {
  expect_passed(
      run_on_fake("SaysWhy*", {"FAKE_CUDA_VERSION=11080",
                               "FAKE_CUDA_EXPECT=offers CUDA 11.8, but brisk needs 12.0 or newer"}),
      "1 test.");
}

TEST(CudaFake, HasNoDevice) {
  expect_passed(run_on_fake("SaysWhy*", {"FAKE_CUDA_DEVICES=0",
                                         "FAKE_CUDA_EXPECT=is installed, but sees no device"}),
                "1 test.");
}

}  // namespace
}  // namespace brisk
