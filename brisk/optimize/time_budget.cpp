#include "brisk/optimize/time_budget.h"

#include <charconv>
#include <cmath>

namespace brisk {

Result<double> parse_duration(std::string_view text) {
  const Failure failure = fail(
      "'{}' is no duration: give seconds or hours, minutes and seconds, as 90, 90s, 5m or 1h30m",
      text);
  double seconds = 0, last_unit = INFINITY;
  std::string_view rest = text;
  while (!rest.empty()) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(number) || number < 0) return failure;
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    double unit = 1;
    if (!rest.empty()) {
      const char letter = rest.front();
      if (letter != 'h' && letter != 'm' && letter != 's') return failure;
      unit = letter == 'h' ? 3600 : letter == 'm' ? 60 : 1;
      rest.remove_prefix(1);
    }
    if (unit >= last_unit) return failure;
    last_unit = unit;
    seconds += number * unit;
  }
  if (seconds <= 0) return failure;
  return seconds;
}

std::string duration_in_words(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 100) return fmt::format("{} s", whole);
  if (whole < 3600)
    return whole % 60 == 0 ? fmt::format("{} min", whole / 60)
                           : fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

TimeBudget::TimeBudget(double limit, double spent)
    : limit_(limit), spent_before_(spent), start_(std::chrono::steady_clock::now()) {}

double TimeBudget::spent() const {
  return spent_before_ +
         std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

}  // namespace brisk
