#include <gtest/gtest.h>

#include <cstdlib>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/ir/text.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

// litert_integer.json is what LiteRT's reference kernels give (tests/oracle/litert_integer.py): a
// graph, its inputs and its results. BRISK_LITERT_CASES names another such file.

namespace brisk {
namespace {

const Json& litert() {
  static const Json json = [] {
    const char* other = std::getenv("BRISK_LITERT_CASES");
    const std::string path =
        other != nullptr ? other : BRISK_SOURCE_DIR "/tests/ops/litert_integer.json";
    return parse_json(read_file(path, 1 << 30).value(), path).value();
  }();
  return json.at("cases");
}

Tensor tensor_of(const Json& json) {
  Tensor tensor(parse_dtype(json.at("dtype").get<std::string>()).value(),
                json.at("sizes").get<std::vector<int64_t>>());
  const auto values = json.at("values").get<std::vector<double>>();
  require(static_cast<int64_t>(values.size()) == tensor.num_elements(), "{} values for {}",
          values.size(), tensor.describe());
  for (size_t i = 0; i < values.size(); ++i) tensor.set(static_cast<int64_t>(i), values[i]);
  return tensor;
}

std::string difference(const Tensor& found, const Tensor& wanted) {
  if (found.dtype() != wanted.dtype() || found.sizes() != wanted.sizes())
    return fmt::format("{} instead of {}", found.describe(), wanted.describe());
  int64_t count = 0, first = -1;
  for (int64_t i = 0; i < wanted.num_elements(); ++i)
    if (found.get(i) != wanted.get(i)) {
      if (count++ == 0) first = i;
    }
  if (count == 0) return "";
  return fmt::format("{} of {} differ, the first at {}: {} instead of {}", count,
                     wanted.num_elements(), first, found.get(first), wanted.get(first));
}

class LitertIntegers : public ::testing::TestWithParam<size_t> {};

TEST_P(LitertIntegers, AreTheSame) {
  const Json& json = litert().at(GetParam());
  Program program;
  program.graph = parse_graph(json.at("graph").get<std::string>(), standard_ops()).value();
  program.num_results = 1;
  std::vector<Tensor> inputs;
  for (const Json& input : json.at("inputs")) inputs.push_back(tensor_of(input));
  const Tensor wanted = tensor_of(json.at("output"));
  for (const std::string backend : {"reference", "cpu"}) {
    const auto executable = compile(program, **find_backend(backend)).executable;
    EXPECT_EQ(difference(executable->run(inputs)[0], wanted), "")
        << backend << "\n"
        << json.at("graph").get<std::string>();
  }
}

INSTANTIATE_TEST_SUITE_P(, LitertIntegers, ::testing::Range(size_t{0}, litert().size()),
                         [](const auto& info) {
                           return litert().at(info.param).at("name").template get<std::string>();
                         });

}  // namespace
}  // namespace brisk
