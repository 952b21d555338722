#pragma once

/// What a wrong command line is answered with.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace brisk::cli {

/// One sentence on what is wrong: an unknown verb or option with the nearest known one, a number
/// that is none or out of range; else CLI11's own words. `words`: those behind the program's name.
std::string usage_error(const CLI::App& app, const std::vector<std::string>& words,
                        const CLI::ParseError& error);

}  // namespace brisk::cli
