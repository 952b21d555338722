#include "brisk/compress/distillation.h"

#include "brisk/nn/floating.h"
#include "brisk/nn/logits.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

/// log softmax(predictions / temperature), of what went into their softmax where they have one.
Value softened(Value predictions, double temperature) {
  const Value logits = logits_of(predictions, "softmax").value_or(predictions);
  return log_softmax(in_f32(logits) / temperature);
}

}  // namespace

Distillation::Distillation(Model teacher, DistillationOptions options)
    : teacher_(std::move(teacher)), options_(options) {
  require(options_.temperature > 0, "the temperature is {}, but must be positive",
          options_.temperature);
  require(options_.alpha >= 0 && options_.alpha <= 1,
          "alpha, the weight of the student's own loss, is {}, but must be in [0, 1]",
          options_.alpha);
  require(teacher_.weights.size() == teacher_.program.state.size(),
          "the teacher '{}' has no weights: train or load it first", teacher_.name);
}

void Distillation::require_fits(const Model& student) const {
  const Program &ours = student.program, &theirs = teacher_.program;
  require(ours.num_batch_inputs() == theirs.num_batch_inputs(),
          "the teacher '{}' takes {} inputs, but the student '{}' {}", teacher_.name,
          theirs.num_batch_inputs(), student.name, ours.num_batch_inputs());
  for (size_t i = 0; i < ours.num_batch_inputs(); ++i) {
    const Type &a = theirs.graph.input_type(theirs.state.size() + i),
               &b = ours.graph.input_type(ours.state.size() + i);
    require(a == b, "the teacher '{}' takes {}, but the student '{}' {}", teacher_.name,
            a.to_string(), student.name, b.to_string());
  }
  const Type &a = theirs.graph.output_type(0), &b = ours.graph.output_type(0);
  require(a.is_tensor() && b.is_tensor() && a.rank() >= 2 && a.shape() == b.shape(),
          "the teacher '{}' gives {}, but the student '{}' {}: both must give scores of the same "
          "classes",
          teacher_.name, a.to_string(), student.name, b.to_string());
  const Extent& classes = a.shape()[a.rank() - 1];
  require(!classes.is_named() && classes.size() >= 2,
          "the teacher '{}' gives {}: of less than two classes there is nothing to learn",
          teacher_.name, a.to_string());
}

Value Distillation::per_example_loss(Value student, Value teacher, Value own_loss) const {
  const double temperature = options_.temperature;
  const Value wanted = stop_gradient(softened(teacher, temperature)),
              found = softened(student, temperature);
  const Value divergence = mean_per_example(reduce_sum(exp(wanted) * (wanted - found), {-1}));
  return own_loss * options_.alpha +
         divergence * ((1 - options_.alpha) * temperature * temperature);
}

void Distillation::place_teacher(const Program& step, std::vector<Tensor>& state) const {
  for (size_t i = 0; i < teacher_.weights.size(); ++i) {
    const size_t entry = step.state_index(teacher_entry(teacher_.program.state[i].name));
    const DType type = step.state[entry].type.dtype();
    state[entry] =
        teacher_.weights[i].dtype() == type ? teacher_.weights[i] : teacher_.weights[i].cast(type);
  }
}

std::string Distillation::describe() const {
  return fmt::format("distilled from {} at temperature {}, alpha {}", teacher_.name,
                     options_.temperature, options_.alpha);
}

std::string teacher_entry(std::string_view name) {
  return fmt::format("teacher/{}", name);
}

}  // namespace brisk
