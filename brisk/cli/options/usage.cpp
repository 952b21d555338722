#include "brisk/cli/options/usage.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "brisk/base/edit_distance.h"

namespace brisk::cli {
namespace {

using Words = std::vector<std::string>;

bool contains(const Words& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The first option among `words` that the verb does not have.
std::optional<std::string> unknown_option(const CLI::App& verb, const Words& words) {
  Words known;
  for (const CLI::Option* option : verb.get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (name.starts_with("--") && !contains(known, name))
      return fmt::format("'brisk {}' has no option '{}'{}", verb.get_name(), name,
                         did_you_mean(name, known));
  }
  return std::nullopt;
}

/// CLI11 says "--epochs: Value x not in range 0.000000 to 179769313486231570...": the greatest
/// double.
std::optional<std::string> wrong_number(std::string_view message) {
  constexpr std::string_view kValue = ": Value ", kRange = " not in range ";
  const size_t value_at = message.find(kValue), range_at = message.find(kRange);
  if (value_at == message.npos || range_at == message.npos) return std::nullopt;
  const std::string_view option = message.substr(0, value_at);
  const std::string_view value =
      message.substr(value_at + kValue.size(), range_at - value_at - kValue.size());
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size())
    return fmt::format("{} must be a number, but is '{}'", option, value);
  double low = 0, high = 0;
  const std::string_view range = message.substr(range_at + kRange.size());
  const size_t to = range.find(" to ");
  if (to == range.npos) return std::nullopt;
  std::from_chars(range.data(), range.data() + to, low);
  std::from_chars(range.data() + to + 4, range.data() + range.size(), high);
  if (number > low && high < 1e18)
    return fmt::format("{} is {}, but must not be above {:g}", option, value, high);
  if (number < low && low > 0)
    return fmt::format("{} is {}, but must be at least {:g}", option, value, low);
  return fmt::format("{} is {}, but must {}", option, value,
                     number < 0 ? "not be negative" : "be positive");
}

}  // namespace

std::string usage_error(const CLI::App& app, const Words& words, const CLI::ParseError& error) {
  Words verbs;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    verbs.push_back(verb->get_name());
  if (words.empty()) return fmt::format("a verb is missing; there are: {}", fmt::join(verbs, ", "));
  const auto first = std::find_if(words.begin(), words.end(),
                                  [](const std::string& w) { return !w.starts_with('-'); });
  if (first != words.end() && !contains(verbs, *first))
    return fmt::format("there is no verb '{}'{}; there are: {}", *first,
                       did_you_mean(*first, verbs), fmt::join(verbs, ", "));
  if (first != words.end())
    if (const auto text = unknown_option(*app.get_subcommand(*first), words)) return *text;
  if (const auto text = wrong_number(error.what())) return *text;
  return error.what();
}

}  // namespace brisk::cli
