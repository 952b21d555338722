#pragma once

/// What times the steps of a schedule.

#include <memory>
#include <string>
#include <vector>

#include "brisk/backends/cuda/device.h"
#include "brisk/runtime/executable.h"

namespace brisk::cuda {

class StepClock {
 public:
  virtual ~StepClock() = default;
  /// Before each step is enqueued, and once after the last.
  virtual void before_step(size_t step, Stream& stream) = 0;
  /// After a run whose work has ended: its times, divided by `runs`, are added to `reports`.
  virtual void add_run(std::vector<KernelReport>& reports, int runs) = 0;
  /// "CUPTI 13.0.1".
  virtual std::string name() const = 0;
};

/// CUPTI where it is there and permitted, else events between the steps, which count the gaps
/// between kernels in and know no kernels' names. `steps`: how many there are.
std::unique_ptr<StepClock> make_step_clock(const DevicePtr& device, size_t steps);

}  // namespace brisk::cuda
