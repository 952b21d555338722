#include <limits>

#include "loop_running.h"

// Every scalar operation on every type it is defined for, against brisk/ir/expr.h's evaluate: all
// pairs of special values, then random ones; the count leaves a tail that fills no vector.

namespace brisk {
namespace {

std::vector<double> special_floats(DType type) {
  const double least = type == DType::f32 ? 0x1p-149 : 0x1p-1074,
               tiny = type == DType::f32 ? 0x1p-126 : 0x1p-1022;
  const double most = type == DType::f32 ? double{std::numeric_limits<float>::max()}
                                         : std::numeric_limits<double>::max();
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> values{0.0,  -0.0,  std::nan(""), infinity, -infinity,
                             most, -most, tiny,         least,    tiny * 1.5 + 7 * least};
  for (const double value : {0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 7.25, 0.3, 1e-3, 1e-7, 10.0, 88.0, 89.5,
                             103.0, 255.5, 1e4, 2147483648.0, 1e10, 1e19}) {
    values.push_back(value);
    values.push_back(-value);
  }
  return values;
}

std::vector<uint64_t> special_integers(DType type) {
  const int width = type == DType::boolean ? 1 : bits(type);
  std::vector<uint64_t> values{0, 1};
  if (width == 1) return values;
  for (const uint64_t value : {2ull, 3ull, 5ull, 7ull, 31ull, 63ull, 100ull})
    values.push_back(value);
  const uint64_t all = width == 64 ? UINT64_MAX : (uint64_t{1} << width) - 1;
  for (const uint64_t value : {all, all - 1, all >> 1, (all >> 1) + 1, all / 3, all - 6})
    values.push_back(value);
  return values;
}

std::vector<Scalar> special_values(DType type) {
  std::vector<Scalar> values;
  PhiloxSequence random(42);
  if (is_floating(type)) {
    for (const double value : special_floats(type))
      values.push_back({.value = type == DType::f32 ? static_cast<float>(value) : value});
    for (int i = 0; i < 20; ++i)
      values.push_back(
          {.value = static_cast<float>((random.next_unit() - 0.5) * std::ldexp(1.0, i - 6))});
  } else {
    for (const uint64_t value : special_integers(type)) values.push_back({.bits = value});
    for (int i = 0; i < 10 && type != DType::boolean; ++i)
      values.push_back({.bits = random.next_word()});
  }
  return values;
}

constexpr DType kTypes[] = {DType::f64, DType::f32, DType::i64,    DType::i32,
                            DType::i16, DType::i8,  DType::u64,    DType::u32,
                            DType::u16, DType::u8,  DType::boolean};

bool is_defined(ScalarOp op, DType type) {
  switch (op) {
    case ScalarOp::add:
    case ScalarOp::subtract:
    case ScalarOp::multiply:
    case ScalarOp::divide:
    case ScalarOp::remainder:
    case ScalarOp::maximum:
    case ScalarOp::minimum:
    case ScalarOp::power:
    case ScalarOp::negate:
    case ScalarOp::absolute:
    case ScalarOp::less:
    case ScalarOp::less_equal:
      return type != DType::boolean;
    case ScalarOp::equal:
    case ScalarOp::not_equal:
      return true;
    case ScalarOp::bit_and:
    case ScalarOp::bit_or:
    case ScalarOp::bit_xor:
    case ScalarOp::bit_not:
      return !is_floating(type);
    case ScalarOp::shift_left:
    case ScalarOp::shift_right:
      return is_integer(type);
    default:
      return is_floating(type);
  }
}

bool gives_bool(ScalarOp op) {
  switch (op) {
    case ScalarOp::is_finite:
    case ScalarOp::equal:
    case ScalarOp::not_equal:
    case ScalarOp::less:
    case ScalarOp::less_equal:
      return true;
    default:
      return false;
  }
}

/// f32 within 2e-6, f64 within 1e-12, relative to the expected value; below the normal numbers
/// within a few of the smallest.
void expect_accurate(const Tensor& actual, const Tensor& expected,
                     const std::function<std::string(int64_t)>& what) {
  int failures = 0;
  for (int64_t i = 0; i < actual.num_elements() && failures < 3; ++i) {
    bool good = true;
    if (!is_floating(expected.dtype())) {
      good = read_scalar(actual, i).bits == read_scalar(expected, i).bits;
    } else {
      const double a = actual.get(i), b = expected.get(i);
      const bool single = expected.dtype() == DType::f32;
      const double slack = std::fabs(b) * (single ? 2e-6 : 1e-12) + (single ? 0x1p-147 : 0x1p-1072);
      good = std::isnan(b) ? std::isnan(a) : std::isinf(b) ? a == b : std::fabs(a - b) <= slack;
    }
    if (good) continue;
    ++failures;
    ADD_FAILURE() << what(i) << ": "
                  << (is_floating(expected.dtype())
                          ? fmt::format("{} for {}", actual.get(i), expected.get(i))
                          : fmt::format("{} for {}", read_scalar(actual, i).bits,
                                        read_scalar(expected, i).bits));
  }
}

void expect_operation(ScalarOp op, DType type, DType result) {
  const int count = num_operands(op);
  const std::vector<Scalar> values = special_values(type);
  const auto side = static_cast<int64_t>(values.size());
  const int64_t size = count == 2 ? side * side : side;
  std::vector<Tensor> buffers;
  for (int operand = 0; operand < count; ++operand) {
    buffers.emplace_back(type, std::vector{size});
    for (int64_t i = 0; i < size; ++i)
      write_scalar(buffers.back(), i,
                   values[static_cast<size_t>(operand == 0 ? i % side : i / side)]);
  }
  buffers.emplace_back(result, std::vector{size});
  LoopWriter w({{size, false}}, count, 1);
  std::array<int32_t, 3> operands{-1, -1, -1};
  for (int operand = 0; operand < count; ++operand)
    operands[static_cast<size_t>(operand)] = w.load(operand, type, {0, {1}});
  w.store(w.op(op, result, operands), count, result, {0, {1}});
  check(w.program);
  std::vector<Tensor> expected = clones(buffers);
  interpret(w.program, expected);
  for (const VectorIsa isa : testable_isas()) {
    std::vector<Tensor> actual = clones(buffers);
    run_compiled(w.program, actual, {.isa = isa});
    expect_accurate(actual.back(), expected.back(), [&](int64_t i) {
      std::string text =
          fmt::format("{} {} -> {} {}", name(isa), name(type), name(op), name(result));
      for (int operand = 0; operand < count; ++operand) {
        const Scalar x = read_scalar(buffers[static_cast<size_t>(operand)], i);
        text += is_floating(type) ? fmt::format(" {}", x.value)
                                  : fmt::format(" {}", static_cast<int64_t>(x.bits));
      }
      return text;
    });
  }
}

TEST(LoopScalar, EveryOperationOnEveryType) {
  for (auto op = ScalarOp::add; op < ScalarOp::select;
       op = static_cast<ScalarOp>(static_cast<int>(op) + 1))
    for (const DType type : kTypes)
      if (is_defined(op, type)) expect_operation(op, type, gives_bool(op) ? DType::boolean : type);
}

TEST(LoopScalar, EveryCast) {
  for (const DType from : kTypes)
    for (const DType to : kTypes) expect_operation(ScalarOp::cast, from, to);
}

TEST(LoopScalar, SelectTakesWholeElements) {
  const int64_t size = 45;
  LoopWriter w({{size, false}}, 3, 1);
  const int32_t condition = w.load(0, DType::boolean, {0, {1}});
  w.store(w.op(ScalarOp::select, DType::f64,
               {condition, w.load(1, DType::f64, {0, {1}}), w.load(2, DType::f64, {0, {1}})}),
          3, DType::f64, {0, {1}});
  expect_as_interpreted(
      w.program,
      {random_tensor(DType::boolean, {size}, 1), random_tensor(DType::f64, {size}, 2),
       random_tensor(DType::f64, {size}, 3), Tensor(DType::f64, {size})},
      0);
}

/// f32 values around every rounding border of a format of `mantissa_bits`, its limits included.
Tensor rounding_borders(int mantissa_bits, int lowest, int highest) {
  std::vector<float> values{0.0f,   -0.0f,  INFINITY, -INFINITY, NAN,      1e38f,
                            -3e38f, 1e-45f, 65504.0f, 65519.0f,  65520.0f, 448.0f,
                            463.0f, 464.0f, 465.0f,   57344.0f,  61439.0f, 61440.0f};
  for (int exponent = lowest; exponent <= highest; ++exponent)
    for (int step = 0; step <= 2 * (1 << mantissa_bits); step += mantissa_bits > 4 ? 37 : 1)
      for (const double nudge : {-1e-5, 0.0, 1e-5})
        values.push_back(
            static_cast<float>(std::ldexp(1.0 + (step + nudge) / (2 << mantissa_bits), exponent)) *
            (step % 2 ? 1.0f : -1.0f));
  return Tensor::of<float>({static_cast<int64_t>(values.size())}, values);
}

void expect_exact_format(DType type, int mantissa_bits, int lowest, int highest) {
  const Tensor input = rounding_borders(mantissa_bits, lowest, highest);
  const int64_t size = input.num_elements();
  // Stored short, loaded again and, in another result, rounded between registers.
  LoopWriter w({{size, false}}, 1, 2);
  const int32_t x = w.load(0, DType::f32, {0, {1}});
  w.store(x, 1, type, {0, {1}});
  w.store(w.add({.kind = LoopLine::Kind::rounded,
                 .type = DType::f32,
                 .storage = type,
                 .operands = {x, -1, -1}}),
          2, DType::f32, {0, {1}});
  LoopWriter back({{size, false}}, 1, 1);
  back.store(back.load(0, type, {0, {1}}), 1, DType::f32, {0, {1}});
  for (const VectorIsa isa : testable_isas()) {
    std::vector<Tensor> buffers{input, Tensor(type, {size}), Tensor(DType::f32, {size})};
    run_compiled(w.program, buffers, {.isa = isa});
    std::vector<Tensor> widened{buffers[1], Tensor(DType::f32, {size})};
    run_compiled(back.program, widened, {.isa = isa});
    for (int64_t i = 0; i < size; ++i) {
      Tensor expected(type, {1});
      expected.set(0, input.get(i));
      const std::string what = fmt::format("{} {} at {}", name(isa), input.get(i), i);
      if (std::isnan(expected.get(0))) {
        ASSERT_TRUE(std::isnan(buffers[1].get(i)) && std::isnan(buffers[2].get(i)) &&
                    std::isnan(widened[1].get(i)))
            << what;
        continue;
      }
      const auto bytes = static_cast<size_t>(byte_size(type));
      ASSERT_EQ(
          std::memcmp(buffers[1].bytes() + static_cast<size_t>(i) * bytes, expected.bytes(), bytes),
          0)
          << what;
      ASSERT_EQ(buffers[2].get(i), expected.get(0)) << what;
      ASSERT_EQ(widened[1].get(i), expected.get(0)) << what;
    }
  }
}

TEST(LoopScalar, Bf16RoundsToNearestEven) {
  expect_exact_format(DType::bf16, 7, -130, 127);
}
TEST(LoopScalar, F16RoundsToNearestEven) {
  expect_exact_format(DType::f16, 10, -26, 16);
}
TEST(LoopScalar, F8e4m3RoundsToNearestEven) {
  expect_exact_format(DType::f8e4m3, 3, -12, 9);
}
TEST(LoopScalar, F8e5m2RoundsToNearestEven) {
  expect_exact_format(DType::f8e5m2, 2, -19, 16);
}

TEST(LoopScalar, PositionsCountAsIntegers) {
  LoopWriter w({{5, false}, {37, false}}, 0, 2);
  w.store(w.position(DType::u64, {3, {37, 1}}), 0, DType::u64, {0, {37, 1}});
  w.store(w.op(ScalarOp::cast, DType::f32, {w.position(DType::i64, {4, {-1, 0}}), -1, -1}), 1,
          DType::f32, {0, {37, 1}});
  expect_as_interpreted(w.program, {Tensor(DType::u64, {5, 37}), Tensor(DType::f32, {5, 37})}, 0);
}

}  // namespace
}  // namespace brisk
