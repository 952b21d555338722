#include "brisk/optimize/time_in_turn.h"

#include <algorithm>
#include <chrono>

namespace brisk {
namespace {

double seconds_of(const std::function<void()>& work, int64_t runs) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < runs; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

std::vector<std::vector<double>> time_in_turn(std::span<const std::function<void()>> subjects,
                                              const RoundOptions& options) {
  std::vector<int64_t> runs;
  for (const auto& subject : subjects) {
    subject();
    const double once = std::max(seconds_of(subject, 1), 1e-7);
    runs.push_back(std::max<int64_t>(1, static_cast<int64_t>(options.seconds_a_round / once)));
  }
  std::vector<std::vector<double>> times(subjects.size());
  double spent = 0;
  for (int round = 0; round < options.rounds; ++round) {
    if (round >= 3 && spent > options.most_seconds) break;
    for (size_t i = 0; i < subjects.size(); ++i) {
      const size_t subject = round % 2 == 0 ? i : subjects.size() - 1 - i;
      const double seconds = seconds_of(subjects[subject], runs[subject]);
      times[subject].push_back(seconds / static_cast<double>(runs[subject]));
      spent += seconds;
    }
  }
  return times;
}

}  // namespace brisk
