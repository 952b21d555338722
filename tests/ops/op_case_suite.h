#pragma once

/// A suite of cases as tests, and what refusals say.

#include <gtest/gtest.h>

#include <string>

#include "tests/support/op_case_checks.h"
#include "tests/support/refusal.h"

namespace brisk::testing {

class OpCaseSuite : public ::testing::TestWithParam<OpCase> {};

inline std::string case_name(const ::testing::TestParamInfo<OpCase>& info) {
  return info.param.name;
}

}  // namespace brisk::testing

/// Tests <name>.*/<case>: every check of op_case_checks.h on every case. A macro, since a suite of
/// parametrised tests has no other spelling.
#define OP_CASE_SUITE(name, ...)                                                                 \
  class name##Cases : public OpCaseSuite {};                                                     \
  TEST_P(name##Cases, Meaning) {                                                                 \
    check_meaning(GetParam());                                                                   \
  }                                                                                              \
  TEST_P(name##Cases, Backends) {                                                                \
    check_backends(GetParam());                                                                  \
  }                                                                                              \
  TEST_P(name##Cases, Gradient) {                                                                \
    check_gradient(GetParam());                                                                  \
  }                                                                                              \
  TEST_P(name##Cases, Decomposition) {                                                           \
    check_decomposition(GetParam());                                                             \
  }                                                                                              \
  INSTANTIATE_TEST_SUITE_P(, name##Cases, ::testing::ValuesIn(std::vector<OpCase>(__VA_ARGS__)), \
                           case_name)
