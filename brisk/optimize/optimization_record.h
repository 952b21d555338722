#pragma once

/// What was done to a packaged model, with measured numbers: a list that grows with every verb.

#include <string>

#include "brisk/base/json.h"

namespace brisk {

/// The text of `optimization.json` with `step` behind the steps of `earlier`, which may be empty.
std::string with_step(const std::string& earlier, Json step);

}  // namespace brisk
