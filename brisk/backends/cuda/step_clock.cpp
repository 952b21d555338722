#include "brisk/backends/cuda/step_clock.h"

#include <algorithm>

#include "brisk/backends/cuda/api/cupti.h"
#include "brisk/backends/cuda/kernel_trace.h"

namespace brisk::cuda {
namespace {

class EventClock final : public StepClock {
 public:
  EventClock(const DevicePtr& device, size_t steps, std::string why) : why_(std::move(why)) {
    for (size_t s = 0; s <= steps; ++s) events_.push_back(device->make_event());
  }
  void before_step(size_t step, Stream& stream) override { events_[step].record(stream); }
  void add_run(std::vector<KernelReport>& reports, int runs) override {
    for (size_t s = 0; s < reports.size(); ++s)
      reports[s].milliseconds += Event::milliseconds_between(events_[s], events_[s + 1]) / runs;
  }
  std::string name() const override { return "events (" + why_ + ")"; }

 private:
  std::vector<Event> events_;
  std::string why_;
};

class TraceClock final : public StepClock {
 public:
  TraceClock(std::unique_ptr<KernelTrace> trace, size_t steps)
      : trace_(std::move(trace)), steps_(steps) {}
  void before_step(size_t step, Stream&) override {
    step < steps_ ? trace_->mark(step) : trace_->unmark();
  }
  void add_run(std::vector<KernelReport>& reports, int runs) override {
    for (TracedKernel& kernel : trace_->take()) {
      KernelReport& report = reports.at(kernel.mark);
      report.milliseconds += kernel.milliseconds / runs;
      auto& parts = report.device_kernels;
      const auto same = std::ranges::find(parts, kernel.name, &KernelReport::DeviceKernel::name);
      if (same != parts.end())
        same->milliseconds += kernel.milliseconds / runs;
      else
        parts.push_back({std::move(kernel.name), kernel.milliseconds / runs});
    }
  }
  std::string name() const override {
    return "CUPTI " + cupti::version_text((*cupti::library())->version);
  }

 private:
  std::unique_ptr<KernelTrace> trace_;
  size_t steps_;
};

}  // namespace

std::unique_ptr<StepClock> make_step_clock(const DevicePtr& device, size_t steps) {
  auto trace = KernelTrace::begin();
  if (!trace) return std::make_unique<EventClock>(device, steps, trace.error());
  return std::make_unique<TraceClock>(std::move(*trace), steps);
}

}  // namespace brisk::cuda
