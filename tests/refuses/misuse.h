#pragma once

/// A table of misuses: what is done, and what the refusal must say.

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/support/refusal.h"

namespace brisk::testing {

struct Misuse {
  std::string name;
  std::function<void()> use;
  std::string message;  ///< a part of the refusal
};

inline std::ostream& operator<<(std::ostream& stream, const Misuse& misuse) {
  return stream << misuse.name;
}

class Refuses : public ::testing::TestWithParam<Misuse> {
 protected:
  void expect_refusal() const {
    const std::string message = refusal(GetParam().use);
    EXPECT_NE(message, "") << "not refused";
    EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
  }
};

inline std::string misuse_name(const ::testing::TestParamInfo<Misuse>& info) {
  return info.param.name;
}

}  // namespace brisk::testing
