#pragma once

/// Cases of passes: text in, text out, in tests/passes/<pass>.txt.
///
///     # What stands before the first case is for people.
///     == name_of_the_case
///     target fused_dot fused_convolution     (words after a key; a case without keys has none)
///     graph "g" { ... }                      (or program "p" { ... })
///     --
///     program "g" { ... }                    (what the pass makes of it)

#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace brisk::testing {

struct PassCase {
  std::string pass, name;
  std::map<std::string, std::vector<std::string>> options;
  std::string input, output;
};

/// Prints as "pass/name".
std::ostream& operator<<(std::ostream& stream, const PassCase& pass_case);

/// The cases of all files of a folder, in order. Throws UserError naming file and line.
std::vector<PassCase> read_pass_cases(const std::filesystem::path& folder);

/// Puts `output` in the place of the case's in its file.
void replace_output(const std::filesystem::path& folder, const PassCase& pass_case,
                    const std::string& output);

}  // namespace brisk::testing
