#pragma once

/// Figures with what they varied by, and when one of two measured things is the faster one.

#include <span>
#include <vector>

#include "brisk/base/json.h"

namespace brisk {

/// The median of the rounds of a measurement, with their first and third quartile.
struct Spread {
  double median = 0, low = 0, high = 0;
  friend bool operator==(const Spread&, const Spread&) = default;
};

/// Of at least one value.
Spread spread_of(std::vector<double> values);
/// `scale` / each value: milliseconds a batch become images a second.
Spread inverse(const Spread& spread, double scale);

Json to_json(const Spread& spread);
Spread spread_from_json(const Json& json);

/// Two things that were measured in turn, round by round.
struct Comparison {
  Spread times_as_fast;  ///< before / after, by round: what a noisy round does hits both
  double fastest = 1;    ///< of the fastest rounds: what else a machine does only makes one slower
  /// Faster by more than two percent, in three of four rounds faster at all, and by the fastest
  /// rounds too; `slower` alike.
  bool faster = false, slower = false;
};

/// `before` and `after`: seconds a run, a value a round, equally many.
Comparison compare(std::span<const double> before, std::span<const double> after);

}  // namespace brisk
