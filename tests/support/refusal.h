#pragma once

/// What a refusal says.

#include <string>

#include "brisk/base/error.h"

namespace brisk::testing {

/// The message of the UserError that `action` throws; empty when it throws none.
template <typename Action>
std::string refusal(Action&& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

}  // namespace brisk::testing
