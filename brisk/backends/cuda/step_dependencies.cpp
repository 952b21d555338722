#include "brisk/backends/cuda/step_dependencies.h"

#include <algorithm>
#include <map>

namespace brisk::cuda {
namespace {

constexpr size_t kNone = SIZE_MAX;

/// Memory in pieces, each with the steps that touched all of it last.
class TouchedMemory {
 public:
  void read(MemoryRange range, size_t step, std::vector<size_t>& waits_for) {
    visit(range, [&](Piece& piece) {
      if (piece.writer != kNone) waits_for.push_back(piece.writer);
      piece.readers.push_back(step);
    });
  }

  void write(MemoryRange range, size_t step, std::vector<size_t>& waits_for) {
    visit(range, [&](Piece& piece) {
      if (piece.writer != kNone) waits_for.push_back(piece.writer);
      waits_for.insert(waits_for.end(), piece.readers.begin(), piece.readers.end());
      piece.writer = step;
      piece.readers.clear();
    });
  }

 private:
  struct Piece {
    size_t writer = kNone;
    std::vector<size_t> readers;  ///< since it was written
  };

  void visit(MemoryRange range, const auto& action) {
    if (range.bytes == 0) return;
    const auto end = range.begin + static_cast<DeviceAddress>(range.bytes);
    split(end);
    for (auto at = split(range.begin); at->first != end; ++at) action(at->second);
  }

  /// The piece that begins at the address; the one around it is cut in two.
  std::map<DeviceAddress, Piece>::iterator split(DeviceAddress address) {
    auto after = pieces_.lower_bound(address);
    if (after != pieces_.end() && after->first == address) return after;
    Piece around = after == pieces_.begin() ? Piece{} : std::prev(after)->second;
    return pieces_.emplace_hint(after, address, std::move(around));
  }

  std::map<DeviceAddress, Piece> pieces_;  ///< each up to the next one's begin
};

}  // namespace

std::vector<std::vector<size_t>> step_dependencies(std::span<const StepAccess> steps) {
  TouchedMemory memory;
  std::vector<std::vector<size_t>> result(steps.size());
  std::vector<std::vector<bool>> before(steps.size());  // all that a step waits for in the end
  for (size_t step = 0; step < steps.size(); ++step) {
    std::vector<size_t> found;
    for (const MemoryRange& range : steps[step].reads) memory.read(range, step, found);
    for (const MemoryRange& range : steps[step].writes) memory.write(range, step, found);
    std::ranges::sort(found, std::greater<>());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    std::vector<bool>& all = before[step];
    all.resize(step);
    for (const size_t other : found) {
      if (other == step || all[other]) continue;
      result[step].push_back(other);
      all[other] = true;
      for (size_t i = 0; i < other; ++i)
        if (before[other][i]) all[i] = true;
    }
    std::ranges::reverse(result[step]);
  }
  return result;
}

}  // namespace brisk::cuda
