#pragma once

/// What a wrong command line is answered with.

#include <CLI/CLI.hpp>
#include <string>

namespace brisk::cli {

/// One sentence on what is wrong: an unknown verb or option with the nearest known one, a number
/// that is none or out of range; else CLI11's own words.
std::string usage_error(const CLI::App& app, int argc, const char* const* argv,
                        const CLI::ParseError& error);

}  // namespace brisk::cli
