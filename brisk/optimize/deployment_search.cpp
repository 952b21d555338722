#include "brisk/optimize/deployment_search.h"

#include <algorithm>

#include "brisk/formats/package/package.h"
#include "brisk/optimize/measure_candidate.h"
#include "brisk/optimize/spent_accuracy.h"
#include "brisk/optimize/weight_values.h"

// The first pass is greedy: what pays on the best so far stays. A step that was kept early may have
// spent the budget of accuracy on less than what was refused for it later. So each such step is
// given up once: from what was there before it, the steps behind it that a change of accuracy or
// weights concerns are tried again, a way of its own; where that leads to is measured beside the
// best, and the better one is the best from then on.
//
// All of it is in the journal, a row a step: a row says what it was tried without.

namespace brisk {
namespace {

constexpr size_t kMostWays = 2;  ///< beside the first

const char* const kTimeBudget = "the time budget";

/// Whether a step that was tried in the first pass may come out otherwise without an earlier one.
bool depends_on_earlier(const StepRow* row) {
  if (row == nullptr) return false;
  if (row->verdict == Verdict::not_tried) return !row->why.starts_with(kTimeBudget);
  return row->verdict == Verdict::kept || row->over_budget;
}

}  // namespace

std::string DeploymentSearch::out_of_time(const TimeBudget& budget, double seconds) {
  const double left = budget.left();
  if (seconds < left) return "";
  if (left <= 0) return fmt::format("{} is spent", kTimeBudget);
  return fmt::format("{}: it would take about {}, and {} are left", kTimeBudget,
                     duration_in_words(seconds), duration_in_words(left));
}

DeploymentSearch::DeploymentSearch(OptimizeContext& context, Journal& journal,
                                   std::vector<DeploymentStep> steps)
    : context_(context), journal_(journal), steps_(std::move(steps)) {}

bool DeploymentSearch::skipped(const std::string& step) const {
  const std::vector<std::string>& skip = context_.options.skip;
  return std::find(skip.begin(), skip.end(), step) != skip.end();
}

BestCandidate DeploymentSearch::run() {
  walk(0);
  go_back();
  return std::move(best_);
}

/// The best is what `row` left.
void DeploymentSearch::set_best(const StepRow& row) {
  best_ = {journal_.candidate(row), row.figures};
  context_.best_accuracy = row.figures.accuracy.value_or(Accuracy{});
}

void DeploymentSearch::add(StepRow row, double since) {
  row.seconds = context_.budget.spent() - since;
  const bool is_best = row.verdict == Verdict::start || row.verdict == Verdict::kept;
  journal_.add(row, context_.budget.spent(), is_best ? &best_.candidate : nullptr);
  if (is_best) context_.best_accuracy = row.figures.accuracy.value_or(Accuracy{});
}

/// The steps from `first` on, on the way that the context is on.
void DeploymentSearch::walk(size_t first) {
  const StepRow* newest = nullptr;  // of those that are done
  for (size_t i = first; i < steps_.size(); ++i) {
    const DeploymentStep& step = steps_[i];
    const StepRow* done = journal_.row(StepPhase::deployment, step.name, context_.without);
    if (done != nullptr) {
      if (done->verdict == Verdict::start) {
        context_.start_accuracy = done->figures.accuracy.value_or(Accuracy{}).value;
        context_.measuring_seconds = done->seconds;
      }
      if (done->verdict == Verdict::start || done->verdict == Verdict::kept) newest = done;
      continue;
    }
    if (newest != nullptr) set_best(*std::exchange(newest, nullptr));
    if (i > 0 && skipped(step.name)) continue;
    if (!context_.without.empty() &&
        !depends_on_earlier(journal_.row(StepPhase::deployment, step.name)))
      continue;
    try_step(step, i == 0);
  }
  if (newest != nullptr) set_best(*newest);
}

void DeploymentSearch::try_step(const DeploymentStep& step, bool is_first) {
  StepRow row{.step = step.name, .without = context_.without};
  const double since = context_.begin("deployment step: " + row.title());
  if (is_first) {
    Package package = read_package(context_.start_package).value();
    best_.candidate = {
        .trained = {package.name, package.program, package.weights, package.class_names},
        .trained_package = context_.start_package};
  } else {
    if (step.against != nullptr)
      if (const Status asked = step.against(context_, best_.candidate); !asked) {
        row.why = asked.error();
        return add(row, since);
      }
    const double seconds = step.seconds != nullptr ? step.seconds(context_, best_.candidate) : 0;
    // What it made is measured, and at the end the best one is once more.
    row.why = out_of_time(context_.budget, seconds + 2 * context_.measuring_seconds);
    if (!row.why.empty()) return add(row, since);
  }
  Result<Candidate> candidate = step.apply(context_, best_.candidate);
  if (!candidate) {
    row.why = candidate.error();
    return add(row, since);
  }
  const std::filesystem::path place = context_.work_directory(step.name);
  const Trial trial = measure_candidate(context_, is_first ? nullptr : &best_.candidate,
                                        best_.figures, *candidate, place / "served");
  row.figures = trial.after;
  row.verdict = Verdict::start;
  if (is_first) {
    const Accuracy start = trial.after.accuracy.value_or(Accuracy{});
    context_.start_accuracy = start.value;
    if (const std::string doubt = chance_words(start, classes_of(candidate->served));
        !doubt.empty())
      context_.say(doubt);
  } else {
    const Decision decision =
        decide(context_.options.target, trial, context_.start_accuracy, context_.options.max_drop);
    row.verdict = decision.kept || candidate->required ? Verdict::kept : Verdict::not_kept;
    row.why = decision.why;
    row.over_budget = decision.over_budget;
    row.gains = gains_of(trial);
  }
  if (!candidate->note.empty()) row.why += (row.why.empty() ? "" : "; ") + candidate->note;
  if (row.verdict == Verdict::not_kept) {
    add(row, since);
    std::filesystem::remove_all(place);
    return;
  }
  if (candidate->trained_package.empty()) {
    candidate->trained_package = place / "trained";
    const Model& model = candidate->trained;
    write_package(
        candidate->trained_package,
        {model.program, model.weights, model.name, model.class_names, context_.preprocessing, {}})
        .value();
  }
  candidate->served_package = place / "served";
  best_ = {std::move(*candidate), trial.after};
  best_.candidate.note.clear();
  best_.candidate.required = false;
  add(row, since);
  std::filesystem::remove_all(place / "checkpoints");
}

void DeploymentSearch::go_back() {
  const std::vector<StepRow> spenders =
      worth_giving_up(first_pass(), context_.options.target, context_.options.max_drop);
  for (size_t i = 0; i < std::min(kMostWays, spenders.size()); ++i)
    if (try_without(spenders[i])) return;
}

/// The rows of the steps on the first way, in order.
std::vector<StepRow> DeploymentSearch::first_pass() const {
  std::vector<StepRow> rows;
  for (const DeploymentStep& step : steps_)
    if (const StepRow* row = journal_.row(StepPhase::deployment, step.name)) rows.push_back(*row);
  return rows;
}

/// Whether the way without `spender` leads to something better, which is the best then.
bool DeploymentSearch::try_without(const StepRow& spender) {
  const std::string name = "without " + spender.step;
  const StepRow* done = journal_.row(StepPhase::deployment, name);
  if (done == nullptr) {
    const double since = context_.begin("going back: " + name);
    // What was kept behind it took so long, and what was refused for the budget.
    double seconds = 2 * context_.measuring_seconds;
    bool behind = false;
    StepRow before;
    for (const StepRow& row : first_pass()) {
      if (behind && (row.verdict == Verdict::kept || row.over_budget)) seconds += row.seconds;
      behind = behind || row.step == spender.step;
      if (!behind && (row.verdict == Verdict::start || row.verdict == Verdict::kept)) before = row;
    }
    // A way that was begun is gone to its end, as far as there is time.
    const bool begun = std::any_of(journal_.rows().begin(), journal_.rows().end(),
                                   [&](const StepRow& r) { return r.without == spender.step; });
    if (const std::string late = out_of_time(context_.budget, seconds); !begun && !late.empty()) {
      add({.step = name, .why = late}, since);
      return false;
    }
    const BestCandidate kept = std::move(best_);
    set_best(before);
    context_.without = spender.step;
    const auto place = std::find_if(steps_.begin(), steps_.end(), [&](const DeploymentStep& step) {
      return step.name == spender.step;
    });
    walk(static_cast<size_t>(place - steps_.begin()) + 1);
    context_.without.clear();
    compare(spender, kept);
    done = journal_.row(StepPhase::deployment, name);
  }
  if (done->verdict != Verdict::kept) return false;
  set_best(*done);
  return true;
}

/// Where the way without `spender` led, beside `kept`, which was the best; it stays where no better
/// one was found.
void DeploymentSearch::compare(const StepRow& spender, const BestCandidate& kept) {
  StepRow row{.step = "without " + spender.step, .verdict = Verdict::not_kept};
  const double since = context_.begin("timing it beside the best");
  Trial trial = measure_again(context_, kept.candidate, best_.candidate);
  trial.before.bytes = kept.figures.bytes, trial.before.accuracy = kept.figures.accuracy;
  trial.after.bytes = best_.figures.bytes, trial.after.accuracy = best_.figures.accuracy;
  trial.after.first_milliseconds = best_.figures.first_milliseconds;
  const Decision decision =
      decide(context_.options.target, trial, context_.start_accuracy, context_.options.max_drop);
  row.figures = trial.after;
  row.gains = gains_of(trial);
  row.why = "beside all that was kept before: " + decision.why;
  if (decision.kept) {
    row.verdict = Verdict::kept;
    return add(row, since);
  }
  best_ = kept;
  add(row, since);
}

}  // namespace brisk
