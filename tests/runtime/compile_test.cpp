#include <gtest/gtest.h>

#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

namespace brisk {
namespace {

std::string message_of(const auto& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no refusal";
}

Program softmax_program(Shape shape) {
  Builder builder(standard_ops(), "model");
  const Value x = builder.input("x", Type(DType::f32, std::move(shape)));
  return {.graph = builder.finish({{"y", softmax(x)}}), .num_results = 1};
}

TEST(Compile, RefusesAnUnboundDimensionByName) {
  const auto backend = find_backend("reference");
  const std::string message = message_of([&] {
    compile(softmax_program({Extent("batch"), 3}), **backend);
  });
  EXPECT_NE(message.find("'batch'"), std::string::npos) << message;
  EXPECT_NE(message.find("'model'"), std::string::npos) << message;
}

TEST(Compile, LowersForTheTargetAndReportsThePasses) {
  const auto backend = find_backend("reference");
  const Compilation compiled = compile(softmax_program({2, 3}), **backend);
  ASSERT_FALSE(compiled.passes.empty());
  for (const Node& node : compiled.lowered.graph.nodes()) EXPECT_NE(node.op->name, "softmax");
  const Tensor x = Tensor::of<float>({2, 3}, {1, 1, 1, 0, 0, 0});
  EXPECT_NEAR(compiled.executable->run({&x, 1})[0].get(4), 1.0 / 3, 1e-6);
}

TEST(Compile, SwitchedOffPassIsSkippedAndAnUnknownOneRefused) {
  const auto backend = find_backend("reference");
  const Compilation compiled =
      compile(softmax_program({2, 3}), **backend, {.disabled_passes = {"simplify"}});
  bool skipped = false;
  for (const PassReport& report : compiled.passes)
    if (report.name == "simplify") skipped |= report.skipped;
  EXPECT_TRUE(skipped);
  const std::string message = message_of([&] {
    compile(softmax_program({2, 3}), **backend, {.disabled_passes = {"simplifi"}});
  });
  EXPECT_NE(message.find("simplifi"), std::string::npos) << message;
}

TEST(FindBackend, KnowsTheNamesItLists) {
  for (const std::string& name : available_backend_names()) {
    const auto backend = find_backend(name);
    ASSERT_TRUE(backend.ok()) << backend.error();
    EXPECT_EQ((*backend)->name(), name);
    EXPECT_FALSE((*backend)->describe().empty());
  }
}

TEST(FindBackend, AnswersAnUnknownNameWithTheKnownOnes) {
  const auto backend = find_backend("referense");
  ASSERT_FALSE(backend.ok());
  EXPECT_NE(backend.error().find("'referense'"), std::string::npos) << backend.error();
  EXPECT_NE(backend.error().find("did you mean 'reference'"), std::string::npos) << backend.error();
}

}  // namespace
}  // namespace brisk
