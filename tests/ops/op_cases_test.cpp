// Every declared case (tests/support/<kind>_cases.cpp) is held to every check.

#include <gtest/gtest.h>

#include <cctype>

#include "tests/support/op_case_checks.h"
#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

class OpCases : public ::testing::TestWithParam<OpCase> {};

TEST_P(OpCases, MeanWhatTheirTypesAndTextSay) {
  check_meaning(GetParam());
}
TEST_P(OpCases, AgreeAcrossBackends) {
  check_backends(GetParam());
}
TEST_P(OpCases, HaveTheSameGradientOnBackends) {
  check_gradient_on_backends(GetParam());
}
TEST_P(OpCases, HaveGradientsOfFiniteDifferences) {
  check_gradient(GetParam());
}
TEST_P(OpCases, EqualTheirDecomposition) {
  check_decomposition(GetParam());
}
TEST_P(OpCases, ComeFromWhereTheIndexMapSays) {
  check_index_map(GetParam());
}

/// "softmax_3x65_axis1", numbered, since two cases of one op may differ in an attribute alone.
std::string test_name(const ::testing::TestParamInfo<OpCase>& info) {
  std::string name = fmt::format("{}_{}_{}", info.param.op, info.param.name, info.index);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

// The suite's name is the kind's: a macro because GoogleTest's own one takes a token.
#define BRISK_OP_CASES(kind) \
  INSTANTIATE_TEST_SUITE_P(kind, OpCases, ::testing::ValuesIn(kind##_cases()), test_name)

BRISK_OP_CASES(source);
BRISK_OP_CASES(elementwise);
BRISK_OP_CASES(reduce);
BRISK_OP_CASES(move);
BRISK_OP_CASES(index);
BRISK_OP_CASES(contract);
BRISK_OP_CASES(convolve);
BRISK_OP_CASES(window);
BRISK_OP_CASES(composite);
BRISK_OP_CASES(control);
BRISK_OP_CASES(fused);
BRISK_OP_CASES(batch_norm_fusion);
BRISK_OP_CASES(quantize);
BRISK_OP_CASES(tflite);

}  // namespace
}  // namespace brisk::testing
