#include "brisk/backends/cuda/code_library.h"

#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {

size_t CodeLibrary::add(KernelSource source) {
  invariant(device_ == nullptr, "kernel {} is added to a code library that is built already",
            source.stem);
  const auto [at, is_new] = by_text_.emplace(source.text, kernels_.size());
  if (is_new) kernels_.push_back(std::move(source));
  return at->second;
}

void CodeLibrary::build(const DevicePtr& device, const CodeOptions& options) {
  Result<CompiledCode> compiled = compile_kernels(kernels_, options);
  require(compiled.ok(), "{}", compiled.ok() ? std::string() : compiled.error());
  const CompiledCode& code = *compiled;
  from_cache_ = code.from_cache;
  compiled_ = code.compiled;
  device_ = device;
  if (kernels_.empty()) return;
  const Driver& api = **driver();
  device->make_current();
  for (const std::string& cubin : code.cubins) {
    ModuleHandle module = nullptr;
    check(api.module_load_data(&module, cubin.data()), "cuModuleLoadData");
    modules_.push_back(module);
  }
  for (size_t k = 0; k < kernels_.size(); ++k) {
    DeviceFunction function;
    check(api.module_get_function(&function.handle, modules_[code.cubin_of[k]],
                                  code.function_names[k].c_str()),
          "cuModuleGetFunction");
    function.waits = device->properties().major >= 9 &&
                     kernels_[k].text.find("after_previous()") != std::string::npos;
    functions_.push_back(function);
  }
}

DeviceFunction CodeLibrary::function(size_t number) const {
  invariant(number < functions_.size(), "kernel {} of a code library with {} functions", number,
            functions_.size());
  return functions_[number];
}

CodeLibrary::~CodeLibrary() {
  if (modules_.empty()) return;
  device_->make_current();
  const auto api = driver();
  for (ModuleHandle module : modules_)
    (*api)->module_unload(module);  // at exit the context may be gone
}

}  // namespace brisk::cuda
