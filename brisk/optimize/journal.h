#pragma once

/// What an optimization has done so far, on disk, so that one that was killed goes on. Written
/// whole after each step.

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "brisk/optimize/candidate.h"
#include "brisk/optimize/report/report.h"

namespace brisk {

class Journal {
 public:
  /// Of the optimization that `about` describes, in `directory`. With `resume` an earlier one goes
  /// on: refused where it was about something else. Without, refused where there is an earlier one.
  Journal(std::filesystem::path directory, Json about, bool resume);

  double seconds() const { return seconds_; }  ///< that were spent before
  const std::vector<StepRow>& rows() const { return rows_; }
  /// The row of a step that is done; nullptr where it is not. `without`: of the way without that
  /// step.
  const StepRow* row(StepPhase phase, const std::string& step,
                     const std::string& without = "") const;
  /// A decision that was made before, or the one that `decide` makes now, which is kept.
  int64_t planned(const std::string& what, const std::function<int64_t()>& decide);

  /// What `row` left, which was kept: read from its packages.
  Candidate candidate(const StepRow& row) const;
  /// Where the model lies that deployment begins with; empty before there is one.
  std::filesystem::path trained_package() const { return trained_; }
  /// On disk with the next row.
  void set_trained_package(const std::filesystem::path& package) { trained_ = package; }
  /// A step is over; `best` where it was kept: its packages must be written.
  void add(const StepRow& row, double seconds, const Candidate* best = nullptr);

 private:
  void write() const;
  std::filesystem::path directory_;
  Json about_, plans_ = Json::object(), candidates_ = Json::object();
  double seconds_ = 0;
  std::filesystem::path trained_;
  std::vector<StepRow> rows_;
};

}  // namespace brisk
