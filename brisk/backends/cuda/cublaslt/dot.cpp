#include "brisk/backends/cuda/api/cublaslt.h"
#include "brisk/backends/cuda/cublaslt/matmul_plan.h"
#include "brisk/backends/cuda/epilogue.h"

// dot_general and fused_dot by cuBLASLt. Bias and ReLU belong to the call, but in f64, where its
// epilogues end: there a kernel of ours finishes the result in place.

namespace brisk::cuda {
namespace cublaslt {
namespace {

std::optional<std::string> refuse_dot(const KernelRequest& request) {
  if (const auto cublas = library(); !cublas) return cublas.error();
  const Result<DotProblem> problem = dot_problem(request);
  if (!problem) return problem.error();
  return std::nullopt;
}

class DotLaunch final : public Launch {
 public:
  DotLaunch(DotProblem problem, MatmulPlan plan, std::optional<cuda::Epilogue> epilogue)
      : problem_(std::move(problem)), plan_(std::move(plan)), epilogue_(std::move(epilogue)) {}

  void load(const CodeLibrary& code) override {
    if (epilogue_) epilogue_->load(code);
  }
  void enqueue(const LaunchArguments& arguments) override {
    const DeviceAddress bias = problem_.bias ? arguments.operands[2] : 0;
    // A Gram matrix multiplies its only operand with itself.
    plan_.execute({arguments.operands[0], arguments.operands[arguments.operands.size() > 1], bias,
                   arguments.results[0], arguments.workspace},
                  arguments.stream);
    if (epilogue_)
      epilogue_->enqueue(arguments.results[0], bias, 0,
                         problem_.outer * problem_.batch * problem_.m * problem_.n, problem_.n,
                         arguments.stream);
  }
  int64_t workspace_bytes() const override { return plan_.workspace_bytes(); }
  bool stores_in_bulk() const override { return true; }
  std::string name() const override { return plan_.name() + (epilogue_ ? " + epilogue" : ""); }
  double flops() const override { return problem_.flops(); }

 private:
  DotProblem problem_;
  MatmulPlan plan_;
  std::optional<cuda::Epilogue> epilogue_;
};

std::unique_ptr<Launch> prepare_dot(const KernelRequest& request, const PrepareContext& context) {
  DotProblem problem = dot_problem(request).value();
  const bool has_epilogue = problem.bias || problem.activation != Activation::none;
  const bool separate =
      has_epilogue && (problem.type == DType::f64 || problem.activation == Activation::relu6);
  Result<MatmulPlan> plan =
      MatmulPlan::choose(problem, has_epilogue && !separate, request.deterministic, context);
  if (!plan) refuse("[{}] {}", request.node.op->name, plan.error());
  std::optional<cuda::Epilogue> epilogue;
  if (separate)
    epilogue.emplace(context.code, problem.type,
                     EpilogueParts{problem.bias, false, problem.activation});
  return std::make_unique<DotLaunch>(std::move(problem), std::move(*plan), std::move(epilogue));
}

}  // namespace
}  // namespace cublaslt

std::vector<OpKernel> cublaslt_kernels() {
  return {{"fused_dot", {"cublaslt", cublaslt::refuse_dot, cublaslt::prepare_dot}},
          {"dot_general", {"cublaslt", cublaslt::refuse_dot, cublaslt::prepare_dot}},
          {"gram_matrix", {"cublaslt", cublaslt::refuse_dot, cublaslt::prepare_dot}}};
}

}  // namespace brisk::cuda
