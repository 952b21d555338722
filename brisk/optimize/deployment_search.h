#pragma once

/// The techniques of deployment, tried on a trained model one after another; and then, where a step
/// that was kept spent accuracy that later ones lacked, these again without it.

#include "brisk/optimize/journal.h"
#include "brisk/optimize/step.h"

namespace brisk {

/// The best candidate and what was measured of it.
struct BestCandidate {
  Candidate candidate;
  Figures figures;
};

class DeploymentSearch {
 public:
  /// `steps` in the order in which they are tried; the first one only deploys the model as it came.
  DeploymentSearch(OptimizeContext& context, Journal& journal, std::vector<DeploymentStep> steps);

  /// Rows that the journal has are not measured again. May throw Stopped.
  BestCandidate run();

  /// Why there is no time for what takes `seconds` more; empty where there is.
  static std::string out_of_time(const TimeBudget& budget, double seconds);

 private:
  bool skipped(const std::string& step) const;
  void set_best(const StepRow& row);
  void add(StepRow row, double since);
  std::vector<StepRow> first_pass() const;
  void walk(size_t first);
  void try_step(const DeploymentStep& step, bool is_first);
  void go_back();
  bool try_without(const StepRow& spender);
  void compare(const StepRow& spender, const BestCandidate& other);

  OptimizeContext& context_;
  Journal& journal_;
  std::vector<DeploymentStep> steps_;
  BestCandidate best_;
};

}  // namespace brisk
