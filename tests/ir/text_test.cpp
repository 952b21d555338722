// The text form: what is printed reads back equal, and what cannot be read is refused with its
// place.

#include "brisk/ir/text.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <set>

#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/standard.h"
#include "tests/support/case_graph.h"
#include "tests/support/op_cases.h"
#include "tests/support/random_graph.h"

namespace brisk::testing {
namespace {

void expect_reads_back(const Graph& graph) {
  const std::string text = print(graph);
  const Result<Graph> again = parse_graph(text, graph.ops());
  ASSERT_TRUE(again.ok()) << again.error() << "\n" << text;
  EXPECT_TRUE(*again == graph) << text;
  EXPECT_EQ(again->hash(), graph.hash());
  EXPECT_EQ(print(*again), text);
}

TEST(Text, RandomGraphsReadBackEqual) {
  for (const DType type : {DType::f64, DType::f32, DType::bf16})
    for (uint64_t seed = 0; seed < 60; ++seed)
      expect_reads_back(random_graph(seed, {.num_nodes = 20, .type = type}));
}

TEST(Text, RandomGraphsWithRegionsInRegionsReadBackEqual) {
  std::set<std::string> met;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Graph graph = random_graph(seed, {.num_nodes = 12, .depth = 3});
    expect_reads_back(graph);
    for (const Node& node : graph.nodes())
      for (const Graph& region : node.regions)
        for (const Node& inner : region.nodes())
          if (!inner.regions.empty()) met.insert(node.op->name + " in it " + inner.op->name);
  }
  EXPECT_GE(met.size(), 9u) << "too few kinds of nesting to prove much";
}

/// The distinct texts that the fields of each op's attributes take over all cases.
std::map<std::string, std::map<std::string, std::set<std::string>>> attribute_texts() {
  std::map<std::string, std::map<std::string, std::set<std::string>>> texts;
  const auto collect = [&](const auto& self, const Graph& graph) -> void {
    for (const Node& node : graph.nodes()) {
      for (const auto& [name, value] : node.attributes.list())
        texts[node.op->name][name].insert(std::to_string(hash(value)));
      for (const Graph& region : node.regions) self(self, region);
    }
  };
  for (const OpCase& op_case : all_op_cases())
    collect(collect, case_graph(op_case, op_case.types.back()));
  return texts;
}

// check_meaning reads every case's graph back; here it is seen that the cases use every attribute.
TEST(Text, CasesVaryEveryAttributeOfEveryOp) {
  const auto texts = attribute_texts();
  for (const Op* op : standard_ops()->all()) {
    if (!op->parse_attributes) continue;
    for (const auto& [field, value] : op->parse_attributes({}).list()) {
      const auto found = texts.find(op->name);
      ASSERT_NE(found, texts.end()) << op->name;
      const auto values = found->second.find(field);
      EXPECT_TRUE(values != found->second.end() && values->second.size() >= 2)
          << "no case of [" << op->name << "] has another '" << field << "' than the others";
    }
  }
}

/// One value of a type through a constant's text.
template <typename T>
void expect_constant_reads_back(std::vector<T> values) {
  Builder builder(standard_ops(), "constants");
  const auto count = static_cast<int64_t>(values.size());
  const Value value = builder.constant(Tensor::of<T>({count}, values));
  expect_reads_back(builder.finish({{"value", value}}));
}

TEST(Text, ConstantsReadBackBitEqual) {
  using D = std::numeric_limits<double>;
  using F = std::numeric_limits<float>;
  expect_constant_reads_back<double>({0.1, -0.0, 1e300, D::denorm_min(), D::infinity(),
                                      -D::infinity(), 1.0 / 3, 9007199254740993.0, 5});
  expect_constant_reads_back<double>({D::quiet_NaN(), 1});
  expect_constant_reads_back<float>(
      {0.1F, -0.0F, F::max(), F::denorm_min(), -F::infinity(), 16777216.0F});
  expect_constant_reads_back<float>(std::vector<float>(40, 0.3F));
  expect_constant_reads_back<int64_t>({std::numeric_limits<int64_t>::min(), -1, 9007199254740993});
  expect_constant_reads_back<uint64_t>({std::numeric_limits<uint64_t>::max(), 0});
  expect_constant_reads_back<uint8_t>({255, 0});
  expect_constant_reads_back<int8_t>({});
}

TEST(Text, ShortFloatsPackedIntegersAndBoolReadBack) {
  for (const DType type :
       {DType::f16, DType::bf16, DType::f8e4m3, DType::f8e5m2, DType::boolean, DType::i4}) {
    for (const int64_t count : {0, 3, 16, 17, 33}) {
      Tensor tensor = Tensor::zeros(type, {count});
      for (int64_t i = 0; i < tensor.num_bytes(); ++i)
        tensor.bytes()[i] = static_cast<std::byte>(type == DType::boolean ? i % 2 : i * 37 % 256);
      Builder builder(standard_ops(), "constants");
      expect_reads_back(builder.finish({{"value", builder.constant(tensor)}}));
    }
  }
}

TEST(Text, NamesAndLabelsOfAnyBytesReadBack) {
  const std::string strange = "a \"b\" \\ \n\t\x01 é # %1";
  Builder builder(standard_ops(), strange);
  builder.set_label(strange);
  const Value x =
      builder.input(strange, Type(DType::f32, {Extent(strange), Extent(std::string("batch")), 3}));
  const Graph graph = builder.finish({{strange, transpose(x, {1, 0, 2})}});
  expect_reads_back(graph);
  EXPECT_EQ(parse_graph(print(graph), standard_ops())->nodes()[1].label, strange);
  EXPECT_EQ(parse_graph(print(graph), standard_ops())->name(), strange);
}

TEST(Text, EveryKindOfTypeReadsBack) {
  const Type tensor(DType::i8, {2, Extent(std::string("n"))});
  TensorType quantized{DType::i8, {4, 2}, Quantization{{0.1, 1, 1e-30, 3}, {0, -1, 2, 3}, 0, 0}};
  const auto shared = [](const Type& type) { return std::make_shared<Type>(type); };
  Builder builder(standard_ops(), "types");
  std::vector<Builder::Output> outputs;
  for (const Type& type :
       {tensor, Type(quantized), Type(SequenceType{shared(tensor)}), Type(StringType{}),
        Type(OptionalType{shared(Type(SequenceType{shared(Type(TokenType{}))}))})})
    outputs.push_back({"out", builder.input(fmt::format("x{}", outputs.size()), type)});
  expect_reads_back(builder.finish(outputs));
}

TEST(Text, ProgramsReadBackWithTheirState) {
  const std::string text = R"(program "p" {
  state "dense/kernel" : f32[2] parameter trainable "glorot_uniform"
  state "bn/mean" : f32[2] statistic frozen "zeros"
  state "key" : u32[2] random_key frozen "{\"class_name\": \"random_key\"}"
  results 1
  updates [1, 2]
  %0 = input() {name = "dense/kernel"} : f32[2]
  %1 = input() {name = "bn/mean"} : f32[2]
  %2 = input() {name = "key"} : u32[2]
  %3 = input() {name = "x"} : f32[2]
  %4 = add(%0, %3) : f32[2] @"dense"
  return %4 as "y", %1 as "mean", %2 as "key"
}
)";
  const Result<Program> program = parse_program(text, standard_ops());
  ASSERT_TRUE(program.ok()) << program.error();
  EXPECT_EQ(print(*program), text);
  EXPECT_EQ(program->state[1].role, StateRole::statistic);
  EXPECT_TRUE(program->state[0].trainable);
  EXPECT_FALSE(program->state[1].trainable);
  EXPECT_EQ(program->updates, (std::vector<int64_t>{1, 2}));
}

struct Refused {
  std::string name, text, message;
};

/// A graph of one input %0: f32[2, 3] and then `lines`, from line 3 on.
std::string graph_with(std::string_view lines) {
  return fmt::format("graph \"g\" {{\n  %0 = input() {{name = \"x\"}} : f32[2, 3]\n{}}}\n", lines);
}

class RefusedText : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedText, NamesThePlace) {
  const Result<Graph> graph = parse_graph(GetParam().text, standard_ops());
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.error().find(GetParam().message), std::string::npos) << graph.error();
}

INSTANTIATE_TEST_SUITE_P(
    Graphs, RefusedText,
    ::testing::Values(
        Refused{"Empty", "", "line 1, column 1: 'graph' is expected"},
        Refused{"AnotherWord", "\n  digraph {}",
                "line 2, column 3: 'graph' is expected, but 'digraph' stands here"},
        Refused{"NoName", "graph {", "line 1, column 7: a quoted text is expected"},
        Refused{"OpenString", "graph \"g", "line 1, column 7: a quoted text does not end"},
        Refused{"StringOverLines", "graph \"g\n\" {", "a quoted text does not end on its line"},
        Refused{"BadEscape", "graph \"\\xg1\" {", "\\x needs two digits"},
        Refused{"UnknownOp", graph_with("  %1 = sine(%0) : f32[2, 3]\n"),
                "line 3, column 8: there is no op 'sine'"},
        Refused{"UndefinedValue", graph_with("  %1 = sin(%1) : f32[2, 3]\n"),
                "line 3, column 12: a value defined above is expected, but '1' stands here"},
        Refused{"WrongNumber", graph_with("  %2 = sin(%0) : f32[2, 3]\n"),
                "value %1 is expected here, not %2"},
        Refused{"OtherType", graph_with("  %1 = sin(%0) : f32[2, 4]\n"),
                "[sin] result 0 is f32[2, 3], but f32[2, 4] is stated"},
        Refused{"TooManyResults", graph_with("  %1, %2 = sin(%0) : f32[2, 3], f32[2, 3]\n"),
                "[sin] has 1 results, but 2 are named"},
        Refused{"OperandCount", graph_with("  %1 = add(%0) : f32[2, 3]\n"),
                "[add] takes 2 operands, but 1 are given"},
        Refused{"UnknownAttribute",
                graph_with("  %1 = transpose(%0) {order = [1, 0]} : f32[3, 2]\n"),
                "there is no attribute 'order'; known are: permutation"},
        Refused{"IllTypedAttribute",
                graph_with("  %1 = transpose(%0) {permutation = \"ab\"} : f32[3, 2]\n"),
                "attribute 'permutation' is given a value of another type"},
        Refused{"AttributeOfNone", graph_with("  %1 = sin(%0) {axis = 1} : f32[2, 3]\n"),
                "[sin] has no attributes"},
        Refused{"MixedList",
                graph_with("  %1 = transpose(%0) {permutation = [1, 0.5]} : f32[3, 2]\n"),
                "a list's elements are of one kind"},
        Refused{"RegionCount", graph_with("  %1 = sin(%0) ({\n    return\n  }) : f32[2, 3]\n"),
                "[sin] takes 0 regions, but 1 are given"},
        Refused{"NegativeExtent",
                "graph \"g\" {\n  %0 = input() {name = \"x\"} : f32[-2]\n  return\n}",
                "a type has no negative extents"},
        Refused{"NoType", "graph \"g\" {\n  %0 = input() {name = \"x\"} : f33[2]\n  return\n}",
                "'f33' is no type"},
        Refused{"HugeInteger",
                graph_with("  %1 = reverse(%0) {axes = [99999999999999999999]} : f32[2, 3]\n"),
                "a 64-bit integer is expected, but '99999999999999999999' stands here"},
        Refused{"ConstantTooShort",
                graph_with("  %1 = constant() {value = f32[3] (1.0, 2.0)} : f32[3]\n"),
                "line 3, column 44: ',' is expected, but ')' stands here"},
        Refused{"ConstantOfManyElements",
                graph_with("  %1 = constant() {value = f32[1000000000] 0x00} : f32[1000000000]\n"),
                "1000000000 elements of f32 do not take 2 hexadecimal digits"},
        Refused{"ConstantOverflows",
                graph_with("  %1 = constant() {value = f32[4294967296, 4294967296] (1)} : f32[]\n"),
                "the number of elements overflows 64 bits"},
        Refused{"ElementDoesNotFit",
                graph_with("  %1 = constant() {value = i8[1] (200)} : i8[1]\n"),
                "200 does not fit into i8"},
        Refused{"FollowsTheEnd", graph_with("  return %0 as \"y\"\n") + "more",
                "line 5, column 1: 'more' follows the end"},
        Refused{"NoEnd", "graph \"g\" {\n  return", "'}' is expected"}),
    [](const auto& info) { return info.param.name; });

TEST(RefusedText, RegionsAndTypesNestedWithoutEndAreRefusedBeforeTheStackEnds) {
  std::string regions = "graph \"g\" {\n",
              types = "graph \"g\" {\n  %0 = input() {name = \"x\"} : ";
  for (int i = 0; i < 100'000; ++i) regions += "call() ({\n", types += "sequence<";
  EXPECT_NE(
      parse_graph(regions, standard_ops()).error().find("regions are nested more than 100 deep"),
      std::string::npos);
  EXPECT_NE(parse_graph(types, standard_ops()).error().find("types are nested more than 100 deep"),
            std::string::npos);
}

class RefusedProgram : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedProgram, SaysWhatDoesNotFit) {
  const Result<Program> program = parse_program(GetParam().text, standard_ops());
  ASSERT_FALSE(program.ok());
  EXPECT_NE(program.error().find(GetParam().message), std::string::npos) << program.error();
}

/// A program of one state entry and one input.
std::string program_with(std::string_view state, std::string_view counts,
                         std::string_view outputs) {
  return fmt::format(
      "program \"p\" {{\n{}\n{}\n  %0 = input() {{name = \"w\"}} : f32[2]\n"
      "  %1 = input() {{name = \"x\"}} : f32[3]\n  return {}\n}}\n",
      state, counts, outputs);
}

constexpr const char* kState = "  state \"w\" : f32[2] parameter trainable \"zeros\"";

INSTANTIATE_TEST_SUITE_P(
    Programs, RefusedProgram,
    ::testing::Values(
        Refused{"UnknownRole",
                program_with("  state \"w\" : f32[2] weight trainable \"zeros\"",
                             "results 1 updates []", "%1 as \"y\""),
                "line 2, column 22: 'weight' is no role of state"},
        Refused{"TrainableOrFrozen",
                program_with("  state \"w\" : f32[2] parameter \"zeros\"", "results 1 updates []",
                             "%1 as \"y\""),
                "'frozen' is expected"},
        Refused{"StateType",
                program_with("  state \"w\" : f32[4] parameter trainable \"zeros\"",
                             "results 1 updates []", "%1 as \"y\""),
                "state 'w' is f32[4], but its input is f32[2]"},
        Refused{"ResultCount", program_with(kState, "results 3 updates []", "%1 as \"y\""),
                "a program with 3 results and 0 updates has 1 outputs"},
        Refused{"NegativeResults", program_with(kState, "results -1 updates [0, 0]", "%1 as \"y\""),
                "not consistent"},
        Refused{"UpdateOutOfRange", program_with(kState, "results 0 updates [1]", "%1 as \"y\""),
                "update 0 names state 1, out of order or of range"},
        Refused{"UpdateType", program_with(kState, "results 0 updates [0]", "%1 as \"y\""),
                "state 'w' is f32[2], but its update is f32[3]"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace brisk::testing
