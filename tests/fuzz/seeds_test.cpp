// The fuzz targets without a fuzzer: every committed seed, cut short everywhere and with damaged
// bytes. What a fuzzer once found stays in the seeds, so that it is tried again here, under every
// compiler and sanitizer. A target that is not satisfied ends the program.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>

#include "brisk/base/file.h"
#include "brisk/base/philox.h"

// BRISK_FUZZ_TARGETS is the list of fuzz/*.cpp as TARGET(name) TARGET(name) ...; the build renames
// their entries to fuzz_<name>.
#define TARGET(name) extern "C" int fuzz_##name(const uint8_t* bytes, size_t size);
BRISK_FUZZ_TARGETS
#undef TARGET

namespace brisk::testing {
namespace {

struct FuzzTarget {
  std::string name;
  int (*run)(const uint8_t*, size_t);
};

std::vector<FuzzTarget> targets() {
#define TARGET(name) {#name, fuzz_##name},
  return {BRISK_FUZZ_TARGETS};
#undef TARGET
}

/// Cuts of a seed and damages of it; the damage is the same in every run.
constexpr size_t kCuts = 60;
constexpr int kDamages = 60;

/// What parsers stumble over.
constexpr const char* kTelling[] = {"-1",
                                    "0",
                                    "9223372036854775807",
                                    "4294967296",
                                    "\xff\xff\xff\xff",
                                    "nan",
                                    "[",
                                    "]",
                                    "{",
                                    "}",
                                    "\"",
                                    "\n",
                                    ",",
                                    ":",
                                    "1e999",
                                    "%0"};

class FuzzSeeds : public ::testing::TestWithParam<FuzzTarget> {
 protected:
  static void run(const std::string& input) {
    GetParam().run(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  }
  static std::vector<std::string> seeds() {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(BRISK_SOURCE_DIR) / "fuzz" / "seeds" / GetParam().name))
      paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> contents;
    for (const auto& path : paths) contents.push_back(read_file(path, 1 << 24).value());
    return contents;
  }
};

TEST_P(FuzzSeeds, AreTaken) {
  ASSERT_FALSE(seeds().empty());
  run("");
  for (const std::string& seed : seeds()) run(seed);
}

TEST_P(FuzzSeeds, CutShortAreTaken) {
  for (const std::string& seed : seeds()) {
    const size_t step = std::max<size_t>(1, seed.size() / kCuts);
    for (size_t size = 0; size < seed.size(); size += step) run(seed.substr(0, size));
  }
}

TEST_P(FuzzSeeds, DamagedAreTaken) {
  for (const std::string& seed : seeds()) {
    if (seed.empty()) continue;
    PhiloxSequence random(seed.size());
    for (int i = 0; i < kDamages; ++i) {
      std::string damaged = seed;
      for (uint64_t n = 1 + random.next_below(4); n > 0; --n)
        damaged[random.next_below(damaged.size())] = static_cast<char>(random.next_below(256));
      run(damaged);
    }
  }
}

/// A poor man's fuzzer where there is no clang: BRISK_FUZZ_SECONDS of damages to each target's
/// seeds.
TEST_P(FuzzSeeds, DamagedForAWhileAreTaken) {
  const char* seconds = std::getenv("BRISK_FUZZ_SECONDS");
  if (seconds == nullptr) GTEST_SKIP() << "BRISK_FUZZ_SECONDS=60 runs it";
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(seconds));
  const std::vector<std::string> all = seeds();
  PhiloxSequence random(std::random_device{}());
  int64_t runs = 0;
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    std::string input = all[random.next_below(all.size())];
    for (uint64_t n = 1 + random.next_below(8); n > 0 && !input.empty(); --n) {
      const size_t at = random.next_below(input.size()), other = random.next_below(input.size());
      const size_t length = 1 + random.next_below(std::min<size_t>(16, input.size() - at));
      switch (random.next_below(5)) {
        case 0:
          input[at] = static_cast<char>(random.next_below(256));
          break;
        case 1:
          input.erase(at, length);
          break;
        case 2:
          input.insert(other, input.substr(at, length));
          break;
        case 3:
          input[at] = input[other];
          break;
        default:
          input.replace(at, 1, kTelling[random.next_below(std::size(kTelling))]);
      }
    }
    run(input);
  }
  RecordProperty("runs", std::to_string(runs));
  std::cout << GetParam().name << ": " << runs << " inputs\n";
}

INSTANTIATE_TEST_SUITE_P(, FuzzSeeds, ::testing::ValuesIn(targets()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace brisk::testing
