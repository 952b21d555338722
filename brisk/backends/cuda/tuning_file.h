#pragma once

/// The file behind a tuning database: one JSON object {"format": 1, "choices": {problem: {"choice",
/// "plan", "milliseconds"}}}. Plans that are bytes are kept in hexadecimal by whoever stores them.

#include <map>
#include <set>
#include <string>

#include "brisk/backends/cuda/tuning.h"

namespace brisk::cuda {

/// Fails with what is wrong with the text; never crashes on foreign bytes.
Result<std::map<std::string, TunedChoice>> parse_tuning(std::string_view text);
std::string print_tuning(const std::map<std::string, TunedChoice>& choices);

/// What the file holds; empty where there is none. A damaged one is renamed to "….damaged",
/// so that the next `merge` begins anew and the old one can be looked at.
std::map<std::string, TunedChoice> read_tuning_file(const std::string& path);

/// Adds to the file under its lock, so that processes side by side lose nothing. A problem that is
/// there already keeps its choice unless it is `unusable`; those that are kept and are not the
/// added ones are returned. Beyond `limit` problems only the added ones are kept. Throws UserError
/// when it can't be written.
std::map<std::string, TunedChoice> merge_into_tuning_file(
    const std::string& path, const std::map<std::string, TunedChoice>& added,
    const std::set<std::string>& unusable, size_t limit);

}  // namespace brisk::cuda
