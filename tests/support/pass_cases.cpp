#include "tests/support/pass_cases.h"

#include <algorithm>
#include <ostream>
#include <sstream>

#include "brisk/base/error.h"
#include "brisk/base/file.h"

namespace brisk::testing {
namespace {

constexpr int64_t kMaxBytes = 1 << 20;

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool begins_text(const std::string& line) {
  return line.starts_with("graph ") || line.starts_with("program ");
}

std::vector<PassCase> read_file_of_cases(const std::filesystem::path& path) {
  std::istringstream stream(read_file(path, kMaxBytes).value());
  std::vector<PassCase> cases;
  enum { prose, options, input, output } part = prose;
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (line.starts_with("== ")) {
      require(part == prose || part == output, "{}:{}: the case above has no '--'", path.string(),
              number);
      cases.push_back({.pass = path.stem().string(), .name = line.substr(3)});
      part = options;
    } else if (part == prose) {
      require(line.empty() || line.starts_with('#'), "{}:{}: '{}' stands before the first case",
              path.string(), number, line);
    } else if (line == "--") {
      require(part == input, "{}:{}: '--' stands where no text was", path.string(), number);
      part = output;
    } else if (part == options && !begins_text(line)) {
      std::vector<std::string> words = words_of(line);
      require(!words.empty(), "{}:{}: an empty line where options or a text belong", path.string(),
              number);
      cases.back().options[words[0]] = {words.begin() + 1, words.end()};
    } else {
      if (part == options) part = input;
      if (part == output && line.empty()) continue;  // between cases
      (part == input ? cases.back().input : cases.back().output) += line + "\n";
    }
  }
  require(part == output, "{}: the last case has no '--'", path.string());
  return cases;
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, const PassCase& pass_case) {
  return stream << pass_case.pass << '/' << pass_case.name;
}

std::vector<PassCase> read_pass_cases(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<PassCase> all;
  for (const auto& file : files)
    for (PassCase& pass_case : read_file_of_cases(file)) all.push_back(std::move(pass_case));
  return all;
}

void replace_output(const std::filesystem::path& folder, const PassCase& pass_case,
                    const std::string& output) {
  const std::filesystem::path path = folder / (pass_case.pass + ".txt");
  std::string text = read_file(path, kMaxBytes).value();
  const size_t start = text.find("== " + pass_case.name + "\n");
  require(start != std::string::npos, "{} has no case '{}'", path.string(), pass_case.name);
  const size_t first = text.find("\n--\n", start) + 4;
  const size_t next = text.find("\n== ", first - 1);
  const bool last = next == std::string::npos;
  text.replace(first, (last ? text.size() : next) - first, output);
  write_file_atomically(path, text).value();
}

}  // namespace brisk::testing
