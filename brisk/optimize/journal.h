#pragma once

/// What an optimization has done so far, on disk, so that one that was killed goes on. Written
/// whole after each step.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "brisk/optimize/candidate.h"
#include "brisk/optimize/report.h"

namespace brisk {

class Journal {
 public:
  /// Of the optimization that `about` describes, in `directory`. With `resume` an earlier one goes
  /// on: refused where it was about something else. Without, refused where there is an earlier one.
  Journal(std::filesystem::path directory, Json about, bool resume);

  double seconds() const { return seconds_; }  ///< that were spent before
  const std::vector<StepRow>& rows() const { return rows_; }
  /// The row of a step that is done; nullptr where it is not.
  const StepRow* row(StepPhase phase, const std::string& step) const;
  /// A decision that was made before, or the one that `decide` makes now, which is kept.
  int64_t planned(const std::string& what, const std::function<int64_t()>& decide);

  /// Where the best so far lies, and how it was deployed; nothing before the first.
  std::optional<Candidate> best() const;
  std::filesystem::path trained_package() const { return trained_; }
  void set_trained_package(const std::filesystem::path& package);
  /// A step is over; `best` where it is the best from now on: its packages must be written.
  void add(const StepRow& row, double seconds, const Candidate* best = nullptr,
           const std::filesystem::path& served_package = {});

 private:
  void write() const;
  std::filesystem::path directory_;
  Json about_, plans_ = Json::object(), best_;
  double seconds_ = 0;
  std::filesystem::path trained_;
  std::vector<StepRow> rows_;
};

}  // namespace brisk
