#pragma once

/// Inputs that stand for several files, and a folder to lay them out in.

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace brisk::fuzz {

/// The line that separates the files of one input.
inline constexpr std::string_view kSeparator = "\n=====\n";

/// Up to `count` parts; the last holds all that is left, missing ones are empty.
inline std::vector<std::string> parts_of(const uint8_t* bytes, size_t size, size_t count) {
  std::string_view rest(reinterpret_cast<const char*>(bytes), size);
  std::vector<std::string> parts;
  while (parts.size() + 1 < count) {
    const size_t end = rest.find(kSeparator);
    parts.emplace_back(rest.substr(0, end));
    rest =
        end == std::string_view::npos ? std::string_view() : rest.substr(end + kSeparator.size());
  }
  parts.emplace_back(rest);
  return parts;
}

/// A folder of this process, in memory where the system has such a place.
inline const std::filesystem::path& scratch_folder() {
  static const std::filesystem::path folder = [] {
    const std::filesystem::path memory = "/dev/shm";
    const auto base =
        std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    const auto path = base / ("brisk-fuzz-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path);
    return path;
  }();
  return folder;
}

inline void write(const std::filesystem::path& path, std::string_view contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

}  // namespace brisk::fuzz
