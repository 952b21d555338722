#include "brisk/cli/fine_tune.h"
#include "brisk/cli/verb.h"

namespace brisk::cli {
namespace {

struct PruneOptions {
  FineTuneOptions training{.output = "runs/pruned"};
  std::string scope = "tensor";
  double initial_sparsity = 0.5, sparsity = 0.8;
  std::vector<int64_t> m_by_n;
  std::vector<std::string> exclude_layers;
  int64_t frequency = 100;
};

int prune(const PruneOptions& options) {
  return fine_tune(options.training, "prune", [&](Recipe& recipe) {
    PruneRecipe& prune = recipe.prune;
    prune.name = options.m_by_n.empty() ? "polynomial_decay" : "sparsity_m_by_n";
    prune.initial_sparsity = std::min(options.initial_sparsity, options.sparsity);
    prune.final_sparsity = options.sparsity;
    prune.frequency = options.frequency;
    prune.scope = options.scope == "model" ? PruningScope::model : PruningScope::tensor;
    if (!options.m_by_n.empty()) prune.m_by_n = options.m_by_n;
    prune.exclude_layers = options.exclude_layers;
  });
}

}  // namespace

void add_prune(CLI::App& app, int& code) {
  auto options = std::make_shared<PruneOptions>();
  CLI::App* verb = app.add_subcommand(
      "prune", "Train a model on while its smallest weights become zero, and compare");
  verb->footer(
      "Example:\n  brisk prune runs/first/model --data fashion_mnist --sparsity 0.8\n"
      "  brisk prune runs/first/model --data photos/train --validation photos/test --m_by_n 2 4");
  add_fine_tune_options(*verb, options->training);
  verb->add_option("--sparsity", options->sparsity, "Share of zeros at the end")
      ->check(CLI::Range(0.0, 0.999999));
  verb->add_option("--initial_sparsity", options->initial_sparsity, "Share of zeros at first")
      ->check(CLI::Range(0.0, 0.999999));
  verb->add_option("--m_by_n", options->m_by_n,
                   "Two numbers, as 2 4: so many zeros in each so many input channels, instead")
      ->expected(2);
  verb->add_option("--scope", options->scope,
                   "Whether each tensor reaches the sparsity, or the model as a whole")
      ->check(CLI::IsMember({"tensor", "model"}));
  verb->add_option("--frequency", options->frequency, "Steps from one choice of zeros to the next")
      ->check(CLI::PositiveNumber);
  verb->add_option("--exclude_layers", options->exclude_layers,
                   "Parts of names of parameters that stay dense");
  verb->callback([options, &code] { code = prune(*options); });
}

}  // namespace brisk::cli
