#include "brisk/backends/cuda/cudnn/convolution_launch.h"

#include <algorithm>

#include "brisk/backends/cuda/aligned.h"

namespace brisk::cuda::cudnn {
namespace {

/// Zeros, then as many ones, f32: operands that a plan wants and brisk's op does not have.
DeviceBuffer make_constants(const DevicePtr& device, int64_t bytes) {
  const auto count = static_cast<size_t>(bytes) / sizeof(float);
  std::vector<float> values(2 * count, 0.0f);
  std::fill(values.begin() + static_cast<int64_t>(count), values.end(), 1.0f);
  const DeviceBuffer buffer = device->allocate(2 * bytes);
  const auto stream = device->make_stream();
  stream->copy_to_device(buffer.address(), values.data(), 2 * bytes);
  stream->synchronize();
  return buffer;
}

/// The workspace: the transposed filter if there is one, scratch tensors, the plan's own.
class ConvolutionLaunch final : public Launch {
 public:
  ConvolutionLaunch(ConvolutionParts parts, const PrepareContext& context)
      : parts_(std::move(parts)),
        transposes_(std::ranges::any_of(
            parts_.places,
            [](const Place& place) { return place.kind == Place::Kind::transposed_filter; })),
        filter_bytes_(transposes_ ? aligned(memory_bytes(parts_.problem.filter)) : 0),
        transpose_(context.code, byte_size(parts_.problem.type)) {
    if (parts_.epilogue) epilogue_.emplace(context.code, parts_.problem.type, *parts_.epilogue);
    for (size_t i = 0; i < parts_.places.size(); ++i) {
      const int64_t bytes = aligned(parts_.bytes[i]);
      const Place::Kind kind = parts_.places[i].kind;
      if (kind == Place::Kind::scratch) scratch_bytes_ += bytes;
      if (kind == Place::Kind::zeros || kind == Place::Kind::ones)
        constant_bytes_ = std::max(constant_bytes_, bytes);
    }
    if (constant_bytes_ > 0 && context.device)
      constants_ = make_constants(context.device, constant_bytes_);
  }

  void load(const CodeLibrary& code) override {
    transpose_.load(code);
    if (epilogue_) epilogue_->load(code);
  }

  int64_t packed_bytes() const override { return packs() ? filter_bytes_ : 0; }
  void pack(const LaunchArguments& arguments) override {
    transpose_filter(arguments, arguments.packed);
  }

  void enqueue(const LaunchArguments& arguments) override {
    invariant(parts_.plan.plan.has_value(), "a convolution lowered without a device is run");
    const ConvolutionProblem& problem = parts_.problem;
    const DeviceAddress transposed = arguments.workspace;
    if (transposes_ && !parts_.writes_filter && !packs()) transpose_filter(arguments, transposed);
    const auto own_workspace = static_cast<DeviceAddress>(filter_bytes_ + scratch_bytes_);
    parts_.plan.plan->execute(parts_.plan.memory_ids, addresses(arguments),
                              arguments.workspace + own_workspace, arguments.stream);
    if (transposes_ && parts_.writes_filter)
      transpose_.enqueue(transposed, arguments.results[0], problem.filter_columns,
                         problem.filter_rows, arguments.stream);
    if (epilogue_) finish(arguments);
  }

  int64_t workspace_bytes() const override {
    return filter_bytes_ + scratch_bytes_ + parts_.plan.workspace_bytes;
  }
  bool stores_in_bulk() const override { return true; }
  std::string name() const override {
    return fmt::format("cudnn/{}{}{}{}", parts_.plan.name, epilogue_ ? " + epilogue" : "",
                       parts_.within.empty() ? "" : " for ", parts_.within);
  }
  double flops() const override { return parts_.problem.flops; }

 private:
  bool packs() const { return transposes_ && parts_.constant_filter && !parts_.writes_filter; }

  void transpose_filter(const LaunchArguments& arguments, DeviceAddress to) const {
    transpose_.enqueue(arguments.operands[1], to, parts_.problem.filter_rows,
                       parts_.problem.filter_columns, arguments.stream);
  }

  std::vector<DeviceAddress> addresses(const LaunchArguments& arguments) const {
    std::vector<DeviceAddress> result;
    DeviceAddress scratch = arguments.workspace + static_cast<DeviceAddress>(filter_bytes_);
    for (size_t i = 0; i < parts_.places.size(); ++i) {
      const Place& place = parts_.places[i];
      switch (place.kind) {
        case Place::Kind::operand:
          result.push_back(arguments.operands[place.number]);
          break;
        case Place::Kind::result:
          result.push_back(arguments.results[place.number]);
          break;
        case Place::Kind::transposed_filter:
          result.push_back(packs() ? arguments.packed : arguments.workspace);
          break;
        case Place::Kind::zeros:
          result.push_back(constants_.address());
          break;
        case Place::Kind::ones:
          result.push_back(constants_.address() + static_cast<DeviceAddress>(constant_bytes_));
          break;
        case Place::Kind::scratch:
          result.push_back(scratch);
          scratch += static_cast<DeviceAddress>(aligned(parts_.bytes[i]));
          break;
      }
    }
    return result;
  }

  void finish(const LaunchArguments& arguments) {
    const TensorShape& result = parts_.problem.result;
    const DeviceAddress bias = parts_.epilogue->bias ? arguments.operands[2] : 0;
    const DeviceAddress residual = parts_.epilogue->residual ? arguments.operands.back() : 0;
    epilogue_->enqueue(arguments.results[0], bias, residual,
                       memory_bytes(result) / byte_size(result.type), result.sizes[1],
                       arguments.stream);
  }

  ConvolutionParts parts_;
  bool transposes_;
  int64_t filter_bytes_, scratch_bytes_ = 0, constant_bytes_ = 0;
  FilterTranspose transpose_;
  std::optional<Epilogue> epilogue_;
  DeviceBuffer constants_;
};

/// Of a first layer's image.
constexpr int64_t kFewChannels = 4;

EngineRules engine_rules(const KernelRequest& request, const ConvolutionProblem& problem) {
  return {.deterministic = request.deterministic,
          .tensor_cores = problem.type != DType::f32 || request.tf32};
}

}  // namespace

Result<ConvolutionParts> convolution_parts(const KernelRequest& request,
                                           const PrepareContext& context,
                                           const ConvolutionProblem& problem,
                                           const MakeGraph& make_graph, std::vector<Place> places,
                                           std::vector<int64_t> bytes) {
  PlanOptions options{.rules = engine_rules(request, problem), .bytes = bytes};
  const bool is_forward =
      request.node.op->name == "convolution" || request.node.op->name == "fused_convolution";
  if (is_forward && problem.input.sizes[1] <= kFewChannels) {
    options.rules.first_layer = true;
    options.candidates = 24;
  }
  Result<ChosenPlan> plan = choose_plan(make_graph, options, request.device, context);
  if (!plan) return plan.failure();
  ConvolutionParts parts{problem, std::move(*plan), std::move(places), std::move(bytes)};
  if (request.ordered_filter) {
    for (Place& place : parts.places)
      if (place.kind == Place::Kind::transposed_filter) place = {Place::Kind::operand, 1};
    parts.within = request.node.op->name;
  }
  parts.constant_filter = request.constant_operands.size() > 1 && request.constant_operands[1];
  return parts;
}

ConvolutionParts plan_or_refuse(const KernelRequest& request, const PrepareContext& context,
                                const ConvolutionProblem& problem, const MakeGraph& make_graph,
                                std::vector<Place> places, std::vector<int64_t> bytes) {
  return or_refuse(request, convolution_parts(request, context, problem, make_graph,
                                              std::move(places), std::move(bytes)));
}

ConvolutionParts or_refuse(const KernelRequest& request, Result<ConvolutionParts> parts) {
  if (!parts) refuse("[{}] {}", request.node.op->name, parts.error());
  return std::move(*parts);
}

std::unique_ptr<Launch> make_convolution_launch(ConvolutionParts parts,
                                                const PrepareContext& context) {
  return std::make_unique<ConvolutionLaunch>(std::move(parts), context);
}

}  // namespace brisk::cuda::cudnn
