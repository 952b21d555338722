#pragma once

/// Operation graphs: what cuDNN is asked to do, in its own terms. Sizes are logical, in the order
/// [batch, channels, spatial...] (filters: [filters, channels / groups, kernel...]); strides say
/// where elements lie. Tensors inside a graph that never exist in memory are `inner` ones.

#include <string>
#include <vector>

#include "brisk/backends/cuda/cudnn/target.h"

namespace brisk::cuda::cudnn {

struct TensorShape {
  std::vector<int64_t> sizes, strides;
  DType type = DType::f32;
};
/// Memory [batch, spatial..., channels]; filters [filters, kernel..., channels / groups].
TensorShape channels_last(std::vector<int64_t> sizes, DType type);

struct ConvolutionGeometry {
  std::vector<int64_t> strides, pad_low, pad_high, dilations;
};

/// Tensors of one graph, numbered from 0.
using TensorNumber = size_t;

/// A number that goes with each call instead of lying in the device's memory.
struct HostScalar {
  int64_t id;  ///< unique among the graph's tensors
  float value;
};

/// A finalised graph.
struct OperationGraph {
  Descriptor descriptor;
  /// Unique ids of the tensors in memory, in order of their making: what `Plan::execute` is given
  /// addresses for.
  std::vector<int64_t> memory_ids;
  std::vector<HostScalar> scalars;
  /// Says all of the graph: what tuning results are kept under.
  std::string text;
  /// It holds a filter's gradient whose input is padded by more on one side than on the other.
  bool filter_gradient_padded_unevenly = false;
};

class GraphBuilder {
 public:
  /// In memory, aligned to `alignment` bytes.
  TensorNumber tensor(const TensorShape& shape, int64_t alignment = 16);
  TensorNumber inner(const TensorShape& shape);
  /// [1, 1, 1, 1], f32.
  TensorNumber scalar(float value);
  const TensorShape& shape(TensorNumber tensor) const { return shapes_[tensor]; }

  /// Computed and accumulated in f32, whatever the tensors' types.
  void convolution(TensorNumber x, TensorNumber w, TensorNumber y, const ConvolutionGeometry&);
  void convolution_input_gradient(TensorNumber dy, TensorNumber w, TensorNumber dx,
                                  const ConvolutionGeometry&);
  void convolution_filter_gradient(TensorNumber x, TensorNumber dy, TensorNumber dw,
                                   const ConvolutionGeometry&);
  void unary(PointwiseMode mode, TensorNumber x, TensorNumber y);
  /// Sizes of 1 in `b` are broadcast.
  void binary(PointwiseMode mode, TensorNumber a, TensorNumber b, TensorNumber y);
  /// y, i32: each place's index along an axis of `like`.
  void index(TensorNumber like, int64_t axis, TensorNumber y);
  /// y, bool.
  void compare(PointwiseMode mode, TensorNumber a, TensorNumber b, TensorNumber y);
  /// y = condition ? a : b.
  void select(TensorNumber condition, TensorNumber a, TensorNumber b, TensorNumber y);
  /// The same memory by other sizes and strides.
  void view(TensorNumber x, TensorNumber y);
  /// dx = dy where the activation's operand or result `x` is positive, else 0.
  void relu_gradient(TensorNumber dy, TensorNumber x, TensorNumber dx);
  /// Folds the axes where `y` has size 1.
  void reduction(ReductionOperator op, TensorNumber x, TensorNumber y);
  /// Per channel sum and sum of squares, f32 [1, channels, 1...].
  void statistics(TensorNumber x, TensorNumber sum, TensorNumber square_sum);

  /// Sums over the batch that batch norm's gradient needs, and the coefficients of
  /// d loss / d x = dy_scale * dy + x_scale * x + bias. All [1, channels, 1...], f32.
  struct BatchNormSums {
    TensorNumber mean, inverse_deviation, scale, x, dy;
    TensorNumber scale_gradient, bias_gradient, dy_scale, x_scale, bias;
  };
  void batch_norm_backward_weights(const BatchNormSums& sums);
  void matmul(TensorNumber a, TensorNumber b, TensorNumber c);

  /// Throws UserError where cuDNN refuses a description.
  OperationGraph build(const Target& target) &&;

 private:
  enum class Home : uint8_t { memory, inner, host };
  TensorNumber add(const TensorShape& shape, int64_t alignment, Home home);
  void binary(PointwiseMode mode, DataType math, TensorNumber a, TensorNumber b, TensorNumber y);
  template <typename... Numbers>
  void note(std::string_view operation, Numbers... numbers);
  Descriptor convolution_descriptor(const ConvolutionGeometry& geometry);

  std::vector<TensorShape> shapes_;
  std::vector<Descriptor> tensors_, operations_;
  std::vector<int64_t> memory_ids_;
  std::vector<HostScalar> scalars_;
  std::string text_;
  bool filter_gradient_padded_unevenly_ = false;
};

}  // namespace brisk::cuda::cudnn
