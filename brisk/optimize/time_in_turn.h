#pragma once

/// Several things timed on one machine so that its noise hits all of them alike.

#include <functional>
#include <span>
#include <vector>

namespace brisk {

struct RoundOptions {
  int rounds = 15;
  double seconds_a_round = 0.03;  ///< of each subject: as many runs as fill it, at least one
  double most_seconds = 30;       ///< after which no round begins, once there were three
};

/// Runs each subject once without counting it, then in rounds, one subject after the other, in
/// every second round from the last to the first. Seconds of one run: for each subject a value a
/// round.
std::vector<std::vector<double>> time_in_turn(std::span<const std::function<void()>> subjects,
                                              const RoundOptions& options = {});

}  // namespace brisk
