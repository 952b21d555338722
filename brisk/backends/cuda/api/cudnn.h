#pragma once

/// cuDNN's backend (graph) interface: the part of it that brisk calls. Numbers and signatures are
/// those of NVIDIA's cuDNN 9 reference ("cudnn_graph library"); the library itself is found at run
/// time. What is built on it: brisk/backends/cuda/cudnn/.

#include <cstdint>
#include <string>

#include "brisk/base/error.h"

namespace brisk::cuda {
struct CudnnContext;
}  // namespace brisk::cuda

namespace brisk::cuda::cudnn {

using Status = int;  ///< 0: success
using Handle = struct CudnnContext*;
using DescriptorHandle = void*;

enum class DescriptorType : int {
  pointwise = 0,
  convolution = 1,
  engine = 2,
  engine_config = 3,
  engine_heuristics = 4,
  execution_plan = 5,
  knob_choice = 7,
  operation_convolution_forward = 10,
  operation_convolution_backward_filter = 11,
  operation_convolution_backward_data = 12,
  operation_pointwise = 13,
  operation_statistics = 14,
  operation_graph = 15,
  variant_pack = 16,
  tensor = 17,
  matmul = 18,
  operation_matmul = 19,
  operation_batch_norm_finalize = 20,
  reduction = 21,
  operation_reduction = 22,
  operation_batch_norm_backward_weights = 23,
  resample = 24,
  operation_resample_forward = 25,
  operation_resample_backward = 26,
  operation_reshape = 31,
  device_properties = 38,
  operation_attention_forward = 41,
  operation_attention_backward = 43,
};

enum class Attribute : int {
  pointwise_mode = 0,
  pointwise_math_type = 1,
  pointwise_relu_lower_clip = 3,
  pointwise_axis = 9,

  convolution_compute_type = 100,
  convolution_mode = 101,
  convolution_dilations = 102,
  convolution_strides = 103,
  convolution_post_paddings = 104,
  convolution_pre_paddings = 105,
  convolution_spatial_dimensions = 106,

  heuristics_mode = 200,
  heuristics_graph = 201,
  heuristics_results = 202,
  heuristics_device = 204,

  engine_config_engine = 300,
  engine_config_knobs = 302,

  plan_handle = 400,
  plan_engine_config = 401,
  plan_workspace_size = 402,
  plan_json = 405,
  plan_device = 407,

  knob_choice_type = 600,
  knob_choice_value = 601,

  forward_alpha = 700,
  forward_beta = 701,
  forward_convolution = 702,
  forward_w = 703,
  forward_x = 704,
  forward_y = 705,
  backward_data_alpha = 706,
  backward_data_beta = 707,
  backward_data_convolution = 708,
  backward_data_w = 709,
  backward_data_dx = 710,
  backward_data_dy = 711,
  backward_filter_alpha = 712,
  backward_filter_beta = 713,
  backward_filter_convolution = 714,
  backward_filter_dw = 715,
  backward_filter_x = 716,
  backward_filter_dy = 717,

  pointwise_descriptor = 750,
  pointwise_x = 751,
  pointwise_b = 752,
  pointwise_y = 753,
  pointwise_dx = 756,
  pointwise_dy = 757,
  pointwise_t = 758,

  statistics_mode = 770,
  statistics_math_type = 771,
  statistics_x = 772,
  statistics_sum = 773,
  statistics_square_sum = 774,

  finalize_mode = 780,
  finalize_math_type = 781,
  finalize_sum = 782,
  finalize_square_sum = 783,
  finalize_scale = 784,
  finalize_bias = 785,
  finalize_previous_mean = 786,
  finalize_previous_variance = 787,
  finalize_updated_mean = 788,
  finalize_updated_variance = 789,
  finalize_saved_mean = 790,
  finalize_saved_inverse_deviation = 791,
  finalize_equivalent_scale = 792,
  finalize_equivalent_bias = 793,
  finalize_count = 794,
  finalize_epsilon = 795,
  finalize_momentum = 796,

  graph_handle = 800,
  graph_operations = 801,

  tensor_alignment = 900,
  tensor_data_type = 901,
  tensor_dimensions = 902,
  tensor_strides = 903,
  tensor_unique_id = 906,
  tensor_is_virtual = 907,
  tensor_is_by_value = 908,

  pack_unique_ids = 1000,
  pack_pointers = 1001,
  pack_workspace = 1003,

  engine_graph = 1300,
  engine_index = 1301,
  engine_numerical_notes = 1303,
  engine_behavior_notes = 1305,
  engine_device = 1307,

  matmul_compute_type = 1500,
  matmul_a = 1520,
  matmul_b = 1521,
  matmul_c = 1522,
  matmul_descriptor = 1523,

  reduction_operator = 1600,
  reduction_compute_type = 1601,
  reduction_deterministic = 1602,
  reduction_x = 1610,
  reduction_y = 1611,
  reduction_descriptor = 1612,

  backward_weights_math_type = 1620,
  backward_weights_mean = 1621,
  backward_weights_inverse_deviation = 1622,
  backward_weights_scale = 1623,
  backward_weights_x = 1624,
  backward_weights_dy = 1625,
  backward_weights_scale_gradient = 1626,
  backward_weights_bias_gradient = 1627,
  backward_weights_equivalent_dy_scale = 1628,
  backward_weights_equivalent_x_scale = 1629,
  backward_weights_equivalent_bias = 1630,

  resample_mode = 1700,
  resample_compute_type = 1701,
  resample_spatial_dimensions = 1702,
  resample_post_paddings = 1703,
  resample_pre_paddings = 1704,
  resample_strides = 1705,
  resample_window = 1706,
  resample_padding_mode = 1708,
  resample_forward_x = 1710,
  resample_forward_y = 1711,
  resample_forward_descriptor = 1716,

  reshape_x = 2200,
  reshape_y = 2201,

  device_id = 2700,
  device_handle = 2701,
  device_json = 2702,

  attention_forward_q = 2800,
  attention_forward_k = 2801,
  attention_forward_v = 2802,
  attention_forward_o = 2803,
  attention_forward_statistics = 2804,
  attention_forward_scale = 2805,
  attention_backward_q = 2851,
  attention_backward_k = 2852,
  attention_backward_v = 2853,
  attention_backward_o = 2854,
  attention_backward_statistics = 2855,
  attention_backward_scale = 2856,
  attention_backward_dq = 2859,
  attention_backward_dk = 2860,
  attention_backward_dv = 2861,
  attention_backward_do = 2862,
};

/// What an attribute's elements are.
enum class AttributeType : int {
  handle = 0,
  data_type = 1,
  boolean = 2,
  int64 = 3,
  float32 = 4,
  float64 = 5,
  pointer = 6,
  convolution_mode = 7,
  heuristics_mode = 8,
  knob_type = 9,
  numerical_note = 11,
  pointwise_mode = 14,
  descriptor = 15,
  statistics_mode = 16,
  finalize_mode = 17,
  reduction_operator = 18,
  behavior_note = 19,
  resample_mode = 21,
  padding_mode = 22,
  int32 = 23,
  character = 24,
  fraction = 26,
};

enum class DataType : int {
  f32 = 0,
  f64 = 1,
  f16 = 2,
  i8 = 3,
  i32 = 4,
  u8 = 6,
  bf16 = 9,
  i64 = 10,
  boolean = 11,
  f8e4m3 = 12,
  f8e5m2 = 13,
};

enum class ConvolutionMode : int { convolution = 0, cross_correlation = 1 };
enum class HeuristicsMode : int { instant = 0, b = 1, fallback = 2, a = 3 };
enum class PointwiseMode : int {
  add = 0,
  multiply = 1,
  minimum = 2,
  maximum = 3,
  divide = 6,
  subtract = 9,
  exponential = 13,
  logarithm = 15,
  identity = 21,
  relu = 100,
  relu_gradient = 200,
  greater = 302,
  greater_equal = 303,
  index = 501,
  select = 601,
};
enum class ReductionOperator : int { add = 0, maximum = 3 };
enum class StatisticsMode : int { sum_and_square_sum = 0 };
enum class FinalizeMode : int { training = 0 };
enum class ResampleMode : int { average_with_padding = 2, maximum = 3, average = 4 };
enum class PaddingMode : int { zero = 0, negative_infinity = 1 };
enum class NumericalNote : int {
  tensor_core = 0,
  down_converted_inputs = 1,
  reduced_precision_reduction = 2,
  fft = 3,
  nondeterministic = 4,
  winograd = 5,
  winograd_4x4 = 6,
  winograd_6x6 = 7,
  winograd_13x13 = 8,
};
inline constexpr int kNumNumericalNotes = 10;
enum class BehaviorNote : int { runtime_compilation = 0, cuda_graph_native = 3 };
inline constexpr int kNumBehaviorNotes = 5;

struct Fraction {
  int64_t numerator, denominator;
};

/// The library's entry points.
struct Library {
  Status (*create)(Handle*);
  Status (*destroy)(Handle);
  Status (*set_stream)(Handle, void* stream);
  Status (*create_descriptor)(DescriptorType, DescriptorHandle*);
  Status (*destroy_descriptor)(DescriptorHandle);
  Status (*finalize)(DescriptorHandle);
  Status (*set_attribute)(DescriptorHandle, Attribute, AttributeType, int64_t count,
                          const void* elements);
  Status (*get_attribute)(DescriptorHandle, Attribute, AttributeType, int64_t capacity,
                          int64_t* count, void* elements);
  Status (*execute)(Handle, DescriptorHandle plan, DescriptorHandle variant_pack);
  const char* (*error_text)(Status);
  void (*last_error_text)(char* message, size_t capacity);

  int version = 0;  ///< 91900: 9.19.0
  std::string path;
};

/// The oldest version whose plans can be made without a device.
inline constexpr int kMinimumVersion = 91100;

/// The library, opened once a process; or why there is none, with how to get it.
Result<const Library*> library();

}  // namespace brisk::cuda::cudnn
