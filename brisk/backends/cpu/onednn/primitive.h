#pragma once

/// oneDNN's types made from brisk's, and a primitive that owns everything but its data.
/// Source: oneDNN 2.6 developer guide.

#include <dnnl.hpp>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "brisk/ir/type.h"

namespace brisk::cpu {

/// The processor, one engine a process.
const dnnl::engine& cpu_engine();

/// f32, bf16, s32, s8, u8; nothing for types that oneDNN lacks.
std::optional<dnnl::memory::data_type> onednn_type(DType type);

/// A descriptor of any strides, in elements.
dnnl::memory::desc strided(const std::vector<int64_t>& sizes, DType type,
                           const std::vector<int64_t>& strides);
/// A plain row-major descriptor.
dnnl::memory::desc row_major(const std::vector<int64_t>& sizes, DType type);
/// The same sizes in a layout that the primitive may choose.
dnnl::memory::desc any_layout(const std::vector<int64_t>& sizes, DType type);

/// One step of a launch: a primitive and, per argument, where its memory comes from.
class BoundPrimitive {
 public:
  enum class Source : uint8_t { operand, result, scratch, own };
  struct Argument {
    int id;  ///< DNNL_ARG_...
    dnnl::memory::desc desc;
    Source source;
    size_t index;                 ///< operand or result number
    int64_t offset = 0;           ///< into the scratch, in bytes
    std::byte* memory = nullptr;  ///< the launch's own
  };

  BoundPrimitive(dnnl::primitive primitive, std::vector<Argument> arguments);
  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch);

 private:
  dnnl::primitive primitive_;
  std::vector<Argument> arguments_;
  std::unordered_map<int, dnnl::memory> memories_;
};

/// "onednn/brgconv:avx512_core" from a primitive descriptor.
template <typename PrimitiveDesc>
std::string implementation_name(const PrimitiveDesc& desc) {
  return std::string("onednn/") + desc.impl_info_str();
}
/// True for oneDNN's own reference implementations.
bool is_reference(const std::string& implementation);

}  // namespace brisk::cpu
