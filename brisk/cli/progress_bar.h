#pragma once

/// A progress bar on standard error: share, metrics, speed, time left. On a terminal it redraws its
/// line ten times a second; elsewhere it prints a line now and then.

#include <chrono>
#include <string>

#include "brisk/train/trainer.h"

namespace brisk::cli {

class ProgressBar {
 public:
  ProgressBar();
  void step(const StepReport& report);
  void epoch(const StepReport& report, const Metrics& metrics);
  void message(const std::string& text);

 private:
  void draw(const StepReport& report);
  void clear();
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_;
};

/// "1:05" or "2:03:09".
std::string duration_text(double seconds);

}  // namespace brisk::cli
