#include "tests/support/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "brisk/base/file.h"

// Output goes to files, so that no full pipe can hold up a child that nobody reads from. Between
// fork and exec only calls that are safe there are made: everything is prepared before.

namespace brisk::test {

std::filesystem::path brisk_program(const std::filesystem::path& build) { return build / "bin" / "brisk"; }

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, const ChildOptions& options) {
  std::vector<char*> argv, environment;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  for (const std::string& entry : options.environment) environment.push_back(const_cast<char*>(entry.c_str()));
  argv.push_back(nullptr);
  environment.push_back(nullptr);
  const int out = ::open((outputs_ / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const int err = ::open((outputs_ / "err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  process_ = ::fork();
  if (process_ == 0) {
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    if (options.largest_file >= 0) {
      const auto size = static_cast<rlim_t>(options.largest_file);
      const rlimit limit{size, size};
      ::signal(SIGXFSZ, SIG_IGN);
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(127);
    ::execve(argv[0], argv.data(), environment.data());
    ::_exit(127);
  }
  ::close(out);
  ::close(err);
  if (process_ < 0) {
    std::perror("fork");
    std::abort();
  }
}

ChildProcess::~ChildProcess() {
  if (process_ < 0) return;
  send(SIGKILL);
  wait();
}

void ChildProcess::send(int signal) const {
  if (process_ > 0) ::kill(process_, signal);
}

bool ChildProcess::has_ended() {
  if (process_ > 0 && ::waitpid(process_, &status_, WNOHANG) == process_) process_ = -1;
  return process_ < 0;
}

ChildResult ChildProcess::wait() {
  if (process_ > 0) ::waitpid(process_, &status_, 0);
  process_ = -1;
  ChildResult result;
  if (WIFEXITED(status_)) result.code = WEXITSTATUS(status_);
  if (WIFSIGNALED(status_)) result.signal = WTERMSIG(status_);
  result.out = read_file(outputs_ / "out").value();
  result.err = read_file(outputs_ / "err").value();
  return result;
}

ChildResult run_child(const std::vector<std::string>& arguments, const ChildOptions& options) {
  return ChildProcess(arguments, options).wait();
}

}  // namespace brisk::test
