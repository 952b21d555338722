#include "brisk/backends/cpu/kernels/move/move.h"
#include "brisk/base/parallel.h"

namespace brisk::cpu {
namespace {

class UnpackIntegers final : public Launch {
 public:
  explicit UnpackIntegers(const KernelRequest& request)
      : count_(request.operands[0].shape().num_elements()), threads_(request.threads) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte*) override {
    const auto* from = reinterpret_cast<const uint8_t*>(operands[0]);
    auto* to = reinterpret_cast<int8_t*>(results[0]);
    parallel_for(count_ / 2, threads_, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        to[2 * i] = low_half(from[i]);
        to[2 * i + 1] = static_cast<int8_t>(static_cast<int8_t>(from[i]) >> 4);
      }
    });
    if (count_ % 2 != 0) to[count_ - 1] = low_half(from[count_ / 2]);
  }
  std::string name() const override { return "unpack_integers"; }

 private:
  static int8_t low_half(uint8_t pair) {
    return static_cast<int8_t>(static_cast<int8_t>(pair << 4) >> 4);
  }

  int64_t count_;
  int threads_;
};

}  // namespace

std::optional<std::string> refuse_unpack_integers(const KernelRequest&) {
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_unpack_integers(const KernelRequest& request) {
  return std::make_unique<UnpackIntegers>(request);
}

}  // namespace brisk::cpu
