#pragma once

/// A program run as a process of its own: its exit, its output, signals sent to it.

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace brisk::test {

/// build/bin/brisk of the build that the test belongs to.
std::filesystem::path brisk_program(const std::filesystem::path& build);

struct ChildOptions {
  std::filesystem::path directory = {};           ///< to run in; empty: this process's
  std::vector<std::string> environment = {};      ///< "NAME=value", added to this process's
  int64_t largest_file = -1;                      ///< bytes; a longer write fails with EFBIG
};

struct ChildResult {
  int code = -1;        ///< exit status; -1 when a signal ended it
  int signal = 0;       ///< that ended it
  std::string out, err;
};

class ChildProcess {
 public:
  /// Starts `arguments[0]`; aborts the test program when it cannot.
  explicit ChildProcess(const std::vector<std::string>& arguments, const ChildOptions& options = {});
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  /// Kills it when nobody has waited for it.
  ~ChildProcess();

  void send(int signal) const;
  bool has_ended();
  ChildResult wait();

 private:
  TemporaryDirectory outputs_;
  pid_t process_ = -1;
  int status_ = 0;
};

/// Starts and waits.
ChildResult run_child(const std::vector<std::string>& arguments, const ChildOptions& options = {});

}  // namespace brisk::test
