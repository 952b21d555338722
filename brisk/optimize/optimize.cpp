#include "brisk/optimize/optimize.h"

#include <algorithm>

#include "brisk/base/edit_distance.h"
#include "brisk/base/file.h"
#include "brisk/base/parallel.h"
#include "brisk/formats/package/package.h"
#include "brisk/optimize/journal.h"
#include "brisk/optimize/layer_bars.h"
#include "brisk/optimize/measure_candidate.h"
#include "brisk/optimize/open_job.h"
#include "brisk/optimize/optimization_record.h"
#include "brisk/optimize/plain_passes.h"
#include "brisk/optimize/step.h"
#include "brisk/optimize/train_recipe.h"
#include "brisk/optimize/training_trial.h"

// The state of an optimization is its journal: rows that are there are not measured again, and the
// best so far is read from its packages. So a run that was killed does again only the step that it
// was in; and of a training in it, what came after the last checkpoint.

namespace brisk {
namespace {

/// Of the table in `names`, those that are not to be tried; refused where one is in neither table.
void check_skipped(const std::vector<std::string>& skip) {
  std::vector<std::string> known = {"training"};
  for (const TrainingStep& step : training_steps()) known.push_back(step.name);
  for (const DeploymentStep& step : deployment_steps()) known.push_back(step.name);
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
    context_.planned = [this](const std::string& what, const std::function<int64_t()>& decide) {
      return journal_.planned(what, decide);
    };
    describe();
  }

  Optimization run() {
    Optimization result;
    try {
      try_training_steps();
      train();
      try_deployment_steps();
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

  /// Begins a step: refuses to go on after a signal.
  double begin(const std::string& step) {
    if (context_.observer.stopped()) throw Stopped{};
    context_.say(step);
    return context_.budget.spent();
  }

  /// Why there is no time for what takes `seconds` more; empty where there is.
  std::string out_of_time(double seconds) const {
    const double left = context_.budget.left();
    if (seconds < left) return "";
    if (left <= 0) return "the time budget is spent";
    return fmt::format("the time budget: it would take about {}, and {} are left",
                       duration_in_words(seconds), duration_in_words(left));
  }

  void add(StepRow row, double since, const Candidate* best = nullptr,
           const std::filesystem::path& served = {}) {
    row.seconds = context_.budget.spent() - since;
    journal_.add(row, context_.budget.spent(), best, served);
  }

  void try_training_steps() {
    const auto backend = find_backend(context_.options.backend).value();
    if (skipped("training")) {
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
        const double since = begin("training step: " + step.name);
        StepRow row{.step = step.name, .phase = StepPhase::training};
        if (!candidate) {
          row.why = candidate.error();
        } else if (const std::string late = out_of_time(last_seconds_); started && !late.empty()) {
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
      const double since = begin("training the model");
      StepRow row{.step = name, .phase = StepPhase::training, .verdict = Verdict::start};
      const std::filesystem::path package = train_recipe(context_, row);
      journal_.set_trained_package(package);
      add(row, since);
    }
  }

  void try_deployment_steps() {
    std::optional<Candidate> best = journal_.best();
    Figures figures;
    for (const DeploymentStep& step : deployment_steps()) {
      const bool first = !best.has_value();
      if (const StepRow* done = journal_.row(StepPhase::deployment, step.name)) {
        if (done->verdict == Verdict::start && done->figures.accuracy)
          context_.start_accuracy = done->figures.accuracy->value;
        if (done->verdict == Verdict::start || done->verdict == Verdict::kept)
          figures = done->figures;
        context_.measuring_seconds =
            done->verdict == Verdict::start ? done->seconds : context_.measuring_seconds;
        continue;
      }
      if (first) {
        Package package = read_package(journal_.trained_package()).value();
        best = Candidate{
            .trained = {package.name, package.program, package.weights, package.class_names},
            .trained_package = journal_.trained_package()};
      } else if (skipped(step.name)) {
        continue;
      }
      const double since = begin("deployment step: " + step.name);
      try_deployment(step, first, *best, figures, since);
    }
    best_ = std::move(best);
    best_figures_ = figures;
  }

  void try_deployment(const DeploymentStep& step, bool first, Candidate& best, Figures& figures,
                      double since) {
    StepRow row{.step = step.name};
    const double expected = first ? 0 : step.seconds(context_, best) + context_.measuring_seconds;
    if (const std::string late = out_of_time(expected); !first && !late.empty()) {
      row.why = late;
      return add(row, since);
    }
    Result<Candidate> candidate = step.apply(context_, best);
    if (!candidate) {
      row.why = candidate.error();
      return add(row, since);
    }
    const std::filesystem::path place = context_.work_directory(step.name);
    const Trial trial =
        measure_candidate(context_, first ? nullptr : &best, figures, *candidate, place / "served");
    row.figures = trial.after;
    row.verdict = Verdict::start;
    if (first) {
      context_.start_accuracy = trial.after.accuracy ? trial.after.accuracy->value : 0;
    } else {
      const Decision decision = decide(context_.options.target, trial, context_.start_accuracy,
                                       context_.options.max_drop);
      row.verdict = decision.kept || candidate->required ? Verdict::kept : Verdict::not_kept;
      row.why = decision.why;
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
    best = std::move(*candidate);
    best.note.clear();
    best.required = false;
    figures = trial.after;
    add(row, since, &best, place / "served");
    std::filesystem::remove_all(place / "checkpoints");
  }

  /// The rows of the table were timed at different times; what they bring together is timed again.
  void time_together() {
    if (journal_.rows().empty() ||
        best_->deployment == Deployment{.disabled_passes = optional_passes()} ||
        !out_of_time(context_.measuring_seconds).empty())
      return;
    context_.say("timing the model as it came and the best one");
    Package package = read_package(journal_.trained_package()).value();
    Candidate first{
        .trained = {package.name, std::move(package.program), std::move(package.weights), {}},
        .deployment = {.disabled_passes = optional_passes()}};
    first.served = first.trained;
    report_.together = measure_again(context_, first, *best_);
  }

  void finish() {
    report_.rows = journal_.rows();
    const OptimizeOptions& options = context_.options;
    const std::filesystem::path package = options.output / "model";
    time_together();
    context_.say("timing layers");
    report_.layer_batch_size =
        options.target == OptimizeTarget::throughput ? options.time_batch_size : 1;
    report_.layers = layer_bars(context_, *best_, report_.layer_batch_size);
    report_.package = package.string();
    report_.seconds = context_.budget.spent();
    conclude(report_);
    Json rows = Json::array();
    for (const StepRow& row : report_.rows)
      if (row.verdict == Verdict::start || row.verdict == Verdict::kept)
        rows.push_back(to_json(row));
    const Model& model = best_->served;
    write_package(
        package,
        {model.program, model.weights, model.name, model.class_names, context_.preprocessing,
         with_step(job_.optimization,
                   {{"step", "optimize"}, {"machine", report_.machine}, {"kept", rows}}),
         best_->deployment.gzipped})
        .value();
    write_file_atomically(options.output / "report.json", json_text(to_json(report_), 1) + "\n")
        .value();
    write_file_atomically(options.output / "report.html", report_html(report_)).value();
  }

  OptimizeContext context_;
  OptimizeJob job_;
  Journal journal_;
  OptimizationReport report_;
  std::optional<Candidate> best_;
  Figures best_figures_;
  double last_seconds_ = 0;  ///< that the last training step took
};

}  // namespace

Optimization optimize(const OptimizeOptions& options, const OptimizeObserver& observer) {
  check_skipped(options.skip);
  (void)find_backend(options.backend).value();
  return OptimizationRun(options, observer).run();
}

}  // namespace brisk
