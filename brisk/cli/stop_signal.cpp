#include "brisk/cli/stop_signal.h"

#include <csignal>
#include <cstdlib>

namespace brisk::cli {
namespace {

// A signal handler can reach nothing but a global.
std::atomic<bool> stop_requested{false};

void on_signal(int) {
  if (stop_requested.exchange(true)) std::_Exit(130);
}

}  // namespace

const std::atomic<bool>& watch_stop_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  return stop_requested;
}

}  // namespace brisk::cli
