#pragma once

/// Knowledge distillation (Hinton et al. 2015): a student is trained on the labels and on what a
/// teacher makes of the same examples. The loss is that of Keras's Distiller with
/// LogitsDistillation:
///
///     alpha * loss(labels, student)
///       + (1 - alpha) * temperature^2 * KL(softmax(teacher / temperature),
///                                          softmax(student / temperature))
///
/// `alpha` weighs the student's own loss, as in Keras's example of knowledge distillation; Keras's
/// class calls it `student_loss_weight`. (Elsewhere it often weighs the other term.)

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/ir/builder.h"
#include "brisk/nn/model.h"

namespace brisk {

struct DistillationOptions {
  double temperature = 3;  ///< positive
  double alpha = 0.1;      ///< in [0, 1]
};

class Distillation {
 public:
  /// Refused where the options mean nothing or the teacher has no weights.
  Distillation(Model teacher, DistillationOptions options);

  const Model& teacher() const { return teacher_; }
  const DistillationOptions& options() const { return options_; }

  /// Refused, with both types, where the teacher does not take what the student takes or give what
  /// it gives: their first outputs are compared, logits or softmax [batch, ..., classes].
  void require_fits(const Model& student) const;
  /// The loss of each example, [batch], from both outputs and the student's own losses [batch]. No
  /// gradient flows into the teacher's.
  Value per_example_loss(Value student, Value teacher, Value own_loss) const;
  /// The teacher's weights in their places among the state of a step.
  void place_teacher(const Program& step, std::vector<Tensor>& state) const;

  /// What decides the course of a training, in words.
  std::string describe() const;

 private:
  Model teacher_;
  DistillationOptions options_;
};
using DistillationPtr = std::shared_ptr<const Distillation>;

/// The state entry of a step that holds the teacher's state `name`.
std::string teacher_entry(std::string_view name);

}  // namespace brisk
