#include "brisk/base/edit_distance.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace brisk {
namespace {

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

}  // namespace

int64_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the dynamic programme: distances of a[0, i) for i - 2, i - 1 and i to all b[0,
  // j).
  std::vector<int64_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) current[j] = static_cast<int64_t>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, previous);
    std::swap(previous, current);
    current[0] = static_cast<int64_t>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int64_t substituted = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({substituted, previous[j] + 1, current[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
    }
  }
  return current[b.size()];
}

std::optional<std::string> nearest_name(std::string_view word,
                                        std::span<const std::string> candidates) {
  const std::string wanted = lower_case(word);
  const std::string* nearest = nullptr;
  int64_t least = 0;
  for (const std::string& candidate : candidates) {
    const int64_t distance = edit_distance(wanted, lower_case(candidate));
    const auto longer = static_cast<int64_t>(std::max(word.size(), candidate.size()));
    if (distance > std::max<int64_t>(1, longer / 3) || distance >= longer) continue;
    if (nearest == nullptr || distance < least) {
      nearest = &candidate;
      least = distance;
    }
  }
  if (nearest == nullptr) return std::nullopt;
  return *nearest;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const std::optional<std::string> nearest = nearest_name(word, candidates);
  return nearest ? fmt::format("; did you mean '{}'?", *nearest) : "";
}

}  // namespace brisk
