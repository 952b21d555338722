#include "brisk/backends/loop/loop_axes.h"

#include <algorithm>
#include <functional>

namespace brisk {
namespace {

void for_each_access(LoopProgram& program, const std::function<void(AffineIndex&)>& visit) {
  for (LoopLoad& load : program.loads) visit(load.at);
  for (AffineIndex& position : program.positions) visit(position);
  for (LoopStore& store : program.stores) visit(store.at);
}

void remove_axis(LoopProgram& program, size_t axis) {
  program.axes.erase(program.axes.begin() + static_cast<std::ptrdiff_t>(axis));
  for_each_access(program, [&](AffineIndex& at) {
    at.strides.erase(at.strides.begin() + static_cast<std::ptrdiff_t>(axis));
  });
}

void drop_single_axes(LoopProgram& program) {
  for (size_t a = program.axes.size(); a-- > 0;)
    if (program.axes[a].size == 1 && program.axes.size() > 1) remove_axis(program, a);
}

/// Axis a and the next, as one, where every access steps over the outer as over a whole inner one.
bool merge_with_next(LoopProgram& program, size_t a) {
  if (program.axes[a].reduced != program.axes[a + 1].reduced) return false;
  const int64_t inner = program.axes[a + 1].size;
  bool fits = true;
  for_each_access(program,
                  [&](AffineIndex& at) { fits &= at.strides[a] == at.strides[a + 1] * inner; });
  if (!fits) return false;
  program.axes[a + 1].size *= program.axes[a].size;
  remove_axis(program, a);
  return true;
}

void merge_axes(LoopProgram& program) {
  for (size_t a = program.axes.size(); a-- > 1;) merge_with_next(program, a - 1);
}

void order_axes(LoopProgram& program) {
  const size_t rank = program.axes.size();
  const auto is_folded = [](const LoopAxis& axis) { return axis.reduced; };
  const bool folds = std::any_of(program.axes.begin(), program.axes.end(), is_folded);
  std::vector<size_t> order;
  for (size_t a = 0; a < rank; ++a)
    if (!program.axes[a].reduced && (a + 1 < rank || !folds)) order.push_back(a);
  for (size_t a = 0; a < rank; ++a)
    if (program.axes[a].reduced) order.push_back(a);
  if (order.size() < rank) order.push_back(rank - 1);
  const auto permute = [&](auto& list) {
    auto old = list;
    for (size_t i = 0; i < rank; ++i) list[i] = old[order[i]];
  };
  permute(program.axes);
  for_each_access(program, [&](AffineIndex& at) { permute(at.strides); });
}

}  // namespace

void arrange_axes(LoopProgram& program) {
  if (program.axes.empty()) {
    program.axes.push_back({});
    for_each_access(program, [](AffineIndex& at) { at.strides.push_back(0); });
  }
  drop_single_axes(program);
  merge_axes(program);
  order_axes(program);
  merge_axes(program);
}

}  // namespace brisk
