#include "brisk/backends/cpu/onednn/primitive.h"

#include "brisk/base/shape.h"

namespace brisk::cpu {

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

namespace {

dnnl::stream& cpu_stream() {
  thread_local dnnl::stream stream(cpu_engine());
  return stream;
}

}  // namespace

std::optional<dnnl::memory::data_type> onednn_type(DType type) {
  switch (type) {
    case DType::f32:
      return dnnl::memory::data_type::f32;
    case DType::bf16:
      return dnnl::memory::data_type::bf16;
    case DType::i32:
      return dnnl::memory::data_type::s32;
    case DType::i8:
      return dnnl::memory::data_type::s8;
    case DType::u8:
      return dnnl::memory::data_type::u8;
    default:
      return std::nullopt;
  }
}

dnnl::memory::desc strided(const std::vector<int64_t>& sizes, DType type,
                           const std::vector<int64_t>& strides) {
  return dnnl::memory::desc(sizes, *onednn_type(type), strides);
}

dnnl::memory::desc row_major(const std::vector<int64_t>& sizes, DType type) {
  return strided(sizes, type, row_major_strides(sizes));
}

dnnl::memory::desc any_layout(const std::vector<int64_t>& sizes, DType type) {
  return dnnl::memory::desc(sizes, *onednn_type(type), dnnl::memory::format_tag::any);
}

BoundPrimitive::BoundPrimitive(dnnl::primitive primitive, std::vector<Argument> arguments)
    : primitive_(std::move(primitive)), arguments_(std::move(arguments)) {
  for (const Argument& argument : arguments_)
    memories_.emplace(argument.id, dnnl::memory(argument.desc, cpu_engine(), nullptr));
}

void BoundPrimitive::run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
                         std::byte* scratch) {
  for (const Argument& argument : arguments_) {
    std::byte* data = nullptr;
    switch (argument.source) {
      case Source::operand:
        data = operands[argument.index];
        break;
      case Source::result:
        data = results[argument.index];
        break;
      case Source::scratch:
        data = scratch + argument.offset;
        break;
      case Source::own:
        data = argument.memory;
        break;
    }
    memories_.at(argument.id).set_data_handle(data);
  }
  primitive_.execute(cpu_stream(), memories_);
}

bool is_reference(const std::string& implementation) {
  return implementation.find("ref") != std::string::npos;
}

}  // namespace brisk::cpu
