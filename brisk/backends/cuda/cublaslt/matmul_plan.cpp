#include "brisk/backends/cuda/cublaslt/matmul_plan.h"

#include <array>
#include <cstring>
#include <map>
#include <mutex>

#include "brisk/backends/cuda/api/cublaslt.h"
#include "brisk/backends/cuda/measuring_memory.h"
#include "brisk/backends/cuda/tuning.h"

namespace brisk::cuda::cublaslt {
namespace {

constexpr size_t kWorkspaceLimit = size_t{32} << 20;
constexpr int kCandidates = 10;

void check(Status status, std::string_view call) {
  if (status != 0) refuse("cuBLASLt: {}: {}", call, (*library())->status_text(status));
}

/// One handle a device, shared by all plans of it that live at the same time.
Result<std::shared_ptr<CublasLtContext>> shared_handle(const DevicePtr& device) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<CublasLtContext>> handles;
  const std::lock_guard lock(mutex);
  std::weak_ptr<CublasLtContext>& known = handles[device->properties().uuid];
  if (auto handle = known.lock()) return handle;
  device->make_current();
  Handle handle = nullptr;
  const Status status = (*library())->create(&handle);
  if (status != 0)
    return fail("cuBLASLt: creating a handle: {}", (*library())->status_text(status));
  std::shared_ptr<CublasLtContext> owner(handle, [device](Handle owned) {
    device->make_current();
    (*library())->destroy(owned);
  });
  known = owner;
  return owner;
}

DataType data_type(DType type) {
  switch (type) {
    case DType::f16:
      return DataType::f16;
    case DType::bf16:
      return DataType::bf16;
    case DType::f64:
      return DataType::f64;
    default:
      return DataType::f32;
  }
}

using LayoutOwner = std::unique_ptr<CublasLtLayout, Status (*)(Layout)>;
using MatmulOwner = std::unique_ptr<CublasLtMatmul, Status (*)(Matmul)>;

LayoutOwner make_layout(DType type, int64_t rows, int64_t columns, int64_t stride, int64_t batch,
                        int64_t batch_stride) {
  const Library& cublas = **library();
  Layout layout = nullptr;
  check(cublas.create_layout(&layout, data_type(type), static_cast<uint64_t>(rows),
                             static_cast<uint64_t>(columns), stride),
        "creating a layout");
  LayoutOwner owner(layout, cublas.destroy_layout);
  if (batch > 1) {
    const auto count = static_cast<int32_t>(batch);
    check(cublas.set_layout(layout, LayoutAttribute::batch_count, &count, sizeof count), "layout");
    check(cublas.set_layout(layout, LayoutAttribute::batch_stride, &batch_stride,
                            sizeof batch_stride),
          "layout");
  }
  return owner;
}

MatmulOwner make_matmul(const DotProblem& problem, bool fused_epilogue) {
  const Library& cublas = **library();
  const bool wide = problem.type == DType::f64;
  const ComputeType narrow = problem.tf32 ? ComputeType::tf32 : ComputeType::f32;
  Matmul matmul = nullptr;
  check(cublas.create_matmul(&matmul, wide ? ComputeType::f64 : narrow,
                             wide ? DataType::f64 : DataType::f32),
        "creating a product");
  MatmulOwner owner(matmul, cublas.destroy_matmul);
  const auto set = [&](MatmulAttribute attribute, int value) {
    check(cublas.set_matmul(matmul, attribute, &value, sizeof value), "product");
  };
  set(MatmulAttribute::transpose_a, problem.rhs.transpose ? 1 : 0);
  set(MatmulAttribute::transpose_b, problem.lhs.transpose ? 1 : 0);
  if (fused_epilogue) {
    int epilogue = static_cast<int>(brisk::cuda::cublaslt::Epilogue::none);
    if (problem.bias || problem.activation == Activation::relu)
      epilogue = (problem.bias ? 4 : 0) | (problem.activation == Activation::relu ? 2 : 0);
    set(MatmulAttribute::epilogue, epilogue);
  }
  return owner;
}

std::string to_hexadecimal(const Algorithm& algorithm) {
  std::string text;
  for (const uint64_t word : algorithm.data) text += fmt::format("{:016x}", word);
  return text;
}

std::optional<Algorithm> from_hexadecimal(const std::string& text) {
  if (text.size() != 128 || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    return std::nullopt;
  Algorithm algorithm{};
  for (size_t i = 0; i < 8; ++i)
    algorithm.data[i] = std::stoull(text.substr(16 * i, 16), nullptr, 16);
  return algorithm;
}

}  // namespace

struct MatmulPlan::State {
  DotProblem problem;
  bool fused_epilogue = false;
  std::shared_ptr<CublasLtContext> handle;  ///< nullptr: lowered without a device
  MatmulOwner matmul;
  LayoutOwner a, b, d;
  HeuristicResult chosen{};

  void call(const MatmulAddresses& at, const HeuristicResult& algorithm,
            StreamHandle stream) const {
    const Library& cublas = **library();
    if (fused_epilogue && problem.bias)
      check(
          cublas.set_matmul(matmul.get(), MatmulAttribute::bias_pointer, &at.bias, sizeof at.bias),
          "product");
    const float one_f32 = 1, zero_f32 = 0;
    const double one_f64 = 1, zero_f64 = 0;
    const bool wide = problem.type == DType::f64;
    const void* one = wide ? static_cast<const void*>(&one_f64) : &one_f32;
    const void* zero = wide ? static_cast<const void*>(&zero_f64) : &zero_f32;
    const auto pointer = [](DeviceAddress address) { return reinterpret_cast<void*>(address); };
    check(cublas.matmul(handle.get(), matmul.get(), one, pointer(at.rhs), a.get(), pointer(at.lhs),
                        b.get(), zero, pointer(at.result), d.get(), pointer(at.result), d.get(),
                        &algorithm.algorithm, pointer(at.workspace), algorithm.workspace_bytes,
                        stream),
          "running a product");
  }

  /// What the heuristics offer, best guess first.
  std::vector<HeuristicResult> candidates(bool deterministic) const {
    const Library& cublas = **library();
    Preference preference = nullptr;
    check(cublas.create_preference(&preference), "creating a preference");
    const std::unique_ptr<CublasLtPreference, Status (*)(Preference)> owner(
        preference, cublas.destroy_preference);
    check(cublas.set_preference(preference, PreferenceAttribute::workspace_bytes, &kWorkspaceLimit,
                                sizeof kWorkspaceLimit),
          "preference");
    if (deterministic) {
      const uint32_t schemes = static_cast<uint32_t>(ReductionScheme::compute_type) |
                               static_cast<uint32_t>(ReductionScheme::output_type);
      check(cublas.set_preference(preference, PreferenceAttribute::reduction_schemes, &schemes,
                                  sizeof schemes),
            "preference");
    }
    if (fused_epilogue && problem.bias) {  // its alignment matters to the heuristics
      const DeviceAddress aligned = 256;
      check(
          cublas.set_matmul(matmul.get(), MatmulAttribute::bias_pointer, &aligned, sizeof aligned),
          "product");
    }
    std::vector<HeuristicResult> results(kCandidates);
    int found = 0;
    const Status status =
        cublas.heuristics(handle.get(), matmul.get(), a.get(), b.get(), d.get(), d.get(),
                          preference, kCandidates, results.data(), &found);
    results.resize(status == 0 ? static_cast<size_t>(found) : 0);
    std::erase_if(results, [](const HeuristicResult& result) { return result.state != 0; });
    return results;
  }

  bool takes(const Algorithm& algorithm, HeuristicResult& result) const {
    return (*library())
                   ->check_algorithm(handle.get(), matmul.get(), a.get(), b.get(), d.get(), d.get(),
                                     &algorithm, &result) == 0 &&
           result.workspace_bytes <= kWorkspaceLimit;
  }
};

MatmulPlan::MatmulPlan(std::unique_ptr<State> state) : state_(std::move(state)) {}
MatmulPlan::MatmulPlan(MatmulPlan&&) noexcept = default;
MatmulPlan::~MatmulPlan() = default;

Result<MatmulPlan> MatmulPlan::choose(const DotProblem& problem, bool fused_epilogue,
                                      bool deterministic, const PrepareContext& context) {
  if (const auto cublas = library(); !cublas) return cublas.failure();
  const DType type = problem.type;
  const OperandView &rhs = problem.rhs, &lhs = problem.lhs;
  auto state = std::unique_ptr<State>(new State{
      problem, fused_epilogue, nullptr, make_matmul(problem, fused_epilogue),
      make_layout(type, rhs.rows, rhs.columns, rhs.stride, problem.batch, rhs.batch_stride),
      make_layout(type, lhs.rows, lhs.columns, lhs.stride, problem.batch, lhs.batch_stride),
      make_layout(problem.result_type, problem.n, problem.m, problem.n, problem.batch,
                  problem.n * problem.m)});
  if (!context.device) return MatmulPlan(std::move(state));

  auto handle = shared_handle(context.device);
  if (!handle) return handle.failure();
  state->handle = std::move(*handle);
  const std::string key = fmt::format("cublaslt {} deterministic={} epilogue={}", problem.text(),
                                      deterministic, fused_epilogue);
  if (context.tuning) {
    const std::optional<TunedChoice> known = context.tuning->find(key);
    const std::optional<Algorithm> algorithm = known ? from_hexadecimal(known->plan) : std::nullopt;
    if (algorithm && state->takes(*algorithm, state->chosen)) {
      state->chosen.algorithm = *algorithm;
      return MatmulPlan(std::move(state));
    }
  }
  const std::vector<HeuristicResult> candidates = state->candidates(deterministic);
  if (candidates.empty()) return fail("cuBLASLt has no algorithm for {}", problem.text());

  const int64_t element = byte_size(type);
  const auto span_of = [&](const OperandView& view) {
    return (view.stride * view.columns + view.batch_stride * (problem.batch - 1)) * element;
  };
  const std::array<int64_t, 4> bytes = {
      span_of(lhs), span_of(rhs), problem.n * element,
      problem.batch * problem.m * problem.n * byte_size(problem.result_type)};
  const MeasuringMemory memory(context.device, bytes, static_cast<int64_t>(kWorkspaceLimit));
  const MatmulAddresses addresses{memory.addresses()[0], memory.addresses()[1],
                                  memory.addresses()[2], memory.addresses()[3], memory.workspace()};
  double best = 0;
  std::string failure;
  for (const HeuristicResult& candidate : candidates) {
    try {
      MeasuringLimits limits;
      if (best > 0) limits.best_milliseconds = best;
      const double milliseconds = measure(
          context.device, [&](StreamHandle stream) { state->call(addresses, candidate, stream); },
          limits);
      if (best == 0 || milliseconds < best) {
        best = milliseconds;
        state->chosen = candidate;
      }
    } catch (const UserError& error) {  // offered, but it can't run here
      failure = error.what();
    }
  }
  if (best == 0) return fail("{}", failure);
  if (context.tuning)
    context.tuning->store(key, {"cublaslt", to_hexadecimal(state->chosen.algorithm), best});
  return MatmulPlan(std::move(state));
}

int64_t MatmulPlan::workspace_bytes() const {
  return static_cast<int64_t>(state_->chosen.workspace_bytes);
}

std::string MatmulPlan::name() const {
  return fmt::format("cublaslt/{}x{}x{}{}", state_->problem.m, state_->problem.n, state_->problem.k,
                     state_->problem.batch > 1 ? fmt::format(" x{}", state_->problem.batch) : "");
}

void MatmulPlan::execute(const MatmulAddresses& addresses, StreamHandle stream) const {
  const DotProblem& problem = state_->problem;
  invariant(state_->handle != nullptr, "a product lowered without a device is run");
  const int64_t bytes = byte_size(problem.type), result_bytes = byte_size(problem.result_type);
  for (int64_t i = 0; i < problem.outer; ++i) {
    MatmulAddresses at = addresses;
    at.lhs += static_cast<DeviceAddress>(i * problem.lhs.outer_stride * bytes);
    at.rhs += static_cast<DeviceAddress>(i * problem.rhs.outer_stride * bytes);
    at.result +=
        static_cast<DeviceAddress>(i * problem.batch * problem.m * problem.n * result_bytes);
    state_->call(at, state_->chosen, stream);
  }
}

}  // namespace brisk::cuda::cublaslt
