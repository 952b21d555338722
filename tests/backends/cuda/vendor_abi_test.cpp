// What brisk declares of cuDNN and cuBLASLt against the toolkit's headers, where there are any:
// each number is that of NVIDIA's name for it, while this compiles.

#include <gtest/gtest.h>

#if defined(BRISK_CUDA_HEADERS) && __has_include(<cudnn_graph.h>) && __has_include(<cublasLt.h>)
#include <cublasLt.h>
#include <cudnn_graph.h>

#include "brisk/backends/cuda/api/cublaslt.h"
#include "brisk/backends/cuda/api/cudnn.h"

#define BRISK_SAME(ours, theirs) \
  static_assert(static_cast<int>(ours) == static_cast<int>(theirs), #ours " is not " #theirs)

namespace brisk::cuda::cudnn {

BRISK_SAME(DescriptorType::pointwise, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
BRISK_SAME(DescriptorType::convolution, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
BRISK_SAME(DescriptorType::engine, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
BRISK_SAME(DescriptorType::engine_config, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
BRISK_SAME(DescriptorType::engine_heuristics, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
BRISK_SAME(DescriptorType::execution_plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
BRISK_SAME(DescriptorType::knob_choice, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_convolution_forward,
           CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_convolution_backward_filter,
           CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_convolution_backward_data,
           CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_pointwise, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_statistics, CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
BRISK_SAME(DescriptorType::variant_pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
BRISK_SAME(DescriptorType::tensor, CUDNN_BACKEND_TENSOR_DESCRIPTOR);
BRISK_SAME(DescriptorType::matmul, CUDNN_BACKEND_MATMUL_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_matmul, CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_batch_norm_finalize,
           CUDNN_BACKEND_OPERATION_BN_FINALIZE_STATISTICS_DESCRIPTOR);
BRISK_SAME(DescriptorType::reduction, CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_reduction, CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_batch_norm_backward_weights,
           CUDNN_BACKEND_OPERATION_BN_BWD_WEIGHTS_DESCRIPTOR);
BRISK_SAME(DescriptorType::resample, CUDNN_BACKEND_RESAMPLE_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_resample_forward,
           CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_resample_backward,
           CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_reshape, CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
BRISK_SAME(DescriptorType::device_properties, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
BRISK_SAME(DescriptorType::operation_attention_forward,
           CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR);
BRISK_SAME(Attribute::pointwise_mode, CUDNN_ATTR_POINTWISE_MODE);
BRISK_SAME(Attribute::pointwise_math_type, CUDNN_ATTR_POINTWISE_MATH_PREC);
BRISK_SAME(Attribute::pointwise_relu_lower_clip, CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP);
BRISK_SAME(Attribute::pointwise_axis, CUDNN_ATTR_POINTWISE_AXIS);
BRISK_SAME(Attribute::convolution_compute_type, CUDNN_ATTR_CONVOLUTION_COMP_TYPE);
BRISK_SAME(Attribute::convolution_mode, CUDNN_ATTR_CONVOLUTION_CONV_MODE);
BRISK_SAME(Attribute::convolution_dilations, CUDNN_ATTR_CONVOLUTION_DILATIONS);
BRISK_SAME(Attribute::convolution_strides, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
BRISK_SAME(Attribute::convolution_post_paddings, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
BRISK_SAME(Attribute::convolution_pre_paddings, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
BRISK_SAME(Attribute::convolution_spatial_dimensions, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS);
BRISK_SAME(Attribute::heuristics_mode, CUDNN_ATTR_ENGINEHEUR_MODE);
BRISK_SAME(Attribute::heuristics_graph, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
BRISK_SAME(Attribute::heuristics_results, CUDNN_ATTR_ENGINEHEUR_RESULTS);
BRISK_SAME(Attribute::heuristics_device, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP);
BRISK_SAME(Attribute::engine_config_engine, CUDNN_ATTR_ENGINECFG_ENGINE);
BRISK_SAME(Attribute::engine_config_knobs, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES);
BRISK_SAME(Attribute::plan_handle, CUDNN_ATTR_EXECUTION_PLAN_HANDLE);
BRISK_SAME(Attribute::plan_engine_config, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
BRISK_SAME(Attribute::plan_workspace_size, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
BRISK_SAME(Attribute::plan_json, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
BRISK_SAME(Attribute::plan_device, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
BRISK_SAME(Attribute::knob_choice_type, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE);
BRISK_SAME(Attribute::knob_choice_value, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE);
BRISK_SAME(Attribute::forward_alpha, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA);
BRISK_SAME(Attribute::forward_beta, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
BRISK_SAME(Attribute::forward_convolution, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC);
BRISK_SAME(Attribute::forward_w, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W);
BRISK_SAME(Attribute::forward_x, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X);
BRISK_SAME(Attribute::forward_y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y);
BRISK_SAME(Attribute::backward_data_alpha, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA);
BRISK_SAME(Attribute::backward_data_beta, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA);
BRISK_SAME(Attribute::backward_data_convolution,
           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC);
BRISK_SAME(Attribute::backward_data_w, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W);
BRISK_SAME(Attribute::backward_data_dx, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX);
BRISK_SAME(Attribute::backward_data_dy, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY);
BRISK_SAME(Attribute::backward_filter_alpha, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA);
BRISK_SAME(Attribute::backward_filter_beta, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA);
BRISK_SAME(Attribute::backward_filter_convolution,
           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC);
BRISK_SAME(Attribute::backward_filter_dw, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW);
BRISK_SAME(Attribute::backward_filter_x, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X);
BRISK_SAME(Attribute::backward_filter_dy, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY);
BRISK_SAME(Attribute::pointwise_descriptor, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
BRISK_SAME(Attribute::pointwise_x, CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
BRISK_SAME(Attribute::pointwise_b, CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
BRISK_SAME(Attribute::pointwise_y, CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
BRISK_SAME(Attribute::pointwise_dx, CUDNN_ATTR_OPERATION_POINTWISE_DXDESC);
BRISK_SAME(Attribute::pointwise_dy, CUDNN_ATTR_OPERATION_POINTWISE_DYDESC);
BRISK_SAME(Attribute::pointwise_t, CUDNN_ATTR_OPERATION_POINTWISE_TDESC);
BRISK_SAME(Attribute::statistics_mode, CUDNN_ATTR_OPERATION_GENSTATS_MODE);
BRISK_SAME(Attribute::statistics_math_type, CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC);
BRISK_SAME(Attribute::statistics_x, CUDNN_ATTR_OPERATION_GENSTATS_XDESC);
BRISK_SAME(Attribute::statistics_sum, CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC);
BRISK_SAME(Attribute::statistics_square_sum, CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC);
BRISK_SAME(Attribute::finalize_mode, CUDNN_ATTR_OPERATION_BN_FINALIZE_STATS_MODE);
BRISK_SAME(Attribute::finalize_math_type, CUDNN_ATTR_OPERATION_BN_FINALIZE_MATH_PREC);
BRISK_SAME(Attribute::finalize_sum, CUDNN_ATTR_OPERATION_BN_FINALIZE_Y_SUM_DESC);
BRISK_SAME(Attribute::finalize_square_sum, CUDNN_ATTR_OPERATION_BN_FINALIZE_Y_SQ_SUM_DESC);
BRISK_SAME(Attribute::finalize_scale, CUDNN_ATTR_OPERATION_BN_FINALIZE_SCALE_DESC);
BRISK_SAME(Attribute::finalize_bias, CUDNN_ATTR_OPERATION_BN_FINALIZE_BIAS_DESC);
BRISK_SAME(Attribute::finalize_previous_mean,
           CUDNN_ATTR_OPERATION_BN_FINALIZE_PREV_RUNNING_MEAN_DESC);
BRISK_SAME(Attribute::finalize_previous_variance,
           CUDNN_ATTR_OPERATION_BN_FINALIZE_PREV_RUNNING_VAR_DESC);
BRISK_SAME(Attribute::finalize_updated_mean,
           CUDNN_ATTR_OPERATION_BN_FINALIZE_UPDATED_RUNNING_MEAN_DESC);
BRISK_SAME(Attribute::finalize_updated_variance,
           CUDNN_ATTR_OPERATION_BN_FINALIZE_UPDATED_RUNNING_VAR_DESC);
BRISK_SAME(Attribute::finalize_saved_mean, CUDNN_ATTR_OPERATION_BN_FINALIZE_SAVED_MEAN_DESC);
BRISK_SAME(Attribute::finalize_saved_inverse_deviation,
           CUDNN_ATTR_OPERATION_BN_FINALIZE_SAVED_INV_STD_DESC);
BRISK_SAME(Attribute::finalize_equivalent_scale, CUDNN_ATTR_OPERATION_BN_FINALIZE_EQ_SCALE_DESC);
BRISK_SAME(Attribute::finalize_equivalent_bias, CUDNN_ATTR_OPERATION_BN_FINALIZE_EQ_BIAS_DESC);
BRISK_SAME(Attribute::finalize_count, CUDNN_ATTR_OPERATION_BN_FINALIZE_ACCUM_COUNT_DESC);
BRISK_SAME(Attribute::finalize_epsilon, CUDNN_ATTR_OPERATION_BN_FINALIZE_EPSILON_DESC);
BRISK_SAME(Attribute::finalize_momentum, CUDNN_ATTR_OPERATION_BN_FINALIZE_EXP_AVERATE_FACTOR_DESC);
BRISK_SAME(Attribute::graph_handle, CUDNN_ATTR_OPERATIONGRAPH_HANDLE);
BRISK_SAME(Attribute::graph_operations, CUDNN_ATTR_OPERATIONGRAPH_OPS);
BRISK_SAME(Attribute::tensor_alignment, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
BRISK_SAME(Attribute::tensor_data_type, CUDNN_ATTR_TENSOR_DATA_TYPE);
BRISK_SAME(Attribute::tensor_dimensions, CUDNN_ATTR_TENSOR_DIMENSIONS);
BRISK_SAME(Attribute::tensor_strides, CUDNN_ATTR_TENSOR_STRIDES);
BRISK_SAME(Attribute::tensor_unique_id, CUDNN_ATTR_TENSOR_UNIQUE_ID);
BRISK_SAME(Attribute::tensor_is_virtual, CUDNN_ATTR_TENSOR_IS_VIRTUAL);
BRISK_SAME(Attribute::tensor_is_by_value, CUDNN_ATTR_TENSOR_IS_BY_VALUE);
BRISK_SAME(Attribute::pack_unique_ids, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
BRISK_SAME(Attribute::pack_pointers, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
BRISK_SAME(Attribute::pack_workspace, CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
BRISK_SAME(Attribute::engine_graph, CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
BRISK_SAME(Attribute::engine_index, CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
BRISK_SAME(Attribute::engine_numerical_notes, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE);
BRISK_SAME(Attribute::engine_behavior_notes, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE);
BRISK_SAME(Attribute::engine_device, CUDNN_ATTR_ENGINE_DEVICEPROP);
BRISK_SAME(Attribute::matmul_compute_type, CUDNN_ATTR_MATMUL_COMP_TYPE);
BRISK_SAME(Attribute::matmul_a, CUDNN_ATTR_OPERATION_MATMUL_ADESC);
BRISK_SAME(Attribute::matmul_b, CUDNN_ATTR_OPERATION_MATMUL_BDESC);
BRISK_SAME(Attribute::matmul_c, CUDNN_ATTR_OPERATION_MATMUL_CDESC);
BRISK_SAME(Attribute::matmul_descriptor, CUDNN_ATTR_OPERATION_MATMUL_DESC);
BRISK_SAME(Attribute::reduction_operator, CUDNN_ATTR_REDUCTION_OPERATOR);
BRISK_SAME(Attribute::reduction_compute_type, CUDNN_ATTR_REDUCTION_COMP_TYPE);
BRISK_SAME(Attribute::reduction_deterministic, CUDNN_ATTR_REDUCTION_IS_DETERMINISTIC);
BRISK_SAME(Attribute::reduction_x, CUDNN_ATTR_OPERATION_REDUCTION_XDESC);
BRISK_SAME(Attribute::reduction_y, CUDNN_ATTR_OPERATION_REDUCTION_YDESC);
BRISK_SAME(Attribute::reduction_descriptor, CUDNN_ATTR_OPERATION_REDUCTION_DESC);
BRISK_SAME(Attribute::backward_weights_math_type, CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MATH_PREC);
BRISK_SAME(Attribute::backward_weights_mean, CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_MEAN_DESC);
BRISK_SAME(Attribute::backward_weights_inverse_deviation,
           CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_INVSTD_DESC);
BRISK_SAME(Attribute::backward_weights_scale, CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_BN_SCALE_DESC);
BRISK_SAME(Attribute::backward_weights_x, CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_X_DESC);
BRISK_SAME(Attribute::backward_weights_dy, CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DY_DESC);
BRISK_SAME(Attribute::backward_weights_scale_gradient,
           CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_SCALE_DESC);
BRISK_SAME(Attribute::backward_weights_bias_gradient,
           CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_DBN_BIAS_DESC);
BRISK_SAME(Attribute::backward_weights_equivalent_dy_scale,
           CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_DY_SCALE_DESC);
BRISK_SAME(Attribute::backward_weights_equivalent_x_scale,
           CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_X_SCALE_DESC);
BRISK_SAME(Attribute::backward_weights_equivalent_bias,
           CUDNN_ATTR_OPERATION_BN_BWD_WEIGHTS_EQ_BIAS);
BRISK_SAME(Attribute::resample_mode, CUDNN_ATTR_RESAMPLE_MODE);
BRISK_SAME(Attribute::resample_compute_type, CUDNN_ATTR_RESAMPLE_COMP_TYPE);
BRISK_SAME(Attribute::resample_spatial_dimensions, CUDNN_ATTR_RESAMPLE_SPATIAL_DIMS);
BRISK_SAME(Attribute::resample_post_paddings, CUDNN_ATTR_RESAMPLE_POST_PADDINGS);
BRISK_SAME(Attribute::resample_pre_paddings, CUDNN_ATTR_RESAMPLE_PRE_PADDINGS);
BRISK_SAME(Attribute::resample_strides, CUDNN_ATTR_RESAMPLE_STRIDES);
BRISK_SAME(Attribute::resample_window, CUDNN_ATTR_RESAMPLE_WINDOW_DIMS);
BRISK_SAME(Attribute::resample_padding_mode, CUDNN_ATTR_RESAMPLE_PADDING_MODE);
BRISK_SAME(Attribute::resample_forward_x, CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC);
BRISK_SAME(Attribute::resample_forward_y, CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC);
BRISK_SAME(Attribute::resample_forward_descriptor, CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC);
BRISK_SAME(Attribute::reshape_x, CUDNN_ATTR_OPERATION_RESHAPE_XDESC);
BRISK_SAME(Attribute::reshape_y, CUDNN_ATTR_OPERATION_RESHAPE_YDESC);
BRISK_SAME(Attribute::device_id, CUDNN_ATTR_DEVICEPROP_DEVICE_ID);
BRISK_SAME(Attribute::device_handle, CUDNN_ATTR_DEVICEPROP_HANDLE);
BRISK_SAME(Attribute::device_json, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION);
BRISK_SAME(Attribute::attention_forward_q, CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC);
BRISK_SAME(Attribute::attention_forward_k, CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC);
BRISK_SAME(Attribute::attention_forward_v, CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC);
BRISK_SAME(Attribute::attention_forward_o, CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC);
BRISK_SAME(Attribute::attention_forward_statistics, CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC);
BRISK_SAME(Attribute::attention_forward_scale, CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC);
#if CUDNN_VERSION >= 91900  // the headers of 9.14 do not name the gradient of attention
BRISK_SAME(DescriptorType::operation_attention_backward,
           CUDNN_BACKEND_OPERATION_SDPA_BWD_DESCRIPTOR);
BRISK_SAME(Attribute::attention_backward_q, CUDNN_ATTR_OPERATION_SDPA_BWD_QDESC);
BRISK_SAME(Attribute::attention_backward_k, CUDNN_ATTR_OPERATION_SDPA_BWD_KDESC);
BRISK_SAME(Attribute::attention_backward_v, CUDNN_ATTR_OPERATION_SDPA_BWD_VDESC);
BRISK_SAME(Attribute::attention_backward_o, CUDNN_ATTR_OPERATION_SDPA_BWD_ODESC);
BRISK_SAME(Attribute::attention_backward_statistics, CUDNN_ATTR_OPERATION_SDPA_BWD_STATSDESC);
BRISK_SAME(Attribute::attention_backward_scale, CUDNN_ATTR_OPERATION_SDPA_BWD_SCALEDESC);
BRISK_SAME(Attribute::attention_backward_dq, CUDNN_ATTR_OPERATION_SDPA_BWD_DQDESC);
BRISK_SAME(Attribute::attention_backward_dk, CUDNN_ATTR_OPERATION_SDPA_BWD_DKDESC);
BRISK_SAME(Attribute::attention_backward_dv, CUDNN_ATTR_OPERATION_SDPA_BWD_DVDESC);
BRISK_SAME(Attribute::attention_backward_do, CUDNN_ATTR_OPERATION_SDPA_BWD_DODDESC);
#endif
BRISK_SAME(AttributeType::handle, CUDNN_TYPE_HANDLE);
BRISK_SAME(AttributeType::data_type, CUDNN_TYPE_DATA_TYPE);
BRISK_SAME(AttributeType::boolean, CUDNN_TYPE_BOOLEAN);
BRISK_SAME(AttributeType::int64, CUDNN_TYPE_INT64);
BRISK_SAME(AttributeType::float32, CUDNN_TYPE_FLOAT);
BRISK_SAME(AttributeType::float64, CUDNN_TYPE_DOUBLE);
BRISK_SAME(AttributeType::pointer, CUDNN_TYPE_VOID_PTR);
BRISK_SAME(AttributeType::convolution_mode, CUDNN_TYPE_CONVOLUTION_MODE);
BRISK_SAME(AttributeType::heuristics_mode, CUDNN_TYPE_HEUR_MODE);
BRISK_SAME(AttributeType::knob_type, CUDNN_TYPE_KNOB_TYPE);
BRISK_SAME(AttributeType::numerical_note, CUDNN_TYPE_NUMERICAL_NOTE);
BRISK_SAME(AttributeType::pointwise_mode, CUDNN_TYPE_POINTWISE_MODE);
BRISK_SAME(AttributeType::descriptor, CUDNN_TYPE_BACKEND_DESCRIPTOR);
BRISK_SAME(AttributeType::statistics_mode, CUDNN_TYPE_GENSTATS_MODE);
BRISK_SAME(AttributeType::finalize_mode, CUDNN_TYPE_BN_FINALIZE_STATS_MODE);
BRISK_SAME(AttributeType::reduction_operator, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE);
BRISK_SAME(AttributeType::behavior_note, CUDNN_TYPE_BEHAVIOR_NOTE);
BRISK_SAME(AttributeType::resample_mode, CUDNN_TYPE_RESAMPLE_MODE);
BRISK_SAME(AttributeType::padding_mode, CUDNN_TYPE_PADDING_MODE);
BRISK_SAME(AttributeType::int32, CUDNN_TYPE_INT32);
BRISK_SAME(AttributeType::character, CUDNN_TYPE_CHAR);
BRISK_SAME(AttributeType::fraction, CUDNN_TYPE_FRACTION);
BRISK_SAME(DataType::f32, CUDNN_DATA_FLOAT);
BRISK_SAME(DataType::f64, CUDNN_DATA_DOUBLE);
BRISK_SAME(DataType::f16, CUDNN_DATA_HALF);
BRISK_SAME(DataType::i8, CUDNN_DATA_INT8);
BRISK_SAME(DataType::i32, CUDNN_DATA_INT32);
BRISK_SAME(DataType::u8, CUDNN_DATA_UINT8);
BRISK_SAME(DataType::bf16, CUDNN_DATA_BFLOAT16);
BRISK_SAME(DataType::i64, CUDNN_DATA_INT64);
BRISK_SAME(DataType::boolean, CUDNN_DATA_BOOLEAN);
BRISK_SAME(DataType::f8e4m3, CUDNN_DATA_FP8_E4M3);
BRISK_SAME(DataType::f8e5m2, CUDNN_DATA_FP8_E5M2);
BRISK_SAME(ConvolutionMode::convolution, CUDNN_CONVOLUTION);
BRISK_SAME(ConvolutionMode::cross_correlation, CUDNN_CROSS_CORRELATION);
BRISK_SAME(HeuristicsMode::instant, CUDNN_HEUR_MODE_INSTANT);
BRISK_SAME(HeuristicsMode::b, CUDNN_HEUR_MODE_B);
BRISK_SAME(HeuristicsMode::fallback, CUDNN_HEUR_MODE_FALLBACK);
BRISK_SAME(HeuristicsMode::a, CUDNN_HEUR_MODE_A);
BRISK_SAME(PointwiseMode::add, CUDNN_POINTWISE_ADD);
BRISK_SAME(PointwiseMode::multiply, CUDNN_POINTWISE_MUL);
BRISK_SAME(PointwiseMode::minimum, CUDNN_POINTWISE_MIN);
BRISK_SAME(PointwiseMode::maximum, CUDNN_POINTWISE_MAX);
BRISK_SAME(PointwiseMode::subtract, CUDNN_POINTWISE_SUB);
BRISK_SAME(PointwiseMode::identity, CUDNN_POINTWISE_IDENTITY);
BRISK_SAME(PointwiseMode::relu, CUDNN_POINTWISE_RELU_FWD);
BRISK_SAME(PointwiseMode::relu_gradient, CUDNN_POINTWISE_RELU_BWD);
BRISK_SAME(PointwiseMode::greater, CUDNN_POINTWISE_CMP_GT);
BRISK_SAME(PointwiseMode::select, CUDNN_POINTWISE_BINARY_SELECT);
BRISK_SAME(ReductionOperator::add, CUDNN_REDUCE_TENSOR_ADD);
BRISK_SAME(ReductionOperator::maximum, CUDNN_REDUCE_TENSOR_MAX);
BRISK_SAME(StatisticsMode::sum_and_square_sum, CUDNN_GENSTATS_SUM_SQSUM);
BRISK_SAME(FinalizeMode::training, CUDNN_BN_FINALIZE_STATISTICS_TRAINING);
BRISK_SAME(ResampleMode::average_with_padding, CUDNN_RESAMPLE_AVGPOOL_INCLUDE_PADDING);
BRISK_SAME(ResampleMode::maximum, CUDNN_RESAMPLE_MAXPOOL);
BRISK_SAME(ResampleMode::average, CUDNN_RESAMPLE_AVGPOOL_EXCLUDE_PADDING);
BRISK_SAME(PaddingMode::zero, CUDNN_ZERO_PAD);
BRISK_SAME(PaddingMode::negative_infinity, CUDNN_NEG_INF_PAD);
BRISK_SAME(NumericalNote::tensor_core, CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
BRISK_SAME(NumericalNote::down_converted_inputs, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
BRISK_SAME(NumericalNote::reduced_precision_reduction,
           CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION);
BRISK_SAME(NumericalNote::fft, CUDNN_NUMERICAL_NOTE_FFT);
BRISK_SAME(NumericalNote::nondeterministic, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
BRISK_SAME(NumericalNote::winograd, CUDNN_NUMERICAL_NOTE_WINOGRAD);
BRISK_SAME(NumericalNote::winograd_4x4, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4);
BRISK_SAME(NumericalNote::winograd_6x6, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6);
BRISK_SAME(NumericalNote::winograd_13x13, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13);
BRISK_SAME(BehaviorNote::runtime_compilation, CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
BRISK_SAME(BehaviorNote::cuda_graph_native, CUDNN_BEHAVIOR_NOTE_SUPPORTS_CUDA_GRAPH_NATIVE_API);
static_assert(sizeof(Fraction) == sizeof(cudnnFraction_t));
// Room for the notes of every version; those that this one has not are never read.
static_assert(kNumNumericalNotes >= CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
static_assert(kNumBehaviorNotes >= CUDNN_BEHAVIOR_NOTE_TYPE_COUNT);

}  // namespace brisk::cuda::cudnn

namespace brisk::cuda::cublaslt {

BRISK_SAME(DataType::f32, CUDA_R_32F);
BRISK_SAME(DataType::f64, CUDA_R_64F);
BRISK_SAME(DataType::f16, CUDA_R_16F);
BRISK_SAME(DataType::bf16, CUDA_R_16BF);
BRISK_SAME(DataType::i8, CUDA_R_8I);
BRISK_SAME(DataType::i32, CUDA_R_32I);
BRISK_SAME(ComputeType::f32, CUBLAS_COMPUTE_32F);
BRISK_SAME(ComputeType::f64, CUBLAS_COMPUTE_64F);
BRISK_SAME(ComputeType::i32, CUBLAS_COMPUTE_32I);
BRISK_SAME(ComputeType::tf32, CUBLAS_COMPUTE_32F_FAST_TF32);
BRISK_SAME(Transpose::no, CUBLAS_OP_N);
BRISK_SAME(Transpose::yes, CUBLAS_OP_T);
BRISK_SAME(LayoutAttribute::batch_count, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT);
BRISK_SAME(LayoutAttribute::batch_stride, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
BRISK_SAME(MatmulAttribute::transpose_a, CUBLASLT_MATMUL_DESC_TRANSA);
BRISK_SAME(MatmulAttribute::transpose_b, CUBLASLT_MATMUL_DESC_TRANSB);
BRISK_SAME(MatmulAttribute::epilogue, CUBLASLT_MATMUL_DESC_EPILOGUE);
BRISK_SAME(MatmulAttribute::bias_pointer, CUBLASLT_MATMUL_DESC_BIAS_POINTER);
BRISK_SAME(PreferenceAttribute::workspace_bytes, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
BRISK_SAME(PreferenceAttribute::reduction_schemes, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK);
BRISK_SAME(Epilogue::none, CUBLASLT_EPILOGUE_DEFAULT);
BRISK_SAME(Epilogue::relu, CUBLASLT_EPILOGUE_RELU);
BRISK_SAME(Epilogue::bias, CUBLASLT_EPILOGUE_BIAS);
BRISK_SAME(Epilogue::relu_bias, CUBLASLT_EPILOGUE_RELU_BIAS);
BRISK_SAME(ReductionScheme::in_place, CUBLASLT_REDUCTION_SCHEME_INPLACE);
BRISK_SAME(ReductionScheme::compute_type, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
BRISK_SAME(ReductionScheme::output_type, CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE);
static_assert(sizeof(Algorithm) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(HeuristicResult) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(HeuristicResult, workspace_bytes) ==
              offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(HeuristicResult, state) == offsetof(cublasLtMatmulHeuristicResult_t, state));

}  // namespace brisk::cuda::cublaslt

TEST(VendorAbi, IsTheHeaders) {
  SUCCEED() << "held while this was compiled";
}
#else
TEST(VendorAbi, IsTheHeaders) {
  GTEST_SKIP() << "the toolkit's headers are not installed here";
}
#endif
