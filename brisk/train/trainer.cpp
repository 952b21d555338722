#include "brisk/train/trainer.h"

#include <chrono>
#include <cmath>
#include <future>

#include "brisk/base/hash.h"
#include "brisk/base/json.h"
#include "brisk/base/parallel.h"
#include "brisk/data/program_inputs.h"
#include "brisk/formats/tfevents/event_writer.h"
#include "brisk/train/check_labels.h"
#include "brisk/train/checkpoint.h"
#include "brisk/train/step_target.h"

namespace brisk {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// JSON has no NaN: a training that diverged writes null, which is read as NaN again.
double number_or_nan(const Json& json) {
  return json.is_null() ? std::nan("") : json.get<double>();
}

/// Sums of metrics weighted by examples; their means on demand.
class MetricMeans {
 public:
  explicit MetricMeans(std::vector<std::string> names)
      : names_(std::move(names)), sums_(names_.size(), 0.0) {}

  void add(std::span<const Tensor> means, int64_t examples) {
    for (size_t i = 0; i < names_.size(); ++i)
      sums_[i] += means[i].get(0) * static_cast<double>(examples);
    examples_ += static_cast<double>(examples);
  }
  Metrics means(std::string_view prefix = "") const {
    Metrics result;
    for (size_t i = 0; i < names_.size(); ++i)
      result[std::string(prefix) + names_[i]] = examples_ > 0 ? sums_[i] / examples_ : 0.0;
    return result;
  }
  bool empty() const { return examples_ == 0; }
  Json to_json() const { return {{"sums", sums_}, {"examples", examples_}}; }
  void restore(const Json& json) {
    require(json.at("sums").size() == sums_.size(),
            "it holds {} sums of metrics, but {} are wanted", json.at("sums").size(), sums_.size());
    for (size_t i = 0; i < sums_.size(); ++i) sums_[i] = number_or_nan(json.at("sums")[i]);
    examples_ = json.at("examples");
  }

 private:
  std::vector<std::string> names_;
  std::vector<double> sums_;
  double examples_ = 0;
};

/// Both event files of a run under Keras's names: train/ and validation/.
class EventLog {
 public:
  EventLog(const std::filesystem::path& directory, int64_t epoch) {
    if (directory.empty()) return;
    const std::optional<int64_t> resumed = epoch > 0 ? std::optional<int64_t>(epoch) : std::nullopt;
    train_.emplace(EventWriter::create(directory / "train", resumed).value());
    validation_.emplace(EventWriter::create(directory / "validation", resumed).value());
  }
  /// Writes nothing more after it has failed once (a full disk): a curve is not worth a training.
  Status epoch(int64_t epoch, const Metrics& metrics) {
    if (!train_) return Success{};
    Status written = write(epoch, metrics);
    if (!written) train_.reset(), validation_.reset();
    return written;
  }

 private:
  Status write(int64_t epoch, const Metrics& metrics) {
    for (const auto& [name, value] : metrics) {
      const bool validation = name.starts_with("val_");
      EventWriter& writer = validation ? *validation_ : *train_;
      if (Status s =
              writer.add_scalar("epoch_" + (validation ? name.substr(4) : name), epoch, value);
          !s)
        return s;
    }
    if (Status s = train_->flush(); !s) return s;
    return validation_->flush();
  }

  std::optional<EventWriter> train_, validation_;
};

std::vector<std::string> result_names(const std::vector<std::string>& metrics) {
  std::vector<std::string> names = {"loss"};
  names.insert(names.end(), metrics.begin(), metrics.end());
  return names;
}

/// Refused unless there are examples, and an end of them.
void require_end(const Dataset& dataset, std::string_view what) {
  const int64_t count = dataset.cardinality();
  require(count > 0, "there is nothing to {}: the dataset has {}", what,
          count == 0 ? "no examples" : "no end");
}

/// Where the state has a pruned parameter, its mask and what masks are chosen by.
struct PrunedEntry {
  size_t weights, mask, ranked;
};
bool by_movement(const Pruning& pruning) {
  return pruning.options().criterion == PruningCriterion::movement;
}
std::vector<PrunedEntry> pruned_entries(const Program& step, const PruningPtr& pruning) {
  std::vector<PrunedEntry> entries;
  if (pruning)
    for (const std::string& name : pruning->parameters())
      entries.push_back({step.state_index(name), step.state_index(mask_name(name)),
                         step.state_index(by_movement(*pruning) ? score_name(name) : name)});
  return entries;
}

/// Where the state has a clustered parameter and what belongs to it.
struct ClusteredEntry {
  size_t weights, centroids;
  std::optional<size_t> centroid_mask, mask;
};
std::vector<ClusteredEntry> clustered_entries(const Program& step,
                                              const ClusteringPtr& clustering) {
  std::vector<ClusteredEntry> entries;
  if (!clustering) return entries;
  for (const std::string& name : clustering->parameters()) {
    const auto part = [&](const char* part) { return step.state_index(cluster_name(name, part)); };
    ClusteredEntry entry{step.state_index(name), part("centroids")};
    if (clustering->options().preserve_sparsity)
      entry.centroid_mask = part("centroid_mask"), entry.mask = part("mask");
    entries.push_back(entry);
  }
  return entries;
}

}  // namespace

struct Trainer::State {
  Model model;     ///< its weights may be of the step's types (f64) and not of its program's
  Model deployed;  ///< what options.deployed made last
  TrainerOptions options;
  std::shared_ptr<const Backend> backend;
  Program step_program;
  std::unique_ptr<Executable> step;
  int64_t batch_size = 0;
  struct Compiled {
    std::vector<StateEntry> state;
    std::unique_ptr<Executable> executable;
  };
  /// Evaluation and prediction steps by batch size: the full one and the remainder's.
  std::map<int64_t, Compiled> evaluation, prediction;

  StepOptions step_options() const {
    return {.loss = options.loss,
            .metrics = options.metrics,
            .optimizer = options.optimizer,
            .pruning = options.pruning,
            .clustering = options.clustering,
            .distillation = options.distillation,
            .precision = options.precision,
            .accumulate = options.accumulate,
            .disabled_passes = options.compile.disabled_passes,
            .target = step_target(*backend, options.precision)};
  }

  CompileOptions compile_options() const {
    CompileOptions result = options.compile;
    result.tf32 = result.tf32 || options.precision == Precision::tf32;
    return result;
  }

  void check_dataset(const Dataset& dataset, size_t num_targets) const {
    require(dataset.batch_size() > 0,
            "the dataset is not batched: call .batch(n) before fit, evaluate or predict");
    require_inputs(dataset, model.program, num_targets, model.name);
  }

  /// Of a batch (features..., targets): whether its labels name classes.
  void check_targets(const Example& batch) const {
    const size_t target = model.program.num_batch_inputs();
    const Type& predictions = model.program.graph.output_type(0);
    if (batch.size() <= target || batch[target].dtype() != DType::i32) return;
    if (target_type(predictions, options.loss).dtype() != DType::i32) return;
    check_labels(batch[target], predictions.shape().size(predictions.rank() - 1), model.name);
  }

  void prepare_step(const Dataset& dataset) {
    check_dataset(dataset, 1);
    if (step && batch_size == dataset.batch_size()) return;
    fetch_weights();  // what a step of another batch size has trained
    // Weights are drawn while the step is compiled, which looks at the program alone.
    std::future<std::vector<Tensor>> drawn;
    if (model.weights.empty())
      drawn = std::async(std::launch::async,
                         [this] { return initial_weights(model.program, options.seed); });
    batch_size = dataset.batch_size();
    step_program = make_training_step(model, step_options(), batch_size);
    step = compile(step_program, *backend, compile_options()).executable;
    if (drawn.valid()) model.weights = drawn.get();
    std::vector<Tensor> state = initial_step_state(step_program, model);
    for (const ClusteredEntry& entry : clustered_entries(step_program, options.clustering)) {
      const ClusterState cluster = options.clustering->initial_state(state[entry.weights]);
      state[entry.centroids] = cluster.centroids;
      if (entry.mask)
        state[*entry.centroid_mask] = cluster.centroid_mask, state[*entry.mask] = cluster.mask;
    }
    if (options.distillation) options.distillation->place_teacher(step_program, state);
    for (const auto& [name, value] : options.initial_state) {
      Tensor& entry = state[step_program.state_index(name)];
      require(value.sizes() == entry.sizes(), "initial_state gives '{}' as {}, but it is {}", name,
              value.describe(), entry.describe());
      entry = value.cast(entry.dtype());
    }
    step->bind_state(state);
    evaluation.clear();
    prediction.clear();
  }

  /// The model's weights as the step has them now.
  void fetch_weights() {
    if (!step) return;
    for (size_t i = 0; i < model.weights.size(); ++i) model.weights[i] = step->state(i);
    for (const PrunedEntry& entry : pruned_entries(step_program, options.pruning))
      model.weights[entry.weights] = masked(model.weights[entry.weights], step->state(entry.mask));
    for (const ClusteredEntry& entry : clustered_entries(step_program, options.clustering)) {
      ClusterState cluster{step->state(entry.centroids), {}, {}};
      if (entry.mask)
        cluster.centroid_mask = step->state(*entry.centroid_mask),
        cluster.mask = step->state(*entry.mask);
      model.weights[entry.weights] =
          options.clustering->clustered(model.weights[entry.weights], cluster);
    }
  }

  /// The model with its current weights, in its program's types.
  Model trained() {
    fetch_weights();
    Model result = model;
    result.weights = in_types_of(model.program.state, model.weights);
    return result;
  }

  /// What is evaluated and predicted with, with its current weights.
  const Model& served() {
    if (model.weights.empty()) model.initialize(options.seed);
    fetch_weights();
    if (!options.deployed) return model;
    deployed = options.deployed(trained());
    evaluation.clear();
    prediction.clear();
    return deployed;
  }

  StepOptions served_options() const {
    StepOptions result = step_options();
    if (options.deployed) result.precision = Precision::float32;
    return result;
  }

  Executable& compiled(std::map<int64_t, Compiled>& cache, int64_t size, const Model& served,
                       const std::function<Program()>& make) {
    Compiled& step = cache[size];
    if (!step.executable) {
      const Program program = make();
      step.state = program.state;
      step.executable = compile(program, *backend, compile_options()).executable;
    }
    step.executable->bind_state(in_types_of(step.state, served.weights));
    return *step.executable;
  }
};

namespace {

/// The state of one fit.
class Fit {
 public:
  using CheckTargets = std::function<void(const Example& batch)>;

  Fit(Trainer& trainer, Executable& step, const Program& program, const TrainerOptions& options,
      const Dataset& dataset, const FitOptions& fit, CheckTargets check_targets)
      : trainer_(trainer),
        step_(step),
        program_(program),
        options_(options),
        dataset_(dataset),
        fit_(fit),
        check_targets_(std::move(check_targets)),
        means_(result_names(options.metrics)) {
    steps_per_epoch_ = dataset.cardinality();
    // The compiled step takes full batches only; what the short one would hold comes in other
    // epochs.
    if (dataset.has_short_batch()) --steps_per_epoch_;
    require(steps_per_epoch_ > 0, "the dataset has not one full batch of {} examples",
            dataset.batch_size());
    learning_rate_ = program.state_index("optimizer/learning_rate");
    pruned_ = pruned_entries(program, options.pruning);
  }

  History run() {
    int64_t first_epoch = 0;
    auto iterator = dataset_.iterator({.seed = options_.seed, .threads = options_.data_threads});
    if (fit_.resume) first_epoch = restore(*iterator);
    EventLog log(fit_.tensorboard, first_epoch);
    started_ = Clock::now();
    first_step_ = step_count_;
    wait_before_ = iterator->wait_seconds();
    for (int64_t epoch = first_epoch; epoch < fit_.epochs && !history_.stopped; ++epoch) {
      train_epoch(epoch, *iterator);
      if (history_.stopped) break;
      mask_weights();
      Metrics metrics = means_.means();
      metrics["learning_rate"] = rate_;
      if (fit_.validation != nullptr && (epoch + 1) % fit_.validation_freq == 0)
        for (const auto& [name, value] : trainer_.evaluate(*fit_.validation))
          metrics["val_" + name] = value;
      history_.epochs.push_back(metrics);
      means_ = MetricMeans(result_names(options_.metrics));
      step_in_epoch_ = 0;
      if (const Status logged = log.epoch(epoch, metrics); !logged)
        message(fmt::format("TensorBoard's events end here: {}", logged.error()));
      if ((epoch + 1) % fit_.checkpoint_every_epochs == 0 || epoch + 1 == fit_.epochs)
        save({epoch + 1, 0});
      if (fit_.callbacks.on_epoch) fit_.callbacks.on_epoch(report(epoch, *iterator), metrics);
    }
    history_.steps = step_count_;
    return history_;
  }

 private:
  void train_epoch(int64_t epoch, DatasetIterator& iterator) {
    iterator.seek({epoch, step_in_epoch_});
    Example batch;
    while (step_in_epoch_ < steps_per_epoch_) {
      invariant(iterator.next(batch), "the dataset ended before its epoch did");
      rate_ =
          options_.schedule ? options_.schedule(step_count_) : options_.optimizer->learning_rate;
      step_.set_state(learning_rate_,
                      Tensor::scalar(program_.state[learning_rate_].type.dtype(), rate_));
      if (options_.pruning && options_.pruning->due(step_count_ + 1)) choose_masks();
      check_targets_(batch);
      step_.start(batch);
      ++runs_in_flight_;
      ++step_count_;
      ++step_in_epoch_;
      // Where a device works by itself, results are read one step late, so that it never waits for
      // the host; an epoch's first are read at once, since there is nothing else to report.
      while (runs_in_flight_ > 0 && (runs_in_flight_ >= step_.runs_in_flight() || means_.empty()))
        collect();
      if (fit_.callbacks.on_step) fit_.callbacks.on_step(report(epoch, iterator));
      const bool stop = fit_.stop != nullptr && fit_.stop->load();
      const bool due =
          fit_.checkpoint_every_steps > 0 && step_count_ % fit_.checkpoint_every_steps == 0;
      if ((stop || due) && step_in_epoch_ < steps_per_epoch_) save({epoch, step_in_epoch_});
      if (stop && step_in_epoch_ < steps_per_epoch_) {
        history_.stopped = true;
        return;
      }
    }
    while (runs_in_flight_ > 0) collect();
  }

  void choose_masks() {
    std::vector<Tensor> values;
    for (const PrunedEntry& entry : pruned_) values.push_back(step_.state(entry.ranked));
    const int threads = options_.compile.threads > 0 ? options_.compile.threads : available_cores();
    const std::vector<Tensor> masks =
        options_.pruning->choose_masks(step_count_ + 1, values, threads);
    for (size_t i = 0; i < pruned_.size(); ++i) step_.set_state(pruned_[i].mask, masks[i]);
  }

  /// A step leaves its update of pruned weights, which the next one masks: here there is no next.
  /// By movement they keep what is beneath their mask.
  void mask_weights() {
    if (options_.pruning && by_movement(*options_.pruning)) return;
    for (const PrunedEntry& entry : pruned_)
      step_.set_state(entry.weights, masked(step_.state(entry.weights), step_.state(entry.mask)));
  }

  void collect() {
    means_.add(step_.collect(), dataset_.batch_size());
    --runs_in_flight_;
  }

  StepReport report(int64_t epoch, const DatasetIterator& iterator) const {
    StepReport report;
    report.step = step_count_;
    report.steps = fit_.epochs * steps_per_epoch_;
    report.epoch = epoch;
    report.epochs = fit_.epochs;
    report.step_in_epoch = step_in_epoch_;
    report.steps_in_epoch = steps_per_epoch_;
    report.metrics = means_.means();
    report.learning_rate = rate_;
    const double seconds = seconds_since(started_);
    const auto done = static_cast<double>(step_count_ - first_step_);
    if (done > 0 && seconds > 0) {
      report.images_per_second = done * static_cast<double>(dataset_.batch_size()) / seconds;
      report.seconds_left = seconds / done * static_cast<double>(report.steps - step_count_);
      report.input_wait_share = (iterator.wait_seconds() - wait_before_) / seconds;
    }
    return report;
  }

  void save(const DatasetPosition& position) {
    while (runs_in_flight_ > 0) collect();
    if (fit_.directory.empty()) return;
    Checkpoint checkpoint;
    checkpoint.step = step_count_;
    checkpoint.position = position;
    checkpoint.state = step_.state();
    for (const StateEntry& entry : program_.state) checkpoint.names.push_back(entry.name);
    checkpoint.history = Json({{"epochs", history_.epochs}, {"running", means_.to_json()}}).dump();
    checkpoint.recipe = fingerprint();
    const Status written = write_checkpoint(fit_.directory, checkpoint);
    if (written) return;
    // A full disk must not end hours of training: the previous checkpoint is intact.
    const std::string text =
        fmt::format("checkpoint {} was not written: {}; the previous one is intact", step_count_,
                    written.error());
    require(fit_.stop == nullptr || !fit_.stop->load(), "{}",
            text);  // who stops now loses what is not saved
    message(text);
  }

  void message(const std::string& text) const {
    if (fit_.callbacks.on_message) fit_.callbacks.on_message(text);
  }

  int64_t restore(DatasetIterator& iterator) {
    std::vector<std::string> warnings;
    const auto found = read_newest_checkpoint(fit_.directory, &warnings).value();
    for (const std::string& warning : warnings) message(warning);
    require(found || warnings.empty(),
            "no checkpoint in {} can be read; remove them to start anew (the newest: {})",
            fit_.directory.string(), warnings.empty() ? "" : warnings.front());
    if (!found) return 0;
    const Checkpoint& checkpoint = *found;
    require(checkpoint.recipe == fingerprint(),
            "the checkpoint in {} belongs to another training: it is of {}, but this one is {} "
            "(model, data, batch "
            "size, optimizer, schedule, precision or seed differ); train into another directory",
            fit_.directory.string(), checkpoint.recipe, fingerprint());
    std::vector<Tensor> state;
    for (const StateEntry& entry : program_.state) {
      const auto at = std::find(checkpoint.names.begin(), checkpoint.names.end(), entry.name);
      require(at != checkpoint.names.end(), "the checkpoint in {} lacks '{}'",
              fit_.directory.string(), entry.name);
      state.push_back(checkpoint.state[static_cast<size_t>(at - checkpoint.names.begin())]);
    }
    step_.bind_state(state);
    step_count_ = checkpoint.step;
    step_in_epoch_ = checkpoint.position.offset;
    restore_history(checkpoint.history);
    iterator.seek(checkpoint.position);
    message(fmt::format("going on after step {} (epoch {}, batch {})", checkpoint.step,
                        checkpoint.position.epoch + 1, checkpoint.position.offset));
    return checkpoint.position.epoch;
  }

  void restore_history(const std::string& text) {
    const Json history = parse_json(text, "checkpoint history").value();
    try {
      for (const Json& epoch : history.at("epochs")) {
        Metrics& metrics = history_.epochs.emplace_back();
        for (const auto& [name, value] : epoch.items()) metrics[name] = number_or_nan(value);
      }
      means_.restore(history.at("running"));
    } catch (const Json::exception& error) {
      refuse("the checkpoint in {} has a history that cannot be read: {}", fit_.directory.string(),
             error.what());
    }
  }

  /// What a checkpoint must agree with: the compiled step, the epoch's length, the seed, how it is
  /// pruned or clustered, and what the caller adds.
  std::string fingerprint() const {
    std::string text =
        fmt::format("{}-{}-{}", to_hex(program_.graph.hash()), steps_per_epoch_, options_.seed);
    if (!options_.fingerprint.empty()) text += "-" + options_.fingerprint;
    if (options_.pruning) text += "-" + to_hex(stable_hash(options_.pruning->describe()));
    if (options_.clustering) text += "-" + to_hex(stable_hash(options_.clustering->describe()));
    return text;
  }

  Trainer& trainer_;
  Executable& step_;
  const Program& program_;
  const TrainerOptions& options_;
  Dataset dataset_;
  const FitOptions& fit_;
  CheckTargets check_targets_;
  MetricMeans means_;
  History history_;
  int64_t steps_per_epoch_ = 0, step_count_ = 0, first_step_ = 0, step_in_epoch_ = 0;
  int64_t runs_in_flight_ = 0;  ///< started steps whose results are not in `means_` yet
  size_t learning_rate_ = 0;
  std::vector<PrunedEntry> pruned_;
  double rate_ = 0, wait_before_ = 0;
  Clock::time_point started_;
};

}  // namespace

Trainer::Trainer(Model model, TrainerOptions options) : state_(std::make_unique<State>()) {
  state_->model = std::move(model);
  state_->options = std::move(options);
  if (!state_->options.optimizer) state_->options.optimizer = adam();
  state_->backend = find_backend(state_->options.backend).value();
}

Trainer::~Trainer() = default;

void Trainer::prepare(const Dataset& dataset) {
  state_->prepare_step(dataset);
}

const Executable& Trainer::step() const {
  require(state_->step != nullptr, "the step is not compiled yet: call prepare or fit first");
  return *state_->step;
}

History Trainer::fit(const Dataset& dataset, const FitOptions& options) {
  require(options.epochs >= 0, "epochs is {}, but must not be negative", options.epochs);
  for (const auto& [name, value] : {std::pair("validation_freq", options.validation_freq),
                                    {"checkpoint_every_epochs", options.checkpoint_every_epochs}})
    require(value > 0, "{} is {}, but must be positive", name, value);
  state_->prepare_step(dataset);
  return Fit(*this, *state_->step, state_->step_program, state_->options, dataset, options,
             [this](const Example& batch) { state_->check_targets(batch); })
      .run();
}

Metrics Trainer::evaluate(const Dataset& dataset) {
  state_->check_dataset(dataset, 1);
  require_end(dataset, "evaluate");
  const Model& served = state_->served();
  MetricMeans means(result_names(state_->options.metrics));
  const auto iterator = dataset.iterator({.threads = state_->options.data_threads});
  Example batch;
  for (int64_t n = dataset.cardinality(); n > 0 && iterator->next(batch); --n) {
    const int64_t size = batch[0].sizes()[0];
    Executable& step = state_->compiled(state_->evaluation, size, served, [&] {
      return make_evaluation_step(served, state_->served_options(), size);
    });
    state_->check_targets(batch);
    means.add(step.run(batch), size);
  }
  return means.means();
}

Tensor Trainer::predict(const Dataset& dataset) {
  state_->check_dataset(dataset, 0);
  require_end(dataset, "predict");
  const Model& served = state_->served();
  const size_t num_features = state_->model.program.num_batch_inputs();
  std::vector<Tensor> parts;
  int64_t total = 0;
  const auto iterator = dataset.iterator();
  Example batch;
  for (int64_t n = dataset.cardinality(); n > 0 && iterator->next(batch); --n) {
    const int64_t size = batch[0].sizes()[0];
    Executable& step = state_->compiled(state_->prediction, size, served, [&] {
      return make_prediction_step(served, state_->served_options(), size);
    });
    parts.push_back(step.run(std::span<const Tensor>(batch).first(num_features))[0].clone());
    require(parts.back().rank() > 0 && parts.back().sizes()[0] == size,
            "the output of model '{}' for {} examples is {}, which has not one row for each",
            state_->model.name, size, parts.back().describe());
    total += size;
  }
  std::vector<int64_t> sizes = parts[0].sizes();
  sizes[0] = total;
  Tensor result(parts[0].dtype(), sizes);
  std::byte* out = result.bytes();
  for (const Tensor& part : parts)
    out = std::copy(part.bytes(), part.bytes() + part.num_bytes(), out);
  return result;
}

Model Trainer::model() const {
  return state_->trained();
}

}  // namespace brisk
