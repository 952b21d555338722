#include "brisk/backends/cuda/kernel_trace.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <unordered_map>

#include "brisk/backends/cuda/api/cupti.h"

// CUPTI fills buffers with records and hands them back through functions without a context of ours,
// so what they hand back is gathered in one place of the process. A record of a kernel has the
// number of the call that launched it, and so has one of our marks: the kernels of a mark are
// found by that.

namespace brisk::cuda {
namespace {

constexpr size_t kBufferBytes = size_t{4} << 20;
constexpr cupti::Kind kKinds[] = {cupti::Kind::kernel,       cupti::Kind::copy,
                                  cupti::Kind::fill,         cupti::Kind::driver_call,
                                  cupti::Kind::runtime_call, cupti::Kind::external_correlation};

struct Launched {
  uint32_t correlation;
  uint64_t start;
  TracedKernel kernel;
};

/// What came back of the device since it was last taken.
struct Gathered {
  std::mutex mutex;
  std::vector<Launched> launched;
  std::unordered_map<uint32_t, uint64_t> marks;  ///< by correlation
};
Gathered& gathered() {
  static Gathered all;
  return all;
}

void give_buffer(uint8_t** buffer, size_t* bytes, size_t* most_records) {
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(8, kBufferBytes));
  *bytes = *buffer == nullptr ? 0 : kBufferBytes;
  *most_records = 0;
}

/// `record`: with a start, an end and a correlation.
template <typename Timed>
void add(Gathered& all, const cupti::Record& record, std::string name) {
  const auto& timed = reinterpret_cast<const Timed&>(record);
  const double milliseconds = static_cast<double>(timed.end - timed.start) / 1e6;
  all.launched.push_back({timed.correlation, timed.start, {0, std::move(name), milliseconds}});
}

void read(Gathered& all, const cupti::Record& record) {
  switch (record.kind) {
    case cupti::Kind::kernel:
      return add<cupti::KernelRecord>(
          all, record,
          readable_kernel_name(reinterpret_cast<const cupti::KernelRecord&>(record).name));
    case cupti::Kind::copy:
      return add<cupti::CopyRecord>(all, record, "copy");
    case cupti::Kind::fill:
      return add<cupti::FillRecord>(all, record, "fill");
    case cupti::Kind::external_correlation: {
      const auto& mark = reinterpret_cast<const cupti::CorrelationRecord&>(record);
      if (mark.external_kind == cupti::kOurCorrelation)
        all.marks[mark.correlation] = mark.external_id;
      return;
    }
    default:  // calls, which are recorded because their marks are recorded with them
      return;
  }
}

void take_buffer(void*, uint32_t, uint8_t* buffer, size_t, size_t valid_bytes) {
  const cupti::Library& api = **cupti::library();
  Gathered& all = gathered();
  {
    const std::lock_guard lock(all.mutex);
    cupti::Record* record = nullptr;
    while (valid_bytes > 0 && api.get_next_record(buffer, valid_bytes, &record) == 0)
      read(all, *record);
  }
  std::free(buffer);
}

class CuptiTrace final : public KernelTrace {
 public:
  explicit CuptiTrace(const cupti::Library& api) : api_(api) {}
  ~CuptiTrace() override {
    unmark();
    stop();
  }

  /// Empty, or what CUPTI says of the kind that it does not record.
  std::string start() {
    cupti::Status status = api_.register_callbacks(give_buffer, take_buffer);
    for (const cupti::Kind kind : kKinds)
      if (status == 0) status = api_.enable(kind);
    if (status == 0) return {};
    stop();
    return cupti::error_text(api_, status);
  }

  void mark(uint64_t number) override {
    unmark();
    marked_ = api_.push_external_correlation(cupti::kOurCorrelation, number) == 0;
  }

  void unmark() override {
    uint64_t last = 0;
    if (marked_) api_.pop_external_correlation(cupti::kOurCorrelation, &last);
    marked_ = false;
  }

  std::vector<TracedKernel> take() override {
    api_.flush_all(cupti::kFlushAll);
    Gathered& all = gathered();
    const std::lock_guard lock(all.mutex);
    std::ranges::stable_sort(all.launched, {}, &Launched::start);
    std::vector<TracedKernel> kernels;
    for (Launched& launched : all.launched) {
      const auto mark = all.marks.find(launched.correlation);
      if (mark == all.marks.end()) continue;
      launched.kernel.mark = mark->second;
      kernels.push_back(std::move(launched.kernel));
    }
    all.launched.clear();
    all.marks.clear();
    return kernels;
  }

 private:
  void stop() {
    for (const cupti::Kind kind : kKinds) api_.disable(kind);
    take();
  }

  const cupti::Library& api_;
  bool marked_ = false;
};

}  // namespace

Result<std::unique_ptr<KernelTrace>> KernelTrace::begin() {
  const auto api = cupti::library();
  if (!api) return api.failure();
  auto trace = std::make_unique<CuptiTrace>(**api);
  if (const std::string why = trace->start(); !why.empty())
    return fail("CUPTI ({}) does not record here: {}", (*api)->path, why);
  return std::unique_ptr<KernelTrace>(std::move(trace));
}

std::string readable_kernel_name(const char* name) {
  if (name == nullptr) return "unnamed";
  int status = 0;
  char* demangled = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string text = status == 0 ? demangled : name;
  std::free(demangled);
  if (text.starts_with("void ")) text.erase(0, 5);
  // Arguments begin at the first bracket outside of a template's; a namespace without a name has
  // one, too.
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '<' ? 1 : text[i] == '>' ? -1 : 0;
    if (text[i] == '(' && depth == 0 && i > 0 && !text.substr(i).starts_with("(anonymous")) {
      text.resize(i);
      break;
    }
  }
  return text;
}

}  // namespace brisk::cuda
