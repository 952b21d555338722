#include <fmt/ranges.h>

#include "brisk/base/edit_distance.h"
#include "brisk/cli/fine_tune.h"
#include "brisk/cli/verb.h"

namespace brisk::cli {
namespace {

struct PruneOptions {
  FineTuneOptions training{.output = "runs/pruned"};
  std::string scope;
  double initial_sparsity = 0.5, sparsity = 0.8;
  std::vector<int64_t> m_by_n, block_size;
  std::string block_pooling, criterion;
  std::vector<std::string> exclude_layers;
  int64_t frequency = 100;
  double structured = -1;  ///< negative: weights become zero instead
  std::string importance;
  int64_t min_channels = 0, round_to = 0;  ///< 0: as the library does
  std::string teacher;                     ///< a package; empty: the labels alone
  DistillRecipe distill;
};

/// Sets `value` to the one of that name, unless it is empty.
template <typename Enum>
void set_named(Enum& value, const std::string& text, const std::string& option) {
  if (text.empty()) return;
  const auto known = enum_names(Enum{});
  const std::vector<std::string> names(known.begin(), known.end());
  const auto found = std::find(names.begin(), names.end(), text);
  require(found != names.end(), "{} is '{}'{}; it can be {}", option, text,
          did_you_mean(text, names), fmt::join(names, " or "));
  value = static_cast<Enum>(found - names.begin());
}

StructuredPruningOptions structured(const PruneOptions& options) {
  StructuredPruningOptions result{.sparsity = options.structured,
                                  .exclude_layers = options.exclude_layers};
  set_named(result.importance, options.importance, "--importance");
  set_named(result.scope, options.scope, "--scope of --structured");
  if (options.min_channels > 0) result.min_channels = options.min_channels;
  if (options.round_to > 0) result.round_to = options.round_to;
  return result;
}

int prune(const PruneOptions& options) {
  const auto teach = [&](Recipe& recipe) {
    recipe.distill = options.distill;
    recipe.distill.teacher = options.teacher;
  };
  if (options.structured >= 0)
    return fine_tune(options.training, "prune_channels", [&](Recipe& recipe) {
      teach(recipe);
      recipe.prune_channels = structured(options);
    });
  return fine_tune(options.training, "prune", [&](Recipe& recipe) {
    teach(recipe);
    PruneRecipe& prune = recipe.prune;
    prune.name = options.m_by_n.empty() ? "polynomial_decay" : "sparsity_m_by_n";
    prune.initial_sparsity = std::min(options.initial_sparsity, options.sparsity);
    prune.final_sparsity = options.sparsity;
    prune.frequency = options.frequency;
    set_named(prune.scope, options.scope, "--scope");
    if (!options.block_size.empty()) prune.block_size = options.block_size;
    set_named(prune.criterion, options.criterion, "--criterion");
    set_named(prune.block_pooling, options.block_pooling, "--block_pooling");
    if (!options.m_by_n.empty()) prune.m_by_n = options.m_by_n;
    prune.exclude_layers = options.exclude_layers;
  });
}

}  // namespace

void add_prune(CLI::App& app, int& code) {
  auto options = std::make_shared<PruneOptions>();
  CLI::App* verb = app.add_subcommand(
      "prune",
      "Train a model on while its smallest weights become zero, or without its least "
      "channels, and compare");
  verb->footer(
      "Example:\n  brisk prune runs/first/model --data fashion_mnist --sparsity 0.8\n"
      "  brisk prune runs/first/model --data photos/train --validation photos/test --m_by_n 2 4\n"
      "  brisk prune runs/first/model --data fashion_mnist --structured 0.5 --teacher "
      "runs/first/model");
  verb->add_option("model", options->training.model, "A model package")->required();
  add_fine_tune_options(*verb, options->training);
  CLI::Option* sparsity =
      verb->add_option("--sparsity", options->sparsity, "Share of zeros at the end")
          ->check(CLI::Range(0.0, 0.999999));
  CLI::Option* initial =
      verb->add_option("--initial_sparsity", options->initial_sparsity, "Share of zeros at first")
          ->check(CLI::Range(0.0, 0.999999));
  CLI::Option* m_by_n =
      verb->add_option("--m_by_n", options->m_by_n,
                       "Two numbers, as 2 4: so many zeros in each so many input channels, instead")
          ->expected(2);
  CLI::Option* block =
      verb->add_option("--block_size", options->block_size,
                       "Two numbers: blocks of so many rows and columns become zero whole")
          ->expected(2)
          ->check(CLI::PositiveNumber);
  verb->add_option("--block_pooling", options->block_pooling,
                   "What counts as a block's magnitude: average or maximum")
      ->needs(block);
  CLI::Option* criterion =
      verb->add_option("--criterion", options->criterion,
                       "What decides whether a weight stays: magnitude or movement");
  CLI::Option* frequency = verb->add_option("--frequency", options->frequency,
                                            "Steps from one choice of zeros to the next")
                               ->check(CLI::PositiveNumber);
  verb->add_option("--scope", options->scope,
                   "Whether each tensor (channels: each group of layers) reaches the share, or the "
                   "model as a whole: tensor, group or model");
  verb->add_option("--exclude_layers", options->exclude_layers,
                   "Parts of names of what stays as it is");
  CLI::Option* structured = verb->add_option("--structured", options->structured,
                                             "Share of the channels that leave the model instead")
                                ->check(CLI::Range(0.0, 0.999999));
  for (CLI::Option* other : {sparsity, initial, m_by_n, block, criterion, frequency})
    structured->excludes(other);
  verb->add_option("--importance", options->importance, "What a channel is worth: l1, l2 or gamma")
      ->needs(structured);
  verb->add_option("--min_channels", options->min_channels, "That each group keeps at least (8)")
      ->check(CLI::PositiveNumber)
      ->needs(structured);
  verb->add_option("--round_to", options->round_to,
                   "A group that loses channels keeps a multiple of so many (8)")
      ->check(CLI::PositiveNumber)
      ->needs(structured);
  verb->add_option("--time_batch_size", options->training.time_batch_size,
                   "Images at once where models of fewer channels are timed")
      ->check(CLI::PositiveNumber)
      ->needs(structured);
  CLI::Option* teacher =
      verb->add_option("--teacher", options->teacher,
                       "A package whose outputs are followed beside the labels: the model itself, "
                       "say, which loses less that way");
  add_distillation_options(*verb, options->distill);
  for (const char* option : {"--temperature", "--alpha"}) verb->get_option(option)->needs(teacher);
  verb->callback([options, &code] { code = prune(*options); });
}

}  // namespace brisk::cli
