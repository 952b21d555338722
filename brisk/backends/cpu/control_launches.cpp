#include "brisk/backends/cpu/control_launches.h"

#include <cstring>

#include "brisk/backends/cpu/schedule.h"
#include "brisk/base/error.h"
#include "brisk/ir/op.h"
#include "brisk/ir/type_bytes.h"
#include "brisk/ops/control/control.h"

// The scratch of a control-flow step holds, in order, the nested schedules' arena (they never run
// at once, so the largest will do) and one or two copies of the loop-carried state.

namespace brisk::cpu {
namespace {

using Pointers = std::vector<std::byte*>;

int64_t aligned(int64_t bytes) {
  return (bytes + 63) / 64 * 64;
}

ScheduleOptions nested(const ScheduleOptions& options) {
  ScheduleOptions result = options;
  result.constant_inputs.clear();
  return result;
}

void copy_bytes(std::byte* to, const std::byte* from, int64_t bytes) {
  if (to != from && bytes > 0) std::memcpy(to, from, static_cast<size_t>(bytes));
}

bool any_fallback(const Schedule& schedule) {
  for (const KernelReport& report : schedule.reports())
    if (report.is_fallback) return true;
  return false;
}

class BranchLaunch final : public Launch {
 public:
  BranchLaunch(const KernelRequest& request, const ScheduleOptions& options)
      : then_(request.node.regions[0], nested(options)),
        else_(request.node.regions[1], nested(options)) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    const bool predicate = *reinterpret_cast<const bool*>(operands[0]);
    (predicate ? then_ : else_).run(operands.subspan(1), results, scratch);
  }
  int64_t scratch_bytes() const override {
    return std::max(then_.arena_bytes(), else_.arena_bytes());
  }
  std::string name() const override { return "schedule/branch"; }
  bool is_fallback() const override { return any_fallback(then_) || any_fallback(else_); }

 private:
  Schedule then_, else_;
};

/// Loop-carried values in two copies that change roles after each trip.
class CarriedState {
 public:
  explicit CarriedState(std::span<const Type> types) {
    for (const Type& type : types) {
      bytes_.push_back(type_bytes(type));
      offsets_.push_back(total_);
      total_ += aligned(bytes_.back());
    }
  }
  int64_t scratch_bytes() const { return 2 * total_; }
  size_t count() const { return bytes_.size(); }

  void start(std::span<std::byte* const> initial, std::byte* scratch) {
    scratch_ = scratch;
    side_ = 0;
    for (size_t i = 0; i < count(); ++i) copy_bytes(current(i), initial[i], bytes_[i]);
  }
  std::byte* current(size_t i) const { return scratch_ + side_ * total_ + offsets_[i]; }
  std::byte* next(size_t i) const { return scratch_ + (1 - side_) * total_ + offsets_[i]; }
  void advance() { side_ = 1 - side_; }
  void finish(std::span<std::byte* const> results) const {
    for (size_t i = 0; i < count(); ++i) copy_bytes(results[i], current(i), bytes_[i]);
  }

 private:
  std::vector<int64_t> bytes_, offsets_;
  int64_t total_ = 0;
  std::byte* scratch_ = nullptr;
  int64_t side_ = 0;
};

class LoopControlLaunch final : public Launch {
 public:
  LoopControlLaunch(const KernelRequest& request, const ScheduleOptions& options)
      : condition_(request.node.regions[0], nested(options)),
        body_(request.node.regions[1], nested(options)),
        state_(request.node.results),
        max_trips_(request.node.attributes.as<LoopAttributes>().max_trips) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    const int64_t arena_bytes = aligned(std::max(condition_.arena_bytes(), body_.arena_bytes()));
    std::byte* flag = scratch + arena_bytes + state_.scratch_bytes();
    state_.start(operands, scratch + arena_bytes);
    Pointers in(state_.count()), out(state_.count());
    for (int64_t trip = 0; max_trips_ == 0 || trip < max_trips_; ++trip) {
      for (size_t i = 0; i < in.size(); ++i) in[i] = state_.current(i), out[i] = state_.next(i);
      condition_.run(in, std::span(&flag, 1), scratch);
      if (!*reinterpret_cast<const bool*>(flag)) break;
      body_.run(in, out, scratch);
      state_.advance();
    }
    state_.finish(results);
  }
  int64_t scratch_bytes() const override {
    return aligned(std::max(condition_.arena_bytes(), body_.arena_bytes())) +
           state_.scratch_bytes() + 64;
  }
  std::string name() const override { return "schedule/loop"; }
  bool is_fallback() const override { return any_fallback(condition_) || any_fallback(body_); }

 private:
  Schedule condition_, body_;
  CarriedState state_;
  int64_t max_trips_;
};

class ScanLaunch final : public Launch {
 public:
  ScanLaunch(const KernelRequest& request, const ScheduleOptions& options)
      : attributes_(request.node.attributes.as<ScanAttributes>()),
        body_(request.node.regions[0], nested(options)),
        state_(std::span<const Type>(request.node.results)
                   .first(static_cast<size_t>(attributes_.num_carries))) {
    const Graph& body = request.node.regions[0];
    const auto carries = static_cast<size_t>(attributes_.num_carries);
    for (size_t i = 0; i < static_cast<size_t>(attributes_.num_sequences); ++i)
      sequence_bytes_.push_back(type_bytes(body.input_type(carries + i)));
    for (size_t i = carries; i < body.outputs().size(); ++i)
      item_bytes_.push_back(type_bytes(body.output_type(i)));
  }

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    const size_t carries = state_.count(), sequences = sequence_bytes_.size();
    state_.start(operands.first(carries), scratch + aligned(body_.arena_bytes()));
    Pointers in(operands.begin(), operands.end()), out(results.begin(), results.end());
    for (int64_t trip = 0; trip < attributes_.trips; ++trip) {
      const int64_t at = attributes_.reverse ? attributes_.trips - 1 - trip : trip;
      for (size_t i = 0; i < carries; ++i) in[i] = state_.current(i), out[i] = state_.next(i);
      for (size_t i = 0; i < sequences; ++i)
        in[carries + i] = operands[carries + i] + at * sequence_bytes_[i];
      for (size_t i = 0; i < item_bytes_.size(); ++i)
        out[carries + i] = results[carries + i] + at * item_bytes_[i];
      body_.run(in, out, scratch);
      state_.advance();
    }
    state_.finish(results.first(carries));
  }
  int64_t scratch_bytes() const override {
    return aligned(body_.arena_bytes()) + state_.scratch_bytes();
  }
  void reset() override { body_.reset(); }
  std::string name() const override { return "schedule/scan"; }
  bool is_fallback() const override { return any_fallback(body_); }

 private:
  ScanAttributes attributes_;
  Schedule body_;
  CarriedState state_;
  std::vector<int64_t> sequence_bytes_, item_bytes_;
};

}  // namespace

std::unique_ptr<Launch> prepare_control(const KernelRequest& request,
                                        const ScheduleOptions& options) {
  const std::string& op = request.node.op->name;
  if (op == "branch") return std::make_unique<BranchLaunch>(request, options);
  if (op == "loop") return std::make_unique<LoopControlLaunch>(request, options);
  if (op == "scan") return std::make_unique<ScanLaunch>(request, options);
  return nullptr;
}

}  // namespace brisk::cpu
