#pragma once

/// Texts as the text form of graphs writes them.

#include <string>
#include <string_view>

namespace brisk {

/// A letter or '_', then letters, digits and '_': what stands in a text without quotes.
bool is_word(std::string_view text);
/// In quotes, with \", \\, \n and \xNN for what cannot stand there as it is.
std::string quoted(std::string_view text);

}  // namespace brisk
