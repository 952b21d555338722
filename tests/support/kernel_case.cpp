#include "tests/support/kernel_case.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/backends/cpu/kernels/kernels.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/base/philox.h"
#include "brisk/ops/standard.h"
#include "tests/support/case_graph.h"

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

KernelCase::KernelCase(const OpCase& op_case, DType type) : KernelCase() {
  std::vector<Value> operands;
  for (const Tensor& value : case_values(op_case, type)) operands.push_back(input(value));
  op_case.build(builder_, operands);
  for (NodeId id = 0; id < builder_.num_nodes(); ++id)
    if (builder_.node(id).op->name == op_case.op) chosen_ = id;
  require(chosen_ >= 0, "case {} of {} has no such node", op_case.name, op_case.op);
}

Value KernelCase::input(Tensor value) {
  inputs_.push_back(value);
  return builder_.input(fmt::format("operand_{}", inputs_.size()),
                        Type(value.dtype(), Shape(value.sizes())));
}

std::vector<Tensor> KernelCase::operands() const {
  std::map<NodeId, std::vector<Tensor>> values;
  size_t next_input = 0;
  const auto operands_of = [&](const Node& n) {
    std::vector<Tensor> tensors;
    for (const ValueId& operand : n.operands)
      tensors.push_back(values.at(operand.node).at(static_cast<size_t>(operand.result)));
    return tensors;
  };
  for (NodeId id = 0; &builder_.node(id) != &node(); ++id) {
    const Node& before = builder_.node(id);
    values[id] = before.op->name == "input" ? std::vector{inputs_.at(next_input++)}
                                            : reference::evaluate_node(before, operands_of(before));
  }
  return operands_of(node());
}

std::vector<Type> KernelCase::operand_types() const {
  std::vector<Type> types;
  for (const ValueId& operand : node().operands)
    types.push_back(builder_.node(operand.node).results[static_cast<size_t>(operand.result)]);
  return types;
}

const cpu::Kernel& KernelCase::kernel_named(std::string_view name) const {
  // The late rows refuse nothing for speed.
  static const std::vector<cpu::OpKernel> late = cpu::own_late_kernels();
  static const std::vector<cpu::OpKernel> kernels = cpu::own_kernels();
  for (const auto* list : {&late, &kernels})
    for (const cpu::OpKernel& row : *list)
      if (row.op == node().op->name && row.kernel.name == name) return row.kernel;
  refuse("there is no kernel '{}' for {}", name, node().op->name);
}

std::optional<std::string> KernelCase::refusal(std::string_view kernel) const {
  const std::vector<bool> constant(num_operands(), false);
  const std::vector<Type> types = operand_types();
  return kernel_named(kernel).refuse({node(), types, constant, 1});
}

std::vector<Tensor> KernelCase::run(std::string_view kernel, const Run& run) const {
  std::vector<bool> constant(num_operands(), false);
  if (run.constant) constant.at(1) = true;
  const std::vector<Type> types = operand_types();
  const cpu::KernelRequest request{node(), types, constant, run.threads};
  const cpu::Kernel& chosen = kernel_named(kernel);
  const auto refusal = chosen.refuse(request);
  require(!refusal, "kernel '{}' refuses: {}", kernel, refusal.value_or(""));
  const auto launch = chosen.prepare(request);

  const std::vector<Tensor> given = operands();
  std::vector<Tensor> copies;
  for (const Tensor& operand : given) copies.push_back(operand.clone());
  /// `shared`: an operand whose memory is that of the first result too; -1 for none.
  const auto once = [&](int shared) {
    std::vector<std::byte*> operand_pointers, result_pointers;
    for (Tensor& operand : copies) operand_pointers.push_back(operand.bytes());
    std::vector<Tensor> results;
    for (const Type& type : node().results) {
      const int64_t bytes = byte_size(type.dtype(), type.shape().num_elements());
      results.emplace_back(type.dtype(), type.shape().sizes(), poisoned(bytes));
      result_pointers.push_back(results.back().bytes());
    }
    if (shared >= 0) {
      const Tensor& operand = given.at(static_cast<size_t>(shared));
      std::memcpy(result_pointers[0], operand.bytes(), static_cast<size_t>(operand.num_bytes()));
      operand_pointers.at(static_cast<size_t>(shared)) = result_pointers[0];
    }
    const auto scratch = poisoned(launch->scratch_bytes());
    launch->run(operand_pointers, result_pointers, scratch.get());
    for (const Tensor& result : results)
      EXPECT_TRUE(guard_is_intact(result.bytes(), result.num_bytes())) << "wrote past its result";
    EXPECT_TRUE(guard_is_intact(scratch.get(), launch->scratch_bytes()))
        << "wrote past its scratch";
    return results;
  };
  if (run.reset) {
    std::memset(copies[1].bytes(), 0, static_cast<size_t>(copies[1].num_bytes()));
    once(-1);
    std::memcpy(copies[1].bytes(), given[1].bytes(), static_cast<size_t>(given[1].num_bytes()));
    launch->reset();
  }
  std::vector<Tensor> first = once(-1);
  const auto expect_equal = [&](const std::vector<Tensor>& other, std::string_view what) {
    for (size_t r = 0; r < first.size(); ++r)
      EXPECT_TRUE(bit_equal(first[r], other[r])) << kernel << " of " << describe() << ": " << what;
  };
  expect_equal(once(-1), "the second run differs");
  for (size_t i = 0; i < copies.size(); ++i)
    if (types[i] == node().results[0] && launch->in_place(0, i))
      expect_equal(once(static_cast<int>(i)), "in place differs");
  for (size_t i = 0; i < copies.size(); ++i)
    EXPECT_TRUE(bit_equal(copies[i], given[i])) << kernel << " wrote to an operand";
  return first;
}

std::vector<Tensor> KernelCase::expected() const {
  return reference::evaluate_node(node(), operands());
}

void expect_agrees(const KernelCase& k, std::string_view kernel, ErrorModel model,
                   double roundings) {
  const std::vector<Tensor> expected = k.expected();
  for (const char* isa : {"avx512", "avx2"}) {
    const IsaScope scope(isa);
    if (cpu::name(cpu::kernel_isa()) != isa) continue;
    for (const KernelCase::Run run : {KernelCase::Run{.threads = 1},
                                      {.threads = 2},
                                      {.threads = 2, .constant = true, .reset = true}}) {
      if (run.constant && k.num_operands() < 2) continue;
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
  for (const Type& type : operand_types()) text += " " + type.to_string();
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
