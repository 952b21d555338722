#include "brisk/cli/optimize_progress.h"

namespace brisk::cli {

void show_progress(OptimizeObserver& observer, ProgressBar& bar) {
  observer.on_message = [&bar](const std::string& text) { bar.message(text); };
  observer.training.on_message = observer.on_message;
  observer.training.on_step = [&bar](const StepReport& report) { bar.step(report); };
  observer.training.on_epoch = [&bar](const StepReport& report, const Metrics& metrics) {
    bar.epoch(report, metrics);
  };
}

}  // namespace brisk::cli
