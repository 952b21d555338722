#include "tests/support/kernel_case.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/backends/cpu/kernels/kernels.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/base/philox.h"
#include "brisk/ops/standard.h"

namespace brisk::testing {
namespace {

constexpr uint64_t kKey = 0x6b65726e656c;
/// Bytes of 0xff: NaN in every floating type, so that what is read before it is written shows.
constexpr int kPoison = 0xff;
/// Bytes after each result and the scratch that no kernel may touch.
constexpr int64_t kGuard = 256;

std::shared_ptr<std::byte[]> poisoned(int64_t bytes) {
  auto memory = allocate_aligned(bytes + kGuard);
  std::memset(memory.get(), kPoison, static_cast<size_t>(bytes + kGuard));
  return memory;
}

bool guard_is_intact(const std::byte* memory, int64_t bytes) {
  for (int64_t i = bytes; i < bytes + kGuard; ++i)
    if (memory[i] != static_cast<std::byte>(kPoison)) return false;
  return true;
}

}  // namespace

Tensor random_tensor(DType type, std::vector<int64_t> sizes, uint64_t seed) {
  Tensor tensor(type, std::move(sizes));
  PhiloxSequence sequence(kKey + seed);
  const double scale = is_floating(type) ? 1 : 20;
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    const double value = sequence.next_normal() * scale;
    const bool is_unsigned = !is_floating(type) && !is_signed(type);
    tensor.set(i, is_unsigned ? std::abs(value) : value);
  }
  return tensor;
}

KernelCase::KernelCase() : builder_(standard_ops()) {}

Value KernelCase::input(Tensor value) {
  operands_.push_back(value);
  return builder_.input(fmt::format("operand_{}", operands_.size()),
                        Type(value.dtype(), Shape(value.sizes())));
}

const cpu::Kernel& KernelCase::kernel_named(std::string_view name) const {
  static const std::vector<cpu::OpKernel> kernels = cpu::own_kernels();
  for (const cpu::OpKernel& row : kernels)
    if (row.op == node().op->name && row.kernel.name == name) return row.kernel;
  refuse("there is no kernel '{}' for {}", name, node().op->name);
}

cpu::KernelRequest KernelCase::request(const std::vector<bool>& constant, int threads) const {
  types_.clear();
  for (const Tensor& operand : operands_)
    types_.emplace_back(operand.dtype(), Shape(operand.sizes()));
  return {node(), types_, constant, threads, true};
}

std::optional<std::string> KernelCase::refusal(std::string_view kernel) const {
  const std::vector<bool> constant(operands_.size(), false);
  return kernel_named(kernel).refuse(request(constant, 1));
}

std::vector<Tensor> KernelCase::run(std::string_view kernel, const Run& run) const {
  std::vector<bool> constant(operands_.size(), false);
  if (run.constant) constant.at(1) = true;
  const cpu::KernelRequest asked = request(constant, run.threads);
  const cpu::Kernel& chosen = kernel_named(kernel);
  const auto refusal = chosen.refuse(asked);
  require(!refusal, "kernel '{}' refuses: {}", kernel, refusal.value_or(""));
  const auto launch = chosen.prepare(asked);

  std::vector<Tensor> operands;
  for (const Tensor& operand : operands_) operands.push_back(operand.clone());
  std::vector<std::byte*> operand_pointers;
  for (Tensor& operand : operands) operand_pointers.push_back(operand.bytes());
  const auto once = [&] {
    std::vector<Tensor> results;
    std::vector<std::byte*> pointers;
    for (const Type& type : node().results) {
      const int64_t bytes = byte_size(type.dtype(), type.shape().num_elements());
      results.emplace_back(type.dtype(), type.shape().sizes(), poisoned(bytes));
      pointers.push_back(results.back().bytes());
    }
    const auto scratch = poisoned(launch->scratch_bytes());
    launch->run(operand_pointers, pointers, scratch.get());
    for (const Tensor& result : results)
      EXPECT_TRUE(guard_is_intact(result.bytes(), result.num_bytes())) << "wrote past its result";
    EXPECT_TRUE(guard_is_intact(scratch.get(), launch->scratch_bytes())) << "wrote past its scratch";
    return results;
  };
  if (run.reset) {
    std::memset(operands[1].bytes(), 0, static_cast<size_t>(operands[1].num_bytes()));
    once();
    std::memcpy(operands[1].bytes(), operands_[1].bytes(),
                static_cast<size_t>(operands_[1].num_bytes()));
    launch->reset();
  }
  std::vector<Tensor> first = once();
  const std::vector<Tensor> second = once();
  for (size_t r = 0; r < first.size(); ++r)
    EXPECT_TRUE(bit_equal(first[r], second[r])) << kernel << " is not deterministic";
  for (size_t i = 0; i < operands.size(); ++i)
    EXPECT_TRUE(bit_equal(operands[i], operands_[i])) << kernel << " wrote to an operand";
  return first;
}

std::vector<Tensor> KernelCase::expected() const {
  return reference::evaluate_node(node(), operands_);
}

void expect_agrees(const KernelCase& k, std::string_view kernel, ErrorModel model,
                   double roundings) {
  const std::vector<Tensor> expected = k.expected();
  for (const char* isa : {"avx512", "avx2"}) {
    const IsaScope scope(isa);
    if (cpu::name(cpu::kernel_isa()) != isa) continue;
    for (const KernelCase::Run run : {KernelCase::Run{.threads = 1}, {.threads = 2},
                                      {.threads = 2, .constant = true, .reset = true}}) {
      if (run.constant && !k.has_second_operand()) continue;
      const std::vector<Tensor> results = k.run(kernel, run);
      for (size_t r = 0; r < expected.size(); ++r)
        EXPECT_EQ(difference(expected[r], results[r], model, roundings), "")
            << kernel << " of " << k.describe() << ", result " << r << ", " << isa << ", "
            << run.threads << " threads" << (run.constant ? ", constant" : "");
    }
  }
}

void expect_refusal(const KernelCase& k, std::string_view kernel, std::string_view reason) {
  const auto refusal = k.refusal(kernel);
  ASSERT_TRUE(refusal.has_value()) << kernel << " takes " << k.describe();
  EXPECT_NE(refusal->find(reason), std::string::npos) << *refusal;
}

std::string KernelCase::describe() const {
  std::string text = node().op->name;
  for (const Tensor& operand : operands_) text += " " + operand.describe();
  for (const NamedAttribute& attribute : node().attributes.list())
    if (const auto* numbers = std::get_if<std::vector<int64_t>>(&attribute.value))
      text += fmt::format(" {}=[{}]", attribute.name, fmt::join(*numbers, ", "));
  return text;
}

IsaScope::IsaScope(const char* isa) {
  if (const char* value = std::getenv("BRISK_CPU_ISA")) previous_ = value;
  setenv("BRISK_CPU_ISA", isa, 1);
}

IsaScope::~IsaScope() {
  if (previous_)
    setenv("BRISK_CPU_ISA", previous_->c_str(), 1);
  else
    unsetenv("BRISK_CPU_ISA");
}

}  // namespace brisk::testing
