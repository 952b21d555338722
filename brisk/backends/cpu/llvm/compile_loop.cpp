#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Target/TargetOptions.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/SROA.h>

#include <mutex>

#include "brisk/backends/cpu/llvm/loop_emitter.h"

// From a loop program to object code. The emitter writes vectors, blocks and hoisted scalars
// itself, so the only optimisations run are those that clean up after it (slots to registers,
// common sub-expressions); the rest of the time goes to instruction selection.

namespace brisk {
namespace {

void initialize_target() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
}

std::unique_ptr<llvm::TargetMachine> target_machine(VectorIsa isa, std::string& error) {
  const char* triple = "x86_64-unknown-linux-gnu";
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (target == nullptr) return nullptr;
  llvm::TargetOptions options;
  options.MCOptions.AsmVerbose = false;
  // The micro-architecture levels of the x86-64 ABI: code runs on any processor of the level.
  const bool wide = isa == VectorIsa::avx512;
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, wide ? "x86-64-v4" : "x86-64-v3", wide ? "-prefer-256-bit" : "", options,
      llvm::Reloc::PIC_, llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
}

void clean_up(llvm::Module& module) {
  llvm::FunctionAnalysisManager analyses;
  llvm::PassBuilder builder;
  builder.registerFunctionAnalyses(analyses);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass());
  for (llvm::Function& function : module)
    if (!function.isDeclaration()) passes.run(function, analyses);
}

int compile(const CodegenRequest& request, CodegenSink sink, void* context) {
  const auto refuse = [&](const std::string& reason) {
    sink(context, reason.data(), reason.size());
    return 1;
  };
  if (request.layout != kInterfaceLayout)
    return refuse("this libbrisk_llvm.so belongs to another build of brisk");
  initialize_target();
  std::string error;
  const auto machine = target_machine(request.plan->isa, error);
  if (machine == nullptr) return refuse("LLVM has no x86-64 target: " + error);

  llvm::LLVMContext llvm_context;
  llvm::Module module("loop", llvm_context);
  module.setTargetTriple(machine->getTargetTriple().str());
  module.setDataLayout(machine->createDataLayout());
  module.setPICLevel(llvm::PICLevel::BigPIC);
  emit_loop(module, *request.program, *request.plan);
  for (llvm::Function& function : module) function.setDSOLocal(true);

  llvm::raw_string_ostream complaints(error);
  if (llvm::verifyModule(module, &complaints))
    return refuse("invalid code was generated: " + error);
  clean_up(module);

  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return refuse("LLVM cannot write object code for this target");
  passes.run(module);
  sink(context, object.data(), object.size());
  return 0;
}

}  // namespace
}  // namespace brisk

extern "C" __attribute__((visibility("default"))) int brisk_llvm_compile_loop(
    const brisk::CodegenRequest* request, brisk::CodegenSink sink, void* context) {
  return brisk::compile(*request, sink, context);
}
