#include "brisk/cli/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

namespace brisk::cli {
namespace {

constexpr int kWidth = 24;

std::string input_text(const StepReport& report) {
  if (report.input_wait_share <= 0.1) return "";
  return fmt::format("  input bound {:.0f} %", 100 * report.input_wait_share);
}

std::string metrics_text(const Metrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics)
    if (name != "learning_rate") text += fmt::format("  {} {:.4f}", name, value);
  return text;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto total = static_cast<int64_t>(seconds + 0.5);
  if (total >= 3600)
    return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
  return fmt::format("{}:{:02}", total / 60, total % 60);
}

ProgressBar::ProgressBar()
    : terminal_(isatty(STDERR_FILENO) != 0), last_(std::chrono::steady_clock::now()) {}

void ProgressBar::step(const StepReport& report) {
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < (terminal_ ? std::chrono::milliseconds(100) : std::chrono::seconds(10))) return;
  last_ = now;
  draw(report);
}

void ProgressBar::draw(const StepReport& report) {
  const int filled = report.steps_in_epoch > 0
                         ? static_cast<int>(kWidth * report.step_in_epoch / report.steps_in_epoch)
                         : 0;
  const std::string line =
      fmt::format("epoch {}/{} [{}{}] {}/{}{}  {:.0f} img/s  {} left{}", report.epoch + 1,
                  report.epochs, std::string(static_cast<size_t>(filled), '='),
                  std::string(static_cast<size_t>(kWidth - filled), ' '), report.step_in_epoch,
                  report.steps_in_epoch, metrics_text(report.metrics), report.images_per_second,
                  duration_text(report.seconds_left), input_text(report));
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r\033[K" : "", line, terminal_ ? "" : "\n");
  std::fflush(stderr);
  drawn_ = terminal_;
}

void ProgressBar::clear() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
  drawn_ = false;
}

void ProgressBar::epoch(const StepReport& report, const Metrics& metrics) {
  clear();
  fmt::print(stderr, "epoch {}/{}{}  {:.0f} img/s{}\n", report.epoch + 1, report.epochs,
             metrics_text(metrics), report.images_per_second, input_text(report));
}

void ProgressBar::message(const std::string& text) {
  clear();
  fmt::print(stderr, "{}\n", text);
}

}  // namespace brisk::cli
