// Every engine of cuDNN that may be chosen, by itself, on a GPU against plain evaluation: which one
// runs is decided by measurement, so that all have to be right. Skipped where there is no device.

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/backends/cuda/cudnn/convolution_problem.h"
#include "brisk/backends/cuda/cudnn/plan.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"
#include "tests/support/kernel_case.h"

namespace brisk::cuda::cudnn {
namespace {

struct EngineCase {
  std::vector<int64_t> input,
      filter;  ///< brisk's: [batch, spatial..., channels], [kernel..., c, f]
  ConvolutionAttributes attributes;

  std::string text() const {
    return fmt::format("[{}] by [{}], strides {}, padding {} and {}, dilations {}, {} groups",
                       fmt::join(input, ", "), fmt::join(filter, ", "),
                       fmt::join(attributes.strides, ","), fmt::join(attributes.pad_low, ","),
                       fmt::join(attributes.pad_high, ","), fmt::join(attributes.dilations, ","),
                       attributes.groups);
  }
};

/// Paddings of all kinds: Keras's "same" with a stride pads behind alone, a causal one before.
std::vector<EngineCase> engine_cases() {
  return {
      {{2, 9, 9, 8}, {3, 3, 8, 16}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}},
      {{2, 8, 8, 8}, {3, 3, 8, 16}, {{2, 2}, {0, 0}, {1, 1}, {1, 1}, 1}},
      {{4, 32, 32, 64}, {3, 3, 64, 128}, {{2, 2}, {0, 0}, {1, 1}, {1, 1}, 1}},
      {{4, 32, 32, 3}, {3, 3, 3, 32}, {{2, 2}, {0, 0}, {1, 1}, {1, 1}, 1}},
      {{4, 16, 16, 32}, {3, 3, 1, 32}, {{2, 2}, {0, 0}, {1, 1}, {1, 1}, 32}},
      {{2, 17, 17, 32}, {5, 5, 32, 32}, {{2, 2}, {1, 1}, {2, 2}, {1, 1}, 1}},
      {{1, 11, 7, 2}, {2, 3, 2, 3}, {{3, 2}, {1, 0}, {0, 2}, {1, 1}, 1}},
      {{2, 9, 9, 3}, {3, 2, 3, 4}, {{1, 1}, {2, 0}, {2, 1}, {2, 3}, 1}},
      {{2, 9, 8, 4}, {3, 3, 4, 8}, {{2, 2}, {0, 1}, {1, 1}, {1, 1}, 1}},
      {{2, 17, 3}, {3, 3, 4}, {{1}, {4}, {0}, {2}, 1}},
      {{4, 64, 32}, {3, 32, 64}, {{1}, {2}, {0}, {1}, 1}},
      {{2, 6, 6, 16}, {2, 2, 16, 16}, {{1, 1}, {0, 0}, {1, 1}, {1, 1}, 1}},
      {{3, 7, 9, 48}, {1, 1, 48, 32}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}},
  };
}

enum class Direction { forward, input_gradient, filter_gradient };

/// The numbers of one direction: what goes in, what plain evaluation makes of it, all f32.
struct EngineNumbers {
  Tensor image, filter, result;
};

Tensor evaluated_plainly(const EngineCase& layer, Direction kind, const EngineNumbers& numbers) {
  Builder builder(standard_ops(), "g");
  const auto shape = [](const Tensor& tensor) {
    Shape made;
    for (const int64_t size : tensor.sizes()) made.push_back(Extent(size));
    return made;
  };
  const auto input = [&](const char* name, const Tensor& tensor) {
    return builder.input(name, Type(DType::f32, shape(tensor)));
  };
  std::vector<Tensor> given;
  Value y;
  if (kind == Direction::forward) {
    given = {numbers.image, numbers.filter};
    const Value x = input("x", given[0]), w = input("w", given[1]);
    y = convolution(x, w, layer.attributes);
  } else if (kind == Direction::input_gradient) {
    given = {numbers.result, numbers.filter};
    const Value dy = input("dy", given[0]), w = input("w", given[1]);
    y = convolution_input_gradient(dy, w, shape(numbers.image), layer.attributes);
  } else {
    given = {numbers.image, numbers.result};
    const Value x = input("x", given[0]), dy = input("dy", given[1]);
    y = convolution_filter_gradient(x, dy, shape(numbers.filter), layer.attributes);
  }
  const Program program{.graph = builder.finish({{"y", y}}), .num_results = 1};
  return compile(program, *find_backend("reference").value()).executable->run(given)[0].clone();
}

/// A filter as a matrix, transposed: from brisk's order to cuDNN's (`rows` of brisk's), or back.
Tensor matrix_transposed(const Tensor& matrix, int64_t rows, int64_t columns) {
  Tensor result(matrix.dtype(), {columns, rows});
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) result.set(c * rows + r, matrix.get(r * columns + c));
  return result;
}

double distance(const Tensor& found, const Tensor& expected) {
  double error = 0, size = 0;
  for (int64_t i = 0; i < expected.num_elements(); ++i) {
    const double difference = found.get(i) - expected.get(i);
    error += difference * difference;
    size += expected.get(i) * expected.get(i);
  }
  return std::sqrt(error / size);
}

class CudnnEngines : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto cudnn = library(); !cudnn) GTEST_SKIP() << cudnn.error();
    Result<DevicePtr> device = Device::open();
    if (!device) GTEST_SKIP() << device.error();
    device_ = *device;
    target_ = Target::of_device(device_).value();
  }

  /// The result's bytes, poisoned before; nothing where the engine can't run it after all.
  std::optional<Tensor> run(const Plan& plan, const OperationGraph& graph,
                            std::span<const Tensor> operands, const Tensor& like) {
    const auto stream = device_->make_stream();
    std::vector<DeviceBuffer> buffers;
    std::vector<DeviceAddress> addresses;
    for (const Tensor& operand : operands) {
      buffers.push_back(device_->allocate(operand.num_bytes()));
      stream->copy_to_device(buffers.back().address(), operand.bytes(), operand.num_bytes());
      addresses.push_back(buffers.back().address());
    }
    buffers.push_back(device_->allocate(like.num_bytes()));
    addresses.push_back(buffers.back().address());
    stream->fill(buffers.back().address(), 0xFF, like.num_bytes());
    const DeviceBuffer workspace = device_->allocate(std::max<int64_t>(plan.workspace_bytes(), 1));
    stream->fill(workspace.address(), 0xFF, workspace.bytes());
    try {
      plan.execute(graph.memory_ids, addresses, workspace.address(), stream->handle());
    } catch (const UserError&) {
      return std::nullopt;
    }
    Tensor result(like.dtype(), like.sizes());
    stream->copy_to_host(result.bytes(), addresses.back(), result.num_bytes());
    stream->synchronize();
    return result;
  }

  void check(const EngineCase& layer, DType type, bool tensor_cores, Direction kind) {
    const auto shape_type = [](const std::vector<int64_t>& sizes, DType of) {
      Shape shape;
      for (const int64_t size : sizes) shape.push_back(Extent(size));
      return Type(of, shape);
    };
    EngineNumbers numbers{
        brisk::testing::random_tensor(DType::f32, layer.input, 1).cast(type).cast(DType::f32),
        brisk::testing::random_tensor(DType::f32, layer.filter, 2).cast(type).cast(DType::f32),
        {}};
    const Tensor forward = evaluated_plainly(layer, Direction::forward, numbers);
    numbers.result =
        brisk::testing::random_tensor(DType::f32, forward.sizes(), 3).cast(type).cast(DType::f32);
    const ConvolutionProblem problem =
        convolution_problem(shape_type(layer.input, type), shape_type(layer.filter, type),
                            shape_type(forward.sizes(), type), layer.attributes)
            .value();
    const int64_t rows = problem.filter_rows, columns = problem.filter_columns;
    const Tensor expected =
        kind == Direction::forward ? forward : evaluated_plainly(layer, kind, numbers);
    const Tensor filter = matrix_transposed(numbers.filter, rows, columns).cast(type);
    GraphBuilder builder;
    std::vector<Tensor> operands;
    Tensor like = expected.cast(type);
    if (kind == Direction::forward) {
      const TensorNumber x = builder.tensor(problem.input), w = builder.tensor(problem.filter);
      builder.convolution(x, w, builder.tensor(problem.result), problem.geometry);
      operands = {numbers.image.cast(type), filter};
    } else if (kind == Direction::input_gradient) {
      const TensorNumber dy = builder.tensor(problem.result), w = builder.tensor(problem.filter);
      builder.convolution_input_gradient(dy, w, builder.tensor(problem.input), problem.geometry);
      operands = {numbers.result.cast(type), filter};
    } else {
      const TensorNumber x = builder.tensor(problem.input), dy = builder.tensor(problem.result);
      builder.convolution_filter_gradient(x, dy, builder.tensor(problem.filter), problem.geometry);
      operands = {numbers.image.cast(type), numbers.result.cast(type)};
      like = Tensor(type, {columns, rows});
    }
    const OperationGraph graph = std::move(builder).build(target_);
    const EngineRules rules{.tensor_cores = tensor_cores};
    const int64_t before = engines_;
    for (const EngineConfig& config : engine_configs(graph, target_, rules, 64)) {
      const Result<Plan> plan = Plan::make(config, target_);
      if (!plan) continue;
      const std::optional<Tensor> found = run(*plan, graph, operands, like);
      if (!found) continue;
      Tensor result = found->cast(DType::f32);
      if (kind == Direction::filter_gradient) result = matrix_transposed(result, columns, rows);
      const double error = distance(result, expected);
      ++engines_;
      // Far above any rounding, far below a wrong sum.
      EXPECT_LT(error, 0.02) << plan->name() << " of " << graph.text << "\n"
                             << name(type) << (tensor_cores ? "" : " without tensor cores") << ", "
                             << layer.text();
    }
    EXPECT_GT(engines_, before) << "no engine runs " << graph.text << ", " << layer.text();
  }

  DevicePtr device_;
  Target target_;
  int64_t engines_ = 0;
};

TEST_F(CudnnEngines, ThatMayBeChosenAreAllRight) {
  for (const EngineCase& layer : engine_cases())
    for (const Direction kind :
         {Direction::forward, Direction::input_gradient, Direction::filter_gradient}) {
      check(layer, DType::f32, false, kind);
      for (const DType type : {DType::f32, DType::f16, DType::bf16}) check(layer, type, true, kind);
    }
  EXPECT_GT(engines_, 300);
}

}  // namespace
}  // namespace brisk::cuda::cudnn
