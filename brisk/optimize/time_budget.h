#pragma once

/// How long an optimization may take, and how much of that is left.

#include <chrono>
#include <string>
#include <string_view>

#include "brisk/base/error.h"

namespace brisk {

/// Seconds of "90", "90s", "5m", "1h30m", "1.5h"; a number alone is seconds. Fails, with the forms
/// that there are, for other text and for nothing at all.
Result<double> parse_duration(std::string_view text);
/// "48 s", "3 min 20 s", "2 h 5 min".
std::string duration_in_words(double seconds);

class TimeBudget {
 public:
  /// `limit` in seconds, infinity for none; `spent`: what an interrupted run took already.
  explicit TimeBudget(double limit, double spent = 0);
  double limit() const { return limit_; }
  double spent() const;
  double left() const { return limit_ - spent(); }

 private:
  double limit_, spent_before_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace brisk
