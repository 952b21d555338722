#include "brisk/backends/cuda/kernels/text_launch.h"

#include "brisk/backends/cuda/kernels/quantized/quantized_kernels.h"
#include "brisk/backends/cuda/launch_function.h"
#include "brisk/backends/cuda/loop/line_writer.h"

namespace brisk::cuda {

TextLaunch::TextLaunch(std::string name, const KernelRequest& request,
                       const PrepareContext& context, const std::vector<TextKernel>& kernels,
                       int64_t workspace_bytes)
    : name_(std::move(name)), workspace_bytes_(workspace_bytes) {
  std::string parameters;
  for (size_t i = 0; i < request.operands.size(); ++i)
    parameters += fmt::format("const {}* b{}, ", storage_text(request.operands[i].dtype()), i);
  for (size_t i = 0; i < request.node.results.size(); ++i)
    parameters += fmt::format("{}* y{}, ", storage_text(request.node.results[i].dtype()), i);
  for (const TextKernel& kernel : kernels) {
    const size_t number = context.code.add(
        {kernel.stem,
         fmt::format(
             "\n{}extern \"C\" __global__ void __launch_bounds__({}) $name({}u8* workspace) {{\n"
             "  after_previous();\n  typedef u64 ix;\n{}}}\n",
             kernel.before, kernel.threads, parameters, kernel.body)});
    entries_.push_back({number, kernel.blocks, kernel.threads});
  }
}

void TextLaunch::load(const CodeLibrary& code) {
  for (Entry& entry : entries_) entry.function = code.function(entry.number);
}

void TextLaunch::enqueue(const LaunchArguments& arguments) {
  for (size_t k = 0; k < entries_.size(); ++k) enqueue_one(k, arguments);
}

void TextLaunch::enqueue_one(size_t kernel, const LaunchArguments& arguments) {
  const Entry& entry = entries_[kernel];
  if (entry.blocks == 0) return;
  addresses_.assign(arguments.operands.begin(), arguments.operands.end());
  addresses_.insert(addresses_.end(), arguments.results.begin(), arguments.results.end());
  addresses_.push_back(arguments.workspace);
  pointers_.clear();
  for (DeviceAddress& address : addresses_) pointers_.push_back(&address);
  launch_function(entry.function, {static_cast<unsigned>(entry.blocks)},
                  {static_cast<unsigned>(entry.threads)}, 0, arguments.stream, pointers_);
}

int64_t blocks_for(int64_t items, int32_t threads) {
  return (items + threads - 1) / threads;
}

std::string one_item_each(int64_t items, int32_t threads) {
  return fmt::format(
      "  const ix i = (ix)blockIdx.x * {}u + threadIdx.x;\n  if (i >= {}ull) return;\n", threads,
      items);
}

std::string accumulator_text(DType type) {
  if (type == DType::f64) return "f64";
  if (is_floating(type)) return "f32";
  return is_signed(type) ? "i64" : "u64";
}

std::string coordinates_text(const std::vector<std::string>& names, std::span<const int64_t> sizes,
                             const std::string& number) {
  // 32-bit arithmetic where the number fits: division by a known size is then one multiplication.
  int64_t total = 1;
  for (const int64_t size : sizes) total *= size;
  const std::string_view type = total < (int64_t{1} << 31) ? "u32" : "u64";
  std::string code;
  int64_t step = 1;
  for (size_t a = names.size(); a-- > 0;) {
    code += fmt::format("  const ix {} = ({})({}) / {}u % {}u;\n", names[a], type, number, step,
                        std::max<int64_t>(sizes[a], 1));
    step *= std::max<int64_t>(sizes[a], 1);
  }
  return code;
}

std::optional<std::string> refuse_packed(const KernelRequest& request) {
  for (const Type& type : request.operands)
    if (!type.is_tensor() || bits(type.dtype()) < 8) return "its elements are packed";
  return std::nullopt;
}

std::vector<OpKernel> own_kernels() {
  std::vector<OpKernel> all;
  for (auto* list : {&move_kernels, &index_kernels, &pool_kernels, &filter_kernels,
                     &quantized_kernels, &plain_kernels})
    for (OpKernel& entry : list()) all.push_back(std::move(entry));
  return all;
}

}  // namespace brisk::cuda
