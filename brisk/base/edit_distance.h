#pragma once

/// "Did you mean ...?": the candidate nearest to a misspelt word.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace brisk {

/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal
/// string alignment distance), bytewise.
int64_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, letter case aside, first among equals; none when even that one
/// differs in more than a third of its letters.
std::optional<std::string> nearest_name(std::string_view word,
                                        std::span<const std::string> candidates);

/// "; did you mean 'x'?", to be appended to a message, or "" when nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

}  // namespace brisk
