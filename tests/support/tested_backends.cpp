#include "tests/support/tested_backends.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

namespace brisk::testing {

std::vector<std::shared_ptr<const Backend>> tested_backends() {
  std::vector<std::string> names;
  if (const char* wanted = std::getenv("BRISK_TEST_BACKENDS")) {
    std::istringstream text(wanted);
    for (std::string name; std::getline(text, name, ',');) names.push_back(name);
  } else {
    names = available_backend_names();
  }
  std::vector<std::shared_ptr<const Backend>> backends;
  for (const std::string& name : names) {
    const auto backend = find_backend(name);
    if (!backend.ok()) {
      ADD_FAILURE() << backend.error();
    } else if (const Status here = (*backend)->available(); !here) {
      ADD_FAILURE() << "BRISK_TEST_BACKENDS names " << name << ": " << here.error();
    } else {
      backends.push_back(*backend);
    }
  }
  return backends;
}

}  // namespace brisk::testing
