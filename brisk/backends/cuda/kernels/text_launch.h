#pragma once

/// Launches of kernels whose text stands in this folder. Every kernel gets the addresses of the
/// operands, then of the results, then of the workspace; in its text they are named b0, b1, ...,
/// y0, y1, ... and workspace.

#include <string>
#include <vector>

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda {

struct TextKernel {
  std::string stem;
  std::string body;    ///< statements; `ix` is u64
  int64_t blocks = 0;  ///< 0: nothing to do
  int32_t threads = 256;
  std::string before;  ///< device functions; their names contain $name
};

class TextLaunch : public Launch {
 public:
  TextLaunch(std::string name, const KernelRequest& request, const PrepareContext& context,
             const std::vector<TextKernel>& kernels, int64_t workspace_bytes = 0);
  void load(const CodeLibrary& code) override;
  void enqueue(const LaunchArguments& arguments) override;
  int64_t workspace_bytes() const override { return workspace_bytes_; }
  std::string name() const override { return name_; }

 protected:
  void enqueue_one(size_t kernel, const LaunchArguments& arguments);

 private:
  std::string name_;
  int64_t workspace_bytes_ = 0;
  struct Entry {
    size_t number;
    int64_t blocks;
    int32_t threads;
    DeviceFunction function;
  };
  std::vector<Entry> entries_;
  std::vector<DeviceAddress> addresses_;
  std::vector<void*> pointers_;
};

/// Blocks of `threads` for `items`, one an item.
int64_t blocks_for(int64_t items, int32_t threads = 256);
/// "const ix i = ...; if (i >= items) return;"
std::string one_item_each(int64_t items, int32_t threads = 256);
/// The accumulator's type: f32 for short floats and f32, f64, i64 or u64 for integers.
std::string accumulator_text(DType type);
/// Statements that declare `names[a]` from the row-major number `number` over `sizes`.
std::string coordinates_text(const std::vector<std::string>& names, std::span<const int64_t> sizes,
                             const std::string& number);
/// Why elements of this type are not handled: packed ones.
std::optional<std::string> refuse_packed(const KernelRequest& request);

// Shorthand over a request.
inline std::vector<int64_t> operand_sizes(const KernelRequest& request, size_t i) {
  return request.operands[i].shape().sizes();
}
inline std::vector<int64_t> result_sizes(const KernelRequest& request, size_t i = 0) {
  return request.node.results[i].shape().sizes();
}

std::vector<OpKernel> move_kernels();
std::vector<OpKernel> index_kernels();
std::vector<OpKernel> pool_kernels();
std::vector<OpKernel> filter_kernels();
std::vector<OpKernel> plain_kernels();
/// Of ops that loops take too, and better.
std::vector<OpKernel> transpose_kernels();

}  // namespace brisk::cuda
