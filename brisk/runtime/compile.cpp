#include "brisk/base/error.h"
#include "brisk/passes/pipeline.h"
#include "brisk/runtime/backend.h"

namespace brisk {

Compilation compile(const Program& program, const Backend& backend, const CompileOptions& options) {
  const std::vector<std::string> unbound = program.graph.dimensions();
  require(unbound.empty(),
          "graph '{}' cannot be compiled while its dimension '{}' has no size: bind it first "
          "(bind_dimensions)",
          program.graph.name(), unbound.empty() ? "" : unbound.front());
  if (!options.device_description.empty()) backend.supports_descriptions().value();
  const std::vector<Pass> pipeline = lowering_pipeline();
  const PassContext context{.target = backend.target_for(options),
                            .disabled = disabled_in(pipeline, options.disabled_passes),
                            .dump_directory = options.dump_directory,
                            .verify = options.verify};
  Compilation result;
  result.lowered = run_pipeline(program, pipeline, context, &result.passes);
  result.executable = backend.compile(result.lowered, options);
  return result;
}

}  // namespace brisk
