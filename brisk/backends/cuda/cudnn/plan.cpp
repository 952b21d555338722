#include "brisk/backends/cuda/cudnn/plan.h"

#include <algorithm>
#include <set>

namespace brisk::cuda::cudnn {
namespace {

bool contains(const std::vector<int>& notes, auto note) {
  return std::find(notes.begin(), notes.end(), static_cast<int>(note)) != notes.end();
}

/// Why an engine with such notes may not be used; nothing when it may. Transforms with large tiles
/// and reductions in the short type are never used: their results leave the tolerance table.
std::optional<std::string> refuse_engine(const std::vector<int>& notes, const EngineRules& rules) {
  if (rules.deterministic && contains(notes, NumericalNote::nondeterministic))
    return "its results vary between runs";
  if (!rules.tensor_cores && (contains(notes, NumericalNote::tensor_core) ||
                              contains(notes, NumericalNote::down_converted_inputs)))
    return "it rounds f32 operands to TF32";
  if (!rules.first_layer && contains(notes, NumericalNote::reduced_precision_reduction))
    return "it accumulates in the short type";
  if (contains(notes, NumericalNote::fft)) return "it works by Fourier transforms";
  if (contains(notes, NumericalNote::winograd_6x6) ||
      contains(notes, NumericalNote::winograd_13x13))
    return "it uses Winograd's transform with large tiles";
  return std::nullopt;
}

/// Nothing where its results are right. Engine 1 of the filter's gradient pads behind as it pads in
/// front (cuDNN 9.14 on an H100: CudnnEngines.ThatMayBeChosenAreAllRight finds such engines).
std::optional<std::string> refuse_wrong(const OperationGraph& graph, int64_t engine) {
  if (graph.filter_gradient_padded_unevenly && engine == 1)
    return "its results are wrong where padding in front and behind differ";
  return std::nullopt;
}

/// Results of one mode of the heuristics; empty where it has none.
std::vector<Descriptor> heuristics(const OperationGraph& graph, const Target& target,
                                   HeuristicsMode mode) {
  Descriptor heuristics(DescriptorType::engine_heuristics);
  heuristics.set_descriptor(Attribute::heuristics_graph, graph.descriptor);
  heuristics.set_enum(Attribute::heuristics_mode, AttributeType::heuristics_mode, mode);
  if (target.handle() == nullptr)
    heuristics.set_descriptor(Attribute::heuristics_device, target.description());
  Result<Descriptor> finalized = std::move(heuristics).finalize();
  if (!finalized) return {};
  return finalized->get_descriptors(Attribute::heuristics_results, DescriptorType::engine_config,
                                    64);
}

}  // namespace

std::vector<EngineConfig> engine_configs(const OperationGraph& graph, const Target& target,
                                         const EngineRules& rules, size_t limit,
                                         std::vector<std::string>* refusals) {
  std::vector<EngineConfig> configs;
  for (const HeuristicsMode mode :
       {HeuristicsMode::a, HeuristicsMode::b, HeuristicsMode::fallback}) {
    for (Descriptor& config : heuristics(graph, target, mode)) {
      if (configs.size() == limit) return configs;
      const Descriptor engine =
          config.get_descriptors(Attribute::engine_config_engine, DescriptorType::engine, 1).at(0);
      const int64_t index = engine.get_int64(Attribute::engine_index);
      const std::string name = fmt::format("engine {}", index);
      const std::vector<int> notes = engine.get_enums(
          Attribute::engine_numerical_notes, AttributeType::numerical_note, kNumNumericalNotes);
      std::optional<std::string> reason = refuse_engine(notes, rules);
      if (!reason) reason = refuse_wrong(graph, index);
      if (reason) {
        if (refusals) refusals->push_back(fmt::format("{}: {}", name, *reason));
        continue;
      }
      const std::vector<int> behavior = engine.get_enums(
          Attribute::engine_behavior_notes, AttributeType::behavior_note, kNumBehaviorNotes);
      configs.push_back(
          {std::move(config), name, contains(behavior, BehaviorNote::runtime_compilation)});
    }
    // The other modes only repeat, or serve graphs that this one has nothing for.
    if (configs.size() >= 3 && !rules.first_layer) break;
  }
  return configs;
}

Result<Plan> Plan::make(const EngineConfig& config, const Target& target) {
  Descriptor descriptor(DescriptorType::execution_plan);
  if (target.handle() != nullptr)
    descriptor.set_handle(Attribute::plan_handle, target.handle());
  else
    descriptor.set_descriptor(Attribute::plan_device, target.description());
  descriptor.set_descriptor(Attribute::plan_engine_config, config.descriptor);
  Result<Descriptor> finalized = std::move(descriptor).finalize();
  if (!finalized) return fail("{}: {}", config.name, finalized.error());
  Plan plan;
  plan.workspace_bytes_ = finalized->get_int64(Attribute::plan_workspace_size);
  plan.descriptor_ = std::move(*finalized);
  plan.target_ = target;
  plan.name_ = config.name;
  return plan;
}

// The text is the engine's name, a line break and cuDNN's own JSON.

std::string Plan::to_text() const {
  return name_ + "\n" + descriptor_.get_text(Attribute::plan_json);
}

Result<Plan> Plan::from_text(std::string_view text, const Target& target) {
  const size_t end_of_name = text.find('\n');
  if (end_of_name == std::string_view::npos) return fail("a stored cuDNN plan has no name");
  Descriptor descriptor(DescriptorType::execution_plan);
  if (target.handle() != nullptr)
    descriptor.set_handle(Attribute::plan_handle, target.handle());
  else
    descriptor.set_descriptor(Attribute::plan_device, target.description());
  descriptor.set_text(Attribute::plan_json, text.substr(end_of_name + 1));
  Result<Descriptor> finalized = std::move(descriptor).finalize();
  if (!finalized) return finalized.failure();
  Plan plan;
  plan.workspace_bytes_ = finalized->get_int64(Attribute::plan_workspace_size);
  plan.descriptor_ = std::move(*finalized);
  plan.target_ = target;
  plan.name_ = std::string(text.substr(0, end_of_name));
  return plan;
}

void Plan::execute(std::span<const int64_t> memory_ids, std::span<const DeviceAddress> addresses,
                   DeviceAddress workspace, StreamHandle stream,
                   std::span<const HostScalar> scalars) const {
  invariant(memory_ids.size() == addresses.size(), "a cuDNN plan has {} tensors, but gets {}",
            memory_ids.size(), addresses.size());
  invariant(target_.handle() != nullptr, "a cuDNN plan made without a device is run");
  std::vector<void*> pointers;
  for (const DeviceAddress address : addresses)
    pointers.push_back(reinterpret_cast<void*>(address));
  std::vector<int64_t> ids(memory_ids.begin(), memory_ids.end());
  std::vector<float> numbers;  // cuDNN takes what it points to while it enqueues
  for (const HostScalar& scalar : scalars) numbers.push_back(scalar.value);
  for (size_t i = 0; i < scalars.size(); ++i) {
    ids.push_back(scalars[i].id);
    pointers.push_back(&numbers[i]);
  }
  void* const workspace_pointer = reinterpret_cast<void*>(workspace);
  Descriptor pack(DescriptorType::variant_pack);
  pack.set_pointers(Attribute::pack_pointers, pointers);
  pack.set_int64s(Attribute::pack_unique_ids, ids);
  pack.set_pointers(Attribute::pack_workspace, {&workspace_pointer, 1});
  const Descriptor finalized = std::move(pack).finalized();
  const Library& cudnn = **library();
  Status status = cudnn.set_stream(target_.handle(), stream);
  if (status == 0)
    status = cudnn.execute(target_.handle(), descriptor_.handle(), finalized.handle());
  if (status != 0) refuse("{}", describe(status, fmt::format("running {}", name_)));
}

bool only_lacks_device(std::string_view error) {
  return error.find("cuLibraryLoadData") != std::string_view::npos;
}

}  // namespace brisk::cuda::cudnn
