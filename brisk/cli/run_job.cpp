#include "brisk/cli/run_job.h"

#include "brisk/cli/library_warning.h"
#include "brisk/cli/progress_bar.h"
#include "brisk/cli/stop_signal.h"
#include "brisk/formats/package/package.h"

namespace brisk::cli {

void require_new_run(const std::filesystem::path& output, bool resume) {
  std::error_code error;
  require(resume || !std::filesystem::exists(RunPlaces(output).checkpoints, error),
          "{} holds an earlier training: go on with it by --resume, or choose another output",
          output.string());
}

History run_job(Trainer& trainer, const Job& job, bool resume, bool quiet) {
  const std::atomic<bool>& stop = watch_stop_signals();
  const RunPlaces places(job.recipe.output);
  ProgressBar bar;
  FitOptions fit;
  fit.epochs = job.recipe.epochs;
  fit.validation = job.validation ? &*job.validation : nullptr;
  fit.validation_freq = job.recipe.validation_freq;
  fit.directory = places.checkpoints;
  fit.tensorboard = places.tensorboard;
  fit.checkpoint_every_steps = job.recipe.checkpoint_every_steps;
  fit.checkpoint_every_epochs = job.recipe.checkpoint_every_epochs;
  fit.resume = resume;
  fit.stop = &stop;
  fit.callbacks.on_message = [&](const std::string& text) { bar.message(text); };
  if (!quiet) {
    fit.callbacks.on_step = [&](const StepReport& report) { bar.step(report); };
    fit.callbacks.on_epoch = [&](const StepReport& report, const Metrics& metrics) {
      bar.epoch(report, metrics);
    };
  }
  trainer.prepare(job.train);
  warn_of_missing_libraries(*find_backend(job.recipe.backend).value(), trainer.step());
  return trainer.fit(job.train, fit);
}

void write_trained(const Trainer& trainer, const Job& job, const std::string& optimization,
                   bool gzipped) {
  const Model model = deployed_model(job, trainer.model());
  write_package(
      RunPlaces(job.recipe.output).model,
      {model.program, model.weights, model.name, model.class_names,
       preprocessing_text(job.recipe, job.train.components()[0].sizes), optimization, gzipped})
      .value();
}

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=:,@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace brisk::cli
