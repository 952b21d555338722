#include "brisk/optimize/optimize.h"

#include <algorithm>

#include "brisk/base/edit_distance.h"
#include "brisk/base/file.h"
#include "brisk/base/parallel.h"
#include "brisk/formats/package/package.h"
#include "brisk/optimize/deployment_search.h"
#include "brisk/optimize/layer_bars.h"
#include "brisk/optimize/measure_candidate.h"
#include "brisk/optimize/open_job.h"
#include "brisk/optimize/optimization_record.h"
#include "brisk/optimize/plain_passes.h"
#include "brisk/optimize/step.h"
#include "brisk/optimize/train_recipe.h"
#include "brisk/optimize/training_trial.h"
#include "brisk/optimize/weight_values.h"

// The state of an optimization is its journal: rows that are there are not measured again, and the
// best so far is read from its packages. So a run that was killed does again only the step that it
// was in; and of a training in it, what came after the last checkpoint.

namespace brisk {
namespace {

/// Of the table in `names`, those that are not to be tried; refused where one is in neither table.
void check_skipped(const std::vector<std::string>& skip) {
  std::vector<std::string> known = {"training"};
  for (const TrainingStep& step : training_steps()) known.push_back(step.name);
  for (const DeploymentStep& step : deployment_steps({})) known.push_back(step.name);
  for (const std::string& name : skip)
    require(std::find(known.begin(), known.end(), name) != known.end(),
            "there is no step '{}'{}; there are: {}", name, did_you_mean(name, known),
            fmt::join(known, ", "));
}

class OptimizationRun {
 public:
  OptimizationRun(const OptimizeOptions& options, const OptimizeObserver& observer)
      : job_(open_job(options)), journal_(options.output, job_.about, options.resume) {
    context_.options = options;
    context_.observer = observer;
    context_.budget = TimeBudget(options.time_budget, journal_.seconds());
    context_.recipe = job_.recipe;
    context_.preprocessing = job_.preprocessing;
    context_.accuracy_note = job_.accuracy_note;
    context_.has_data = job_.has_data;
    context_.untrained = job_.untrained;
    context_.trains = job_.trains;
    context_.use(journal_);
    describe();
  }

  Optimization run() {
    Optimization result;
    try {
      try_training_steps();
      train();
      const OptimizeOptions& options = context_.options;
      context_.start_package = journal_.trained_package();
      best_ = DeploymentSearch(context_, journal_, deployment_steps(options.target)).run();
      finish();
    } catch (const Stopped&) {
      result.stopped = true;
    }
    result.report = report_;
    return result;
  }

 private:
  bool skipped(const std::string& step) const {
    const std::vector<std::string>& skip = context_.options.skip;
    return std::find(skip.begin(), skip.end(), step) != skip.end();
  }

  void describe() {
    const OptimizeOptions& options = context_.options;
    report_.model = job_.name;
    report_.data = job_.data;
    report_.validation = job_.validation;
    report_.machine = (*find_backend(options.backend))->describe();
    report_.threads = options.threads > 0 ? options.threads : available_cores();
    report_.target = enum_names(options.target)[static_cast<size_t>(options.target)];
    report_.max_drop = options.max_drop;
    if (std::isfinite(options.time_budget)) report_.time_budget = options.time_budget;
    report_.batch_size = options.time_batch_size;
    report_.accuracy_note = job_.accuracy_note;
  }

  void add(StepRow row, double since) {
    row.seconds = context_.budget.spent() - since;
    journal_.add(row, context_.budget.spent());
  }

  void try_training_steps() {
    const auto backend = find_backend(context_.options.backend).value();
    if (skipped("training") || !job_.has_data) {
      if (context_.judges_accuracy()) {  // what steps that train on will take
        context_.say("timing a training step");
        context_.train_rate =
            training_figures(context_.recipe, context_.options.rounds).train_rate->median;
      }
      return;
    }
    Recipe best = context_.recipe;
    bool started = false;
    for (const TrainingStep& step : training_steps()) {
      if (skipped(step.name) && started) continue;
      const Result<Recipe> candidate = step.apply(best, *backend);
      const StepRow* done = journal_.row(StepPhase::training, step.name);
      if (done == nullptr) {
        const double since = context_.begin("training step: " + step.name);
        StepRow row{.step = step.name, .phase = StepPhase::training};
        if (!candidate) {
          row.why = candidate.error();
        } else if (const std::string late =
                       DeploymentSearch::out_of_time(context_.budget, last_seconds_);
                   started && !late.empty()) {
          row.why = late;
        } else if (!started) {
          row.figures = training_figures(*candidate, context_.options.rounds);
          row.verdict = Verdict::start;
        } else {
          const TrainingTrial trial = try_training(best, *candidate, context_.options.rounds);
          const Decision decision = decide_training(trial.speed);
          row.figures = trial.after;
          row.verdict = decision.kept ? Verdict::kept : Verdict::not_kept;
          row.why = decision.why;
        }
        add(row, since);
        last_seconds_ = context_.budget.spent() - since;
        done = &journal_.rows().back();
      }
      if (done->verdict == Verdict::start || done->verdict == Verdict::kept) {
        best = candidate.value();
        context_.train_rate = done->figures.train_rate->median;
      }
      started = true;
    }
    context_.recipe = best;
    last_seconds_ = 0;
  }

  /// Where the recipe's model has no weights yet, it gets them.
  void train() {
    if (!job_.trains) {
      if (journal_.trained_package().empty())
        journal_.set_trained_package(context_.recipe.model.package);
    } else if (journal_.trained_package().empty()) {
      const std::string name = "training";
      const double since = context_.begin("training the model");
      StepRow row{.step = name, .phase = StepPhase::training, .verdict = Verdict::start};
      const std::filesystem::path package = train_recipe(context_, row);
      journal_.set_trained_package(package);
      add(row, since);
    }
  }

  /// The rows of the table were timed at different times; what they bring together is timed again.
  void time_together() {
    if (journal_.rows().empty() ||
        best_.candidate.deployment == Deployment{.disabled_passes = optional_passes()} ||
        context_.budget.left() < context_.measuring_seconds)
      return;
    context_.say("timing the model as it came and the best one");
    Package package = read_package(journal_.trained_package()).value();
    Candidate first{
        .trained = {package.name, std::move(package.program), std::move(package.weights), {}},
        .deployment = {.disabled_passes = optional_passes()}};
    first.served = first.trained;
    report_.together = measure_again(context_, first, best_.candidate);
  }

  void finish() {
    report_.rows = journal_.rows();
    // What is not possible was said where it was tried first.
    std::erase_if(report_.rows, [](const StepRow& row) {
      return !row.without.empty() && row.verdict == Verdict::not_tried;
    });
    const OptimizeOptions& options = context_.options;
    const std::filesystem::path package = options.output / "model";
    time_together();
    context_.say("timing layers");
    report_.layer_batch_size =
        options.target == OptimizeTarget::throughput ? options.time_batch_size : 1;
    report_.layers = layer_bars(context_, best_.candidate, report_.layer_batch_size);
    report_.package = package.string();
    report_.classes = classes_of(best_.candidate.served);
    report_.seconds = context_.budget.spent();
    conclude(report_);
    Json rows = Json::array();
    for (const StepRow& row : report_.rows)
      if (row.verdict == Verdict::start || row.verdict == Verdict::kept)
        rows.push_back(to_json(row));
    const Model& model = best_.candidate.served;
    write_package(
        package,
        {model.program, model.weights, model.name, model.class_names, context_.preprocessing,
         with_step(job_.optimization,
                   {{"step", "optimize"}, {"machine", report_.machine}, {"kept", rows}}),
         best_.candidate.deployment.gzipped})
        .value();
    write_file_atomically(options.output / "report.json", json_text(to_json(report_), 1) + "\n")
        .value();
    write_file_atomically(options.output / "report.html", report_html(report_)).value();
  }

  OptimizeContext context_;
  OptimizeJob job_;
  Journal journal_;
  OptimizationReport report_;
  BestCandidate best_;
  double last_seconds_ = 0;  ///< that the last training step took
};

}  // namespace

Optimization optimize(const OptimizeOptions& options, const OptimizeObserver& observer) {
  check_skipped(options.skip);
  (void)find_backend(options.backend).value();
  return OptimizationRun(options, observer).run();
}

}  // namespace brisk
