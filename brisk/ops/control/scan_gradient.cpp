#include "brisk/ops/control/scan_gradient.h"

#include "brisk/base/error.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/control/region_gradient.h"
#include "brisk/ops/elementwise/elementwise.h"

// The gradient of a scan is a scan the other way round. A first scan repeats the forward one and
// stacks the carries as they were before each step; the second walks back, with
//
//   carries    the cotangents of the carries, and a sum for each constant's gradient (in the
//              compute type: short floats would lose the small steps),
//   sequences  the stacked carries, the sequences, the cotangents of the items,
//   constants  the constants,
//
// and with the derivative of the body as its own. Its final carries are the gradients of the
// initial carries and of the constants, its items those of the sequences.
//
// Only carries that depend on something whose gradient is wanted take part: the least set that
// holds the wanted ones and is closed under one step of the body.

namespace brisk {
namespace {

class ScanGradient {
 public:
  explicit ScanGradient(const Vjp& d)
      : d_(d),
        body_(d.regions[0]),
        attributes_(d.as<ScanAttributes>()),
        num_carries_(static_cast<size_t>(attributes_.num_carries)),
        first_constant_(num_carries_ + static_cast<size_t>(attributes_.num_sequences)),
        active_(active_inputs()) {
    for (size_t i = 0; i < active_.size(); ++i)
      if (active_[i]) wrt_.push_back(i);
    derivative_ = d.vjp_graph(body_, wrt_);
    used_ = used_inputs(derivative_);
  }

  std::vector<Value> run() {
    std::vector<Value> carries, sequences, constants;
    for (const size_t i : wrt_) {
      if (i < num_carries_) carries.push_back(d_.grad(i));
    }
    for (const size_t i : wrt_) {
      if (i >= first_constant_) carries.push_back(zeros(d_.builder, sum_type(i)));
    }
    for (const Value& stack : stacked_carries()) sequences.push_back(stack);
    for (size_t i = num_carries_; i < first_constant_; ++i)
      if (used_[i]) sequences.push_back(d_.in(i));
    for (size_t i = num_carries_; i < body_.outputs().size(); ++i)
      if (has_item_cotangent(i)) sequences.push_back(d_.grad(i));
    for (size_t i = first_constant_; i < d_.operands.size(); ++i)
      if (used_[i]) constants.push_back(d_.in(i));
    if (carries.empty() && sequences.empty() && constants.empty())
      return std::vector<Value>(d_.operands.size());
    const auto found = scan(carries, sequences, constants, backward_body(), attributes_.trips,
                            !attributes_.reverse);
    return assigned(found);
  }

 private:
  std::vector<bool> active_inputs() const {
    std::vector<bool> active(d_.needed.begin(), d_.needed.end());
    for (bool changed = true; changed;) {
      changed = false;
      const std::vector<bool> reached = dependent_outputs(body_, active);
      for (size_t i = 0; i < num_carries_; ++i)
        if (reached[i] && !active[i]) active[i] = changed = true;
    }
    return active;
  }

  /// The type that the gradient of constant `i` is summed in.
  Type sum_type(size_t i) const {
    const Type& type = body_.input_type(i);
    return Type(compute_type(type.dtype()), type.shape());
  }

  bool has_item_cotangent(size_t output) const { return d_.has_grad(output); }

  /// The carries that the derivative reads, as they were before each step.
  std::vector<Value> stacked_carries() {
    bool any = false;
    for (size_t i = 0; i < num_carries_; ++i) any |= used_[i];
    if (!any) return {};
    Builder builder(body_.ops(), body_.name());
    std::vector<Value> inputs;
    for (size_t i = 0; i < d_.operands.size(); ++i)
      inputs.push_back(builder.input(body_.input_name(i), body_.input_type(i)));
    const std::vector<Value> results = builder.inline_graph(body_, inputs);
    std::vector<Builder::Output> outputs;
    for (size_t i = 0; i < num_carries_; ++i)
      outputs.push_back({body_.outputs()[i].name, results[i]});
    for (size_t i = 0; i < num_carries_; ++i)
      if (used_[i]) outputs.push_back({"before:" + body_.input_name(i), inputs[i]});
    const auto forward =
        d_.builder.emit("scan", d_.operands, d_.attributes, {builder.finish(outputs)});
    return {forward.begin() + attributes_.num_carries, forward.end()};
  }

  Graph backward_body() {
    Builder builder(body_.ops(), body_.name() + ":backward");
    // Inputs, in the order of run(): cotangents of carries, sums, then what the derivative reads.
    std::vector<Value> cotangents(body_.outputs().size()), sums(d_.operands.size());
    std::vector<Value> inputs(d_.operands.size());
    for (const size_t i : wrt_)
      if (i < num_carries_)
        cotangents[i] = builder.input("cotangent:" + body_.input_name(i), body_.input_type(i));
    for (const size_t i : wrt_)
      if (i >= first_constant_) sums[i] = builder.input("sum:" + body_.input_name(i), sum_type(i));
    for (size_t i = 0; i < first_constant_; ++i)
      if (used_[i]) inputs[i] = builder.input(body_.input_name(i), body_.input_type(i));
    for (size_t i = num_carries_; i < body_.outputs().size(); ++i)
      if (has_item_cotangent(i))
        cotangents[i] = builder.input("cotangent:" + body_.outputs()[i].name, body_.output_type(i));
    for (size_t i = first_constant_; i < d_.operands.size(); ++i)
      if (used_[i]) inputs[i] = builder.input(body_.input_name(i), body_.input_type(i));

    std::vector<Value> arguments;
    for (size_t i = 0; i < inputs.size(); ++i)
      arguments.push_back(used_[i] ? inputs[i] : zeros(builder, body_.input_type(i)));
    for (size_t i = 0; i < cotangents.size(); ++i) {
      if (!has_gradient(body_.output_type(i))) continue;
      arguments.push_back(cotangents[i].defined() ? cotangents[i]
                                                  : zeros(builder, body_.output_type(i)));
    }
    const std::vector<Value> gradients = builder.inline_graph(derivative_, arguments);
    std::vector<Builder::Output> carries, totals, items;
    for (size_t j = 0; j < wrt_.size(); ++j) {
      const size_t i = wrt_[j];
      const std::string name = "gradient:" + body_.input_name(i);
      if (i < num_carries_)
        carries.push_back({name, gradients[j]});
      else if (i < first_constant_)
        items.push_back({name, gradients[j]});
      else
        totals.push_back({name, sums[i] + cast(gradients[j], sums[i].dtype())});
    }
    carries.insert(carries.end(), totals.begin(), totals.end());
    carries.insert(carries.end(), items.begin(), items.end());
    return builder.finish(carries);
  }

  /// The backward scan's results by operand.
  std::vector<Value> assigned(const std::vector<Value>& results) {
    std::vector<Value> gradients(d_.operands.size());
    size_t next = 0;
    for (const size_t i : wrt_)
      if (i < num_carries_) gradients[i] = results[next++];
    for (const size_t i : wrt_)
      if (i >= first_constant_) gradients[i] = cast(results[next++], d_.in(i).dtype());
    for (const size_t i : wrt_)
      if (i >= num_carries_ && i < first_constant_) gradients[i] = results[next++];
    return gradients;
  }

  const Vjp& d_;
  const Graph& body_;
  const ScanAttributes attributes_;
  const size_t num_carries_;
  const size_t first_constant_;
  const std::vector<bool> active_;  ///< by operand: takes part in the way back
  std::vector<size_t> wrt_;         ///< the active operands, ascending
  Graph derivative_;                ///< of the body, with respect to wrt_
  std::vector<bool> used_;          ///< by operand: the derivative reads it
};

}  // namespace

std::vector<Value> scan_gradient(const Vjp& d) {
  return ScanGradient(d).run();
}

}  // namespace brisk
