#pragma once

/// `brisk optimize`: techniques are applied to a model one after another, each is measured on this
/// machine, and what pays stays. First those of training, on the recipe's step; then, on the
/// trained model, those of deployment, judged by the target within the accuracy budget.
///
/// Under the output: `model/` (the best package, ready to be served), `report.json`, `report.html`,
/// `journal.json` (what is done, so that a killed run goes on) and `steps/` (what is kept on the
/// way).

#include "brisk/optimize/context.h"
#include "brisk/optimize/report/report.h"

namespace brisk {

struct Optimization {
  OptimizationReport report;
  bool stopped = false;  ///< by the observer; what is done is saved
};

Optimization optimize(const OptimizeOptions& options, const OptimizeObserver& observer = {});

}  // namespace brisk
