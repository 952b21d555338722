#pragma once

/// What an optimization does, on a progress bar: the step that begins, and trainings in it.

#include "brisk/cli/progress_bar.h"
#include "brisk/optimize/context.h"

namespace brisk::cli {

/// `bar` must outlive `observer`.
void show_progress(OptimizeObserver& observer, ProgressBar& bar);

}  // namespace brisk::cli
