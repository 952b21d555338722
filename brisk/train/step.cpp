#include "brisk/train/step.h"

#include <array>

#include "brisk/autodiff/gradient.h"
#include "brisk/nn/initializers.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/passes/accumulate_gradients.h"
#include "brisk/train/loss_graph.h"

// The step is put together from graphs: the loss program (forward), its gradient graph over one
// part of the batch, the scan over the parts, and around it the optimizer. With float16 the loss is
// multiplied by the loss scale before it is differentiated; when a gradient is not finite, every
// update of parameters, slots and the iteration is withheld and the scale halved (Keras 3's
// LossScaleOptimizer). Moving statistics are withheld too: they would keep an infinity for good.

namespace brisk {
namespace {

/// Numbers of the trained parameters among the model's state entries.
std::vector<size_t> trained_entries(const Program& program) {
  std::vector<size_t> result;
  for (size_t i = 0; i < program.state.size(); ++i)
    if (program.state[i].role == StateRole::parameter && program.state[i].trainable)
      result.push_back(i);
  return result;
}

/// (state..., [scale], features..., targets) -> (loss, metrics..., gradients..., updates...), where
/// gradients are those of scale * loss. All but the updates are means over the part.
Graph gradient_graph(const Program& loss_program, std::span<const size_t> trained, bool scaled) {
  const Graph& graph = loss_program.graph;
  Builder builder(graph.ops(), graph.name());
  std::vector<Value> inputs;
  Value scale;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    if (scaled && i == loss_program.state.size())
      scale = builder.input("loss_scale", Type(DType::f32, {}));
    inputs.push_back(builder.input(graph.input_name(i), graph.input_type(i)));
  }
  const std::vector<Value> values = builder.inline_graph(graph, inputs);
  std::vector<Value> wrt;
  for (const size_t entry : trained) wrt.push_back(inputs[entry]);
  const Value loss = scaled ? values[0] * scale : values[0];
  const std::vector<Value> gradients = gradient(loss, wrt);
  std::vector<Builder::Output> outputs;
  for (int64_t r = 0; r < loss_program.num_results; ++r)
    outputs.push_back(
        {graph.outputs()[static_cast<size_t>(r)].name, values[static_cast<size_t>(r)]});
  for (size_t g = 0; g < gradients.size(); ++g)
    outputs.push_back({"gradient:" + loss_program.state[trained[g]].name, gradients[g]});
  for (size_t j = static_cast<size_t>(loss_program.num_results); j < values.size(); ++j)
    outputs.push_back({graph.outputs()[j].name, values[j]});
  return builder.finish(outputs);
}

Value all_finite(std::span<const Value> gradients) {
  Value result;
  for (const Value& gradient : gradients) {
    const Value finite = reduce_all(is_finite(gradient));
    result = result.defined() ? logical_and(result, finite) : finite;
  }
  return result;
}

/// At most one kind is set (brisk/train/optimizer.h).
std::vector<Value> clip(const Optimizer& optimizer, std::vector<Value> gradients) {
  const auto scaled_to = [](Value gradient, Value norm, double limit) {
    return gradient * (limit / maximum(norm, norm * 0.0 + limit));
  };
  if (optimizer.clipnorm > 0) {
    for (Value& gradient : gradients)
      gradient = scaled_to(gradient, sqrt(reduce_sum(square(gradient))), optimizer.clipnorm);
  } else if (optimizer.global_clipnorm > 0) {
    Value total;
    for (const Value& gradient : gradients) {
      const Value sum = reduce_sum(square(gradient));
      total = total.defined() ? total + sum : sum;
    }
    for (Value& gradient : gradients)
      gradient = scaled_to(gradient, sqrt(total), optimizer.global_clipnorm);
  } else if (optimizer.clipvalue > 0) {
    for (Value& gradient : gradients)
      gradient = clamp(gradient, -optimizer.clipvalue, optimizer.clipvalue);
  }
  return gradients;
}

ParameterInfo parameter_info(const StateEntry& entry) {
  return {entry.name, entry.type.shape()};
}

/// Builds the outer graph: state inputs in order, updates by entry number.
class StepBuilder {
 public:
  StepBuilder(const Program& loss_program, const StepOptions& options)
      : options_(options),
        loss_program_(loss_program),
        trained_(trained_entries(loss_program)),
        scaled_(options.precision == Precision::mixed_float16),
        builder_(loss_program.graph.ops(), loss_program.graph.name()) {}

  Program build() {
    const Graph gradients = gradient_graph(loss_program_, trained_, scaled_);
    add_state();
    const std::vector<Value> values = run_gradients(gradients);
    apply(values);
    return finish();
  }

 private:
  Value add_entry(StateEntry entry) {
    state_.push_back(builder_.input(entry.name, entry.type));
    entries_.push_back(std::move(entry));
    return state_.back();
  }

  void add_state() {
    for (const StateEntry& entry : loss_program_.state) add_entry(entry);
    const DType type = options_.precision == Precision::float64 ? DType::f64 : DType::f32;
    const Type scalar(type, {});
    iteration_ = entries_.size();
    add_entry({"optimizer/iteration", scalar, StateRole::counter, false, "zeros"});
    learning_rate_ = entries_.size();
    add_entry({"optimizer/learning_rate", scalar, StateRole::scalar, false,
               fmt::format(R"({{"class_name": "Constant", "config": {{"value": {}}}}})",
                           options_.optimizer->learning_rate)});
    forward_.assign(state_.begin(), state_.begin() + static_cast<std::ptrdiff_t>(iteration_));
    updated_ = trained_;
    for (const size_t entry : trained_) updated_from_[entry] = state_[entry];
    if (options_.clustering) add_clusters();
    first_slot_ = entries_.size();
    for (const size_t entry : updated_) {
      const StateEntry parameter = entries_[entry];
      for (const std::string& slot : options_.optimizer->slots(parameter_info(parameter)))
        add_entry({fmt::format("optimizer/{}/{}", parameter.name, slot), parameter.type,
                   StateRole::slot, false, "zeros"});
    }
    if (options_.pruning) add_masks();
    if (!scaled_) return;
    scale_ = entries_.size();
    add_entry({"loss_scale/scale", scalar, StateRole::counter, false,
               fmt::format(R"({{"class_name": "Constant", "config": {{"value": {}}}}})",
                           options_.initial_loss_scale)});
    good_steps_ = entries_.size();
    add_entry({"loss_scale/good_steps", scalar, StateRole::counter, false, "zeros"});
  }

  /// From here on a pruned parameter is its masked value, which is what the optimizer updates, too;
  /// by movement it updates the one beneath.
  void add_masks() {
    const bool moves = options_.pruning->options().criterion == PruningCriterion::movement;
    for (size_t p = 0; p < trained_.size(); ++p) {
      const size_t entry = trained_[p];
      const StateEntry& parameter = loss_program_.state[entry];
      if (!options_.pruning->prunes(parameter.name)) continue;
      const Value mask =
          add_entry({mask_name(parameter.name), parameter.type, StateRole::mask, false, "ones"});
      forward_[entry] = state_[entry] * mask;
      if (!moves) {
        updated_from_[entry] = forward_[entry];
        continue;
      }
      movements_.push_back({.trained = p, .mask = mask, .score = entries_.size()});
      add_entry({score_name(parameter.name), parameter.type, StateRole::slot, false, "zeros"});
    }
  }

  /// The step computes with clustered values; the optimizer updates centroids and weights.
  void add_clusters() {
    const Clustering& clustering = *options_.clustering;
    for (size_t p = 0; p < trained_.size(); ++p) {
      const size_t entry = trained_[p];
      const StateEntry& parameter = loss_program_.state[entry];
      if (!clustering.clusters(parameter.name)) continue;
      const Type centroids(parameter.type.dtype(), {clustering.options().number_of_clusters});
      const auto add = [&](const char* part, const Type& type, StateRole role) {
        return add_entry({cluster_name(parameter.name, part), type, role, false,
                          role == StateRole::mask ? "ones" : "zeros"});
      };
      Cluster cluster{.trained = p};
      updated_.push_back(entries_.size());
      cluster.state.centroids = add("centroids", centroids, StateRole::slot);
      if (clustering.options().preserve_sparsity) {
        cluster.state.centroid_mask = add("centroid_mask", centroids, StateRole::mask);
        cluster.state.mask = add("mask", parameter.type, StateRole::mask);
      }
      cluster.value = clustering.clustered(state_[entry], cluster.state);
      forward_[entry] = cluster.value.value;
      updated_from_[updated_.back()] = cluster.value.centroids;
      clusters_.push_back(cluster);
    }
  }

  /// The means of results and gradients over the whole batch, then the model's updates.
  std::vector<Value> run_gradients(Graph gradients) {
    const size_t num_model_state = loss_program_.state.size();
    const size_t num_scan_state = num_model_state + (scaled_ ? 1 : 0);
    const size_t num_averaged = static_cast<size_t>(loss_program_.num_results) + trained_.size();
    gradients = accumulate_gradients(gradients, options_.accumulate, num_scan_state, num_averaged,
                                     loss_program_.updates);
    std::vector<Value> inputs = forward_;
    if (scaled_) inputs.push_back(state_[scale_]);
    for (size_t i = num_scan_state; i < gradients.inputs().size(); ++i)
      inputs.push_back(builder_.input(gradients.input_name(i), gradients.input_type(i)));
    return builder_.inline_graph(gradients, inputs);
  }

  void apply(const std::vector<Value>& values) {
    const auto num_results = static_cast<size_t>(loss_program_.num_results);
    for (size_t r = 0; r < num_results; ++r)
      results_.push_back({loss_program_.graph.outputs()[r].name, values[r]});
    std::vector<Value> gradients(
        values.begin() + static_cast<std::ptrdiff_t>(num_results),
        values.begin() + static_cast<std::ptrdiff_t>(num_results + trained_.size()));
    const std::span<const Value> model_updates =
        std::span(values).subspan(num_results + trained_.size());

    const LabelScope label(builder_, "optimizer");
    if (scaled_) {
      const Value inverse = 1.0 / state_[scale_];
      for (Value& gradient : gradients) gradient = gradient * inverse;
      finite_ = all_finite(gradients);
      update_loss_scale();
    }
    for (size_t u = 0; u < loss_program_.updates.size(); ++u) {
      const auto entry = static_cast<size_t>(loss_program_.updates[u]);
      if (entries_[entry].role == StateRole::statistic)
        set(entry, model_updates[u]);
      else
        updates_[entry] = model_updates[u];  // a random key advances all the same
    }
    for (const Movement& movement : movements_) {
      Value& gradient = gradients[movement.trained];
      const Value weights = state_[trained_[movement.trained]];
      set(movement.score, state_[movement.score] - gradient * weights);
      gradient = gradient * movement.mask;
    }
    for (const Cluster& cluster : clusters_) {
      Value& gradient = gradients[cluster.trained];
      const auto parts = options_.clustering->gradients(cluster.value, cluster.state, gradient);
      gradient = parts.weights;
      gradients.push_back(parts.centroids);
    }
    gradients = clip(*options_.optimizer, std::move(gradients));
    const Value iteration = state_[iteration_] + 1.0;
    set(iteration_, iteration);
    size_t slot = first_slot_;
    for (size_t p = 0; p < updated_.size(); ++p) {
      const size_t entry = updated_[p];
      const ParameterInfo info = parameter_info(entries_[entry]);
      Value parameter = updated_from_.at(entry);
      if (const double decay = options_.optimizer->weight_decay_of(info); decay > 0)
        parameter = parameter - parameter * (state_[learning_rate_] * decay);
      UpdateContext context{
          parameter, gradients[p], as(parameter, state_[learning_rate_]), as(parameter, iteration),
          {},        info};
      const size_t num_slots = options_.optimizer->slots(info).size();
      for (size_t s = 0; s < num_slots; ++s) context.slots.push_back(state_[slot + s]);
      const UpdateResult result = options_.optimizer->update(context);
      set(entry, result.parameter);
      for (const Value& value : result.slots) set(slot++, value);
    }
  }

  static Value as(const Value& parameter, Value scalar) { return cast(scalar, parameter.dtype()); }

  /// With loss scaling the old value stays when a gradient was not finite.
  void set(size_t entry, Value value) {
    updates_[entry] = scaled_ ? select(finite_, value, state_[entry]) : value;
  }

  void update_loss_scale() {
    const Value counted = state_[good_steps_] + 1.0;
    const Value grows = greater_equal(
        counted, builder_.scalar(DType::f32, static_cast<double>(options_.dynamic_growth_steps)));
    const Value zero = builder_.scalar(DType::f32, 0);
    const Value scale = state_[scale_];
    updates_[good_steps_] = select(finite_, select(grows, zero, counted), zero);
    updates_[scale_] = select(finite_, select(grows, scale * 2.0, scale), scale * 0.5);
  }

  Program finish() {
    Program program;
    program.num_results = static_cast<int64_t>(results_.size());
    std::vector<Builder::Output> outputs = results_;
    for (const auto& [entry, value] : updates_) {
      outputs.push_back({"update:" + entries_[entry].name, value});
      program.updates.push_back(static_cast<int64_t>(entry));
    }
    program.graph = builder_.finish(outputs);
    program.state = entries_;
    return program;
  }

  const StepOptions& options_;
  const Program& loss_program_;
  std::vector<size_t> trained_;
  bool scaled_;
  Builder builder_;
  std::vector<StateEntry> entries_;
  std::vector<Value> state_;
  struct Cluster {
    size_t trained = 0;  ///< its place among the gradients
    ClusterValues state;
    ClusteredValue value;
  };
  std::vector<Cluster> clusters_;
  struct Movement {
    size_t trained = 0;  ///< the parameter's place among the gradients
    Value mask;
    size_t score = 0;  ///< entry
  };
  std::vector<Movement> movements_;
  std::vector<Value> forward_;            ///< the model's state as the step computes with it
  std::vector<size_t> updated_;           ///< entries that the optimizer updates, trained_ first
  std::map<size_t, Value> updated_from_;  ///< ... and the values that it begins with
  size_t iteration_ = 0, learning_rate_ = 0, first_slot_ = 0, scale_ = 0, good_steps_ = 0;
  Value finite_;
  std::vector<Builder::Output> results_;
  std::map<size_t, Value> updates_;
};

}  // namespace

std::span<const std::string_view> enum_names(Precision) {
  static constexpr std::array<std::string_view, 5> kNames = {"float32", "mixed_bfloat16",
                                                             "mixed_float16", "float64", "tf32"};
  return kNames;
}

Program make_training_step(const Model& model, const StepOptions& options, int64_t batch_size) {
  require(options.optimizer != nullptr, "a training step needs an optimizer");
  require(options.accumulate >= 1 && batch_size % options.accumulate == 0,
          "a batch of {} examples cannot be split into {} equal parts", batch_size,
          options.accumulate);
  require(!options.pruning || !options.clustering,
          "a training either prunes or clusters; a pruned model is clustered afterwards, with its "
          "zeros preserved");
  const Program loss_program =
      make_loss_program(model, options, batch_size / options.accumulate, true);
  return StepBuilder(loss_program, options).build();
}

Program make_evaluation_step(const Model& model, const StepOptions& options, int64_t batch_size) {
  return make_loss_program(model, options, batch_size, false);
}

Program make_prediction_step(const Model& model, const StepOptions& options, int64_t batch_size) {
  return make_forward_program(model, options, batch_size, false);
}

std::string cluster_name(std::string_view parameter, std::string_view part) {
  return fmt::format("clustering/{}/{}", parameter, part);
}

std::string mask_name(std::string_view parameter) {
  return fmt::format("pruning/{}/mask", parameter);
}

std::string score_name(std::string_view parameter) {
  return fmt::format("pruning/{}/score", parameter);
}

std::vector<Tensor> in_types_of(std::span<const StateEntry> entries,
                                std::span<const Tensor> weights) {
  invariant(entries.size() >= weights.size(), "{} weights for {} state entries", weights.size(),
            entries.size());
  std::vector<Tensor> result;
  for (size_t i = 0; i < weights.size(); ++i) {
    const DType type = entries[i].type.dtype();
    result.push_back(weights[i].dtype() == type ? weights[i] : weights[i].cast(type));
  }
  return result;
}

std::vector<Tensor> initial_step_state(const Program& step, const Model& model) {
  require(model.weights.size() == model.program.state.size(),
          "model '{}' has no weights yet: initialise or load it", model.name);
  std::vector<Tensor> state = in_types_of(step.state, model.weights);
  for (size_t i = state.size(); i < step.state.size(); ++i)
    state.push_back(make_initial_value(step.state[i].initializer, step.state[i].type, 0));
  return state;
}

}  // namespace brisk
