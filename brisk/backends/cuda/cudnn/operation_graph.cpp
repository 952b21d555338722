#include "brisk/backends/cuda/cudnn/operation_graph.h"

namespace brisk::cuda::cudnn {

TensorShape channels_last(std::vector<int64_t> sizes, DType type) {
  std::vector<int64_t> strides(sizes.size());
  int64_t next = sizes[1];
  strides[1] = 1;
  for (size_t axis = sizes.size(); axis-- > 2;) {
    strides[axis] = next;
    next *= sizes[axis];
  }
  strides[0] = next;
  return {std::move(sizes), std::move(strides), type};
}

TensorNumber GraphBuilder::add(const TensorShape& shape, int64_t alignment, Home home) {
  const auto id = static_cast<int64_t>(tensors_.size()) + 1;
  Descriptor tensor(DescriptorType::tensor);
  tensor.set(Attribute::tensor_unique_id, id);
  tensor.set_type(Attribute::tensor_data_type, data_type(shape.type));
  tensor.set_int64s(Attribute::tensor_dimensions, shape.sizes);
  tensor.set_int64s(Attribute::tensor_strides, shape.strides);
  tensor.set(Attribute::tensor_alignment, alignment);
  tensor.set_boolean(Attribute::tensor_is_virtual, home == Home::inner);
  if (home == Home::host) tensor.set_boolean(Attribute::tensor_is_by_value, true);
  tensors_.push_back(std::move(tensor).finalized());
  shapes_.push_back(shape);
  if (home == Home::memory) memory_ids_.push_back(id);
  text_ +=
      fmt::format("{}{}:{}[{}]/[{}]@{};", "tvs"[static_cast<size_t>(home)], id, name(shape.type),
                  fmt::join(shape.sizes, ","), fmt::join(shape.strides, ","), alignment);
  return tensors_.size() - 1;
}

TensorNumber GraphBuilder::tensor(const TensorShape& shape, int64_t alignment) {
  return add(shape, alignment, Home::memory);
}
TensorNumber GraphBuilder::inner(const TensorShape& shape) {
  return add(shape, 16, Home::inner);
}
TensorNumber GraphBuilder::scalar(float value) {
  const TensorNumber number = add({{1, 1, 1, 1}, {1, 1, 1, 1}, DType::f32}, 16, Home::host);
  scalars_.push_back({static_cast<int64_t>(number) + 1, value});
  text_ += fmt::format("{}={};", number + 1, value);
  return number;
}

template <typename... Numbers>
void GraphBuilder::note(std::string_view operation, Numbers... numbers) {
  text_ += operation;
  ((text_ += fmt::format(" {}", numbers + 1)), ...);
  text_ += ';';
}

Descriptor GraphBuilder::convolution_descriptor(const ConvolutionGeometry& geometry) {
  Descriptor convolution(DescriptorType::convolution);
  convolution.set_type(Attribute::convolution_compute_type, DataType::f32);
  convolution.set_enum(Attribute::convolution_mode, AttributeType::convolution_mode,
                       ConvolutionMode::cross_correlation);
  convolution.set(Attribute::convolution_spatial_dimensions,
                  static_cast<int64_t>(geometry.strides.size()));
  convolution.set_int64s(Attribute::convolution_strides, geometry.strides);
  convolution.set_int64s(Attribute::convolution_dilations, geometry.dilations);
  convolution.set_int64s(Attribute::convolution_pre_paddings, geometry.pad_low);
  convolution.set_int64s(Attribute::convolution_post_paddings, geometry.pad_high);
  text_ += fmt::format("s{} p{}/{} d{} ", fmt::join(geometry.strides, ","),
                       fmt::join(geometry.pad_low, ","), fmt::join(geometry.pad_high, ","),
                       fmt::join(geometry.dilations, ","));
  return std::move(convolution).finalized();
}

void GraphBuilder::convolution(TensorNumber x, TensorNumber w, TensorNumber y,
                               const ConvolutionGeometry& geometry) {
  Descriptor operation(DescriptorType::operation_convolution_forward);
  operation.set_descriptor(Attribute::forward_convolution, convolution_descriptor(geometry));
  operation.set_descriptor(Attribute::forward_x, tensors_[x]);
  operation.set_descriptor(Attribute::forward_w, tensors_[w]);
  operation.set_descriptor(Attribute::forward_y, tensors_[y]);
  operation.set_float(Attribute::forward_alpha, 1);
  operation.set_float(Attribute::forward_beta, 0);
  operations_.push_back(std::move(operation).finalized());
  note("convolution", x, w, y);
}

void GraphBuilder::convolution_input_gradient(TensorNumber dy, TensorNumber w, TensorNumber dx,
                                              const ConvolutionGeometry& geometry) {
  Descriptor operation(DescriptorType::operation_convolution_backward_data);
  operation.set_descriptor(Attribute::backward_data_convolution, convolution_descriptor(geometry));
  operation.set_descriptor(Attribute::backward_data_dy, tensors_[dy]);
  operation.set_descriptor(Attribute::backward_data_w, tensors_[w]);
  operation.set_descriptor(Attribute::backward_data_dx, tensors_[dx]);
  operation.set_float(Attribute::backward_data_alpha, 1);
  operation.set_float(Attribute::backward_data_beta, 0);
  operations_.push_back(std::move(operation).finalized());
  note("input_gradient", dy, w, dx);
}

void GraphBuilder::convolution_filter_gradient(TensorNumber x, TensorNumber dy, TensorNumber dw,
                                               const ConvolutionGeometry& geometry) {
  Descriptor operation(DescriptorType::operation_convolution_backward_filter);
  operation.set_descriptor(Attribute::backward_filter_convolution,
                           convolution_descriptor(geometry));
  operation.set_descriptor(Attribute::backward_filter_x, tensors_[x]);
  operation.set_descriptor(Attribute::backward_filter_dy, tensors_[dy]);
  operation.set_descriptor(Attribute::backward_filter_dw, tensors_[dw]);
  operation.set_float(Attribute::backward_filter_alpha, 1);
  operation.set_float(Attribute::backward_filter_beta, 0);
  operations_.push_back(std::move(operation).finalized());
  note("filter_gradient", x, dy, dw);
  filter_gradient_padded_unevenly_ |= geometry.pad_low != geometry.pad_high;
}

namespace {

/// `axis`: of an index; negative where the mode has none.
Descriptor pointwise_descriptor(PointwiseMode mode, DataType math = DataType::f32,
                                int64_t axis = -1) {
  Descriptor pointwise(DescriptorType::pointwise);
  pointwise.set_enum(Attribute::pointwise_mode, AttributeType::pointwise_mode, mode);
  pointwise.set_type(Attribute::pointwise_math_type, math);
  if (axis >= 0) pointwise.set(Attribute::pointwise_axis, axis);
  return std::move(pointwise).finalized();
}

}  // namespace

void GraphBuilder::unary(PointwiseMode mode, TensorNumber x, TensorNumber y) {
  Descriptor operation(DescriptorType::operation_pointwise);
  operation.set_descriptor(Attribute::pointwise_descriptor, pointwise_descriptor(mode));
  operation.set_descriptor(Attribute::pointwise_x, tensors_[x]);
  operation.set_descriptor(Attribute::pointwise_y, tensors_[y]);
  operations_.push_back(std::move(operation).finalized());
  note(fmt::format("pointwise{}", static_cast<int>(mode)), x, y);
}

void GraphBuilder::binary(PointwiseMode mode, TensorNumber a, TensorNumber b, TensorNumber y) {
  binary(mode, DataType::f32, a, b, y);
}

void GraphBuilder::compare(PointwiseMode mode, TensorNumber a, TensorNumber b, TensorNumber y) {
  binary(mode, DataType::boolean, a, b, y);
}

void GraphBuilder::binary(PointwiseMode mode, DataType math, TensorNumber a, TensorNumber b,
                          TensorNumber y) {
  Descriptor operation(DescriptorType::operation_pointwise);
  operation.set_descriptor(Attribute::pointwise_descriptor, pointwise_descriptor(mode, math));
  operation.set_descriptor(Attribute::pointwise_x, tensors_[a]);
  operation.set_descriptor(Attribute::pointwise_b, tensors_[b]);
  operation.set_descriptor(Attribute::pointwise_y, tensors_[y]);
  operations_.push_back(std::move(operation).finalized());
  note(fmt::format("pointwise{}", static_cast<int>(mode)), a, b, y);
}

void GraphBuilder::index(TensorNumber like, int64_t axis, TensorNumber y) {
  Descriptor operation(DescriptorType::operation_pointwise);
  operation.set_descriptor(Attribute::pointwise_descriptor,
                           pointwise_descriptor(PointwiseMode::index, DataType::f32, axis));
  operation.set_descriptor(Attribute::pointwise_x, tensors_[like]);
  operation.set_descriptor(Attribute::pointwise_y, tensors_[y]);
  operations_.push_back(std::move(operation).finalized());
  note(fmt::format("index{}", axis), like, y);
}

void GraphBuilder::select(TensorNumber condition, TensorNumber a, TensorNumber b, TensorNumber y) {
  Descriptor operation(DescriptorType::operation_pointwise);
  operation.set_descriptor(Attribute::pointwise_descriptor,
                           pointwise_descriptor(PointwiseMode::select));
  operation.set_descriptor(Attribute::pointwise_x, tensors_[a]);
  operation.set_descriptor(Attribute::pointwise_b, tensors_[b]);
  operation.set_descriptor(Attribute::pointwise_t, tensors_[condition]);
  operation.set_descriptor(Attribute::pointwise_y, tensors_[y]);
  operations_.push_back(std::move(operation).finalized());
  note("select", condition, a, b, y);
}

void GraphBuilder::view(TensorNumber x, TensorNumber y) {
  Descriptor operation(DescriptorType::operation_reshape);
  operation.set_descriptor(Attribute::reshape_x, tensors_[x]);
  operation.set_descriptor(Attribute::reshape_y, tensors_[y]);
  operations_.push_back(std::move(operation).finalized());
  note("view", x, y);
}

void GraphBuilder::relu_gradient(TensorNumber dy, TensorNumber x, TensorNumber dx) {
  Descriptor operation(DescriptorType::operation_pointwise);
  operation.set_descriptor(Attribute::pointwise_descriptor,
                           pointwise_descriptor(PointwiseMode::relu_gradient));
  operation.set_descriptor(Attribute::pointwise_dy, tensors_[dy]);
  operation.set_descriptor(Attribute::pointwise_x, tensors_[x]);
  operation.set_descriptor(Attribute::pointwise_dx, tensors_[dx]);
  operations_.push_back(std::move(operation).finalized());
  note("relu_gradient", dy, x, dx);
}

void GraphBuilder::reduction(ReductionOperator op, TensorNumber x, TensorNumber y) {
  Descriptor reduction(DescriptorType::reduction);
  reduction.set_enum(Attribute::reduction_operator, AttributeType::reduction_operator, op);
  reduction.set_type(Attribute::reduction_compute_type, DataType::f32);
  Descriptor operation(DescriptorType::operation_reduction);
  operation.set_descriptor(Attribute::reduction_descriptor, std::move(reduction).finalized());
  operation.set_descriptor(Attribute::reduction_x, tensors_[x]);
  operation.set_descriptor(Attribute::reduction_y, tensors_[y]);
  operations_.push_back(std::move(operation).finalized());
  note(fmt::format("reduction{}", static_cast<int>(op)), x, y);
}

void GraphBuilder::statistics(TensorNumber x, TensorNumber sum, TensorNumber square_sum) {
  Descriptor operation(DescriptorType::operation_statistics);
  operation.set_enum(Attribute::statistics_mode, AttributeType::statistics_mode,
                     StatisticsMode::sum_and_square_sum);
  operation.set_type(Attribute::statistics_math_type, DataType::f32);
  operation.set_descriptor(Attribute::statistics_x, tensors_[x]);
  operation.set_descriptor(Attribute::statistics_sum, tensors_[sum]);
  operation.set_descriptor(Attribute::statistics_square_sum, tensors_[square_sum]);
  operations_.push_back(std::move(operation).finalized());
  note("statistics", x, sum, square_sum);
}

void GraphBuilder::batch_norm_backward_weights(const BatchNormSums& sums) {
  Descriptor operation(DescriptorType::operation_batch_norm_backward_weights);
  const auto bind = [&](Attribute attribute, TensorNumber tensor) {
    operation.set_descriptor(attribute, tensors_[tensor]);
  };
  operation.set_type(Attribute::backward_weights_math_type, DataType::f32);
  bind(Attribute::backward_weights_mean, sums.mean);
  bind(Attribute::backward_weights_inverse_deviation, sums.inverse_deviation);
  bind(Attribute::backward_weights_scale, sums.scale);
  bind(Attribute::backward_weights_x, sums.x);
  bind(Attribute::backward_weights_dy, sums.dy);
  bind(Attribute::backward_weights_scale_gradient, sums.scale_gradient);
  bind(Attribute::backward_weights_bias_gradient, sums.bias_gradient);
  bind(Attribute::backward_weights_equivalent_dy_scale, sums.dy_scale);
  bind(Attribute::backward_weights_equivalent_x_scale, sums.x_scale);
  bind(Attribute::backward_weights_equivalent_bias, sums.bias);
  operations_.push_back(std::move(operation).finalized());
  note("batch_norm_backward_weights", sums.mean, sums.inverse_deviation, sums.scale, sums.x,
       sums.dy, sums.scale_gradient, sums.bias_gradient, sums.dy_scale, sums.x_scale, sums.bias);
}

void GraphBuilder::matmul(TensorNumber a, TensorNumber b, TensorNumber c) {
  Descriptor matmul(DescriptorType::matmul);
  matmul.set_type(Attribute::matmul_compute_type, DataType::f32);
  Descriptor operation(DescriptorType::operation_matmul);
  operation.set_descriptor(Attribute::matmul_descriptor, std::move(matmul).finalized());
  operation.set_descriptor(Attribute::matmul_a, tensors_[a]);
  operation.set_descriptor(Attribute::matmul_b, tensors_[b]);
  operation.set_descriptor(Attribute::matmul_c, tensors_[c]);
  operations_.push_back(std::move(operation).finalized());
  note("matmul", a, b, c);
}

OperationGraph GraphBuilder::build(const Target& target) && {
  Descriptor graph(DescriptorType::operation_graph);
  graph.set_descriptors(Attribute::graph_operations, operations_);
  if (target.handle() != nullptr) graph.set_handle(Attribute::graph_handle, target.handle());
  return {std::move(graph).finalized(), std::move(memory_ids_), std::move(scalars_),
          std::move(text_), filter_gradient_padded_unevenly_};
}

}  // namespace brisk::cuda::cudnn
