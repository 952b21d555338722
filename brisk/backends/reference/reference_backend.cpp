#include "brisk/backends/reference/reference_backend.h"

#include "brisk/backends/reference/reference_executable.h"
#include "brisk/base/error.h"

namespace brisk {
namespace {

class ReferenceBackend final : public Backend {
 public:
  std::string_view name() const override { return "reference"; }
  std::string describe() const override { return "plain loops on one CPU thread"; }
  LoweringTarget target() const override { return {}; }
  Status supports_fast(DType type) const override {
    return fail(
        "the reference backend computes in double and rounds: {} is not faster than any "
        "other type",
        brisk::name(type));
  }
  std::unique_ptr<Executable> compile(const Program& lowered,
                                      const CompileOptions&) const override {
    verify(lowered);
    return std::make_unique<reference::ReferenceExecutable>(lowered);
  }
};

}  // namespace

std::shared_ptr<const Backend> make_reference_backend() {
  return std::make_shared<ReferenceBackend>();
}

}  // namespace brisk
