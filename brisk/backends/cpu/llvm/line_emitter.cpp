#include "brisk/backends/cpu/llvm/line_emitter.h"

#include "brisk/backends/cpu/llvm/memory_format.h"
#include "brisk/backends/cpu/llvm/scalar_operation.h"

namespace brisk {

using llvm::Value;

bool LineEmitter::stores_in(const LoopStore& store, int phase, bool reduced_stores) const {
  const auto line = static_cast<size_t>(store.line);
  return program_.lines[line].reduced == reduced_stores && plan_.line_phase[line] == phase;
}

Point LineEmitter::outermost() const {
  Point point;
  point.index.resize(program_.axes.size());
  point.scalar.resize(program_.lines.size());
  point.load_row.resize(program_.loads.size());
  point.store_row.resize(program_.stores.size());
  point.position_row.resize(program_.positions.size());
  return point;
}

Body LineEmitter::body(const Point& point, Value* base, int active) const {
  return {&point, base, active, std::vector<Value*>(program_.lines.size())};
}

Value* LineEmitter::element_index(const Point& point, const AffineIndex& at, bool with_inner) {
  Value* sum = b_.getInt64(static_cast<uint64_t>(at.offset));
  for (size_t a = 0; a < at.strides.size(); ++a) {
    if (at.strides[a] == 0 || (a == inner_axis() && !with_inner) || point.index[a] == nullptr)
      continue;
    Value* stride = b_.getInt64(static_cast<uint64_t>(at.strides[a]));
    sum = b_.CreateAdd(sum, b_.CreateMul(point.index[a], stride));
  }
  return sum;
}

Value* LineEmitter::address(int32_t buffer, DType type, Value* element) {
  return b_.CreateGEP(b_.memory_element(type), buffers_[static_cast<size_t>(buffer)], element);
}

Value* LineEmitter::compute(const LoopLine& line, llvm::ArrayRef<Value*> operands) {
  if (line.kind == LoopLine::Kind::rounded)
    return decode(b_, encode(b_, operands[0], line.storage), line.storage);
  const DType operand_type =
      line.operands[0] < 0 ? line.type : program_.lines[static_cast<size_t>(line.operands[0])].type;
  return emit_operation(b_, line, operand_type, operands);
}

Value* LineEmitter::scalar(Point& point, int32_t number) {
  Value*& value = point.scalar[static_cast<size_t>(number)];
  if (value != nullptr) return value;
  const LoopLine& line = program_.lines[static_cast<size_t>(number)];
  if (line.kind == LoopLine::Kind::load) {
    const LoopLoad& from = program_.loads[static_cast<size_t>(line.index)];
    return value =
               load(b_, from.type,
                    address(from.buffer, from.type, element_index(point, from.at, true)), 0, 1, 1);
  }
  if (line.kind == LoopLine::Kind::position)
    return value = element_index(point, program_.positions[static_cast<size_t>(line.index)], true);
  llvm::SmallVector<Value*> operands;
  for (const int32_t operand : line.operands)
    if (operand >= 0) operands.push_back(scalar(point, operand));
  return value = compute(line, operands);
}

void LineEmitter::hoist(Point& point, const LineSet& needed) {
  uint64_t open = 0;
  for (size_t a = 0; a < point.index.size(); ++a)
    if (point.index[a] != nullptr) open |= uint64_t{1} << a;
  for (size_t i = 0; i < needed.size(); ++i) {
    const auto line = static_cast<int32_t>(i);
    if (!needed[i] || point.scalar[i] != nullptr || varies_inside(line)) continue;
    if ((plan_.line_axes[i] & ~open) != 0) continue;
    // A reduction's result is put in by whoever folded it.
    if (program_.lines[i].kind != LoopLine::Kind::reduction) scalar(point, line);
  }
}

void LineEmitter::open_rows(Point& point, const LineSet& needed, int phase, bool reduced_stores) {
  for (size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i] || !varies_inside(static_cast<int32_t>(i))) continue;
    const LoopLine& line = program_.lines[i];
    const auto number = static_cast<size_t>(line.index);
    if (line.kind == LoopLine::Kind::load) {
      const LoopLoad& from = program_.loads[number];
      point.load_row[number] =
          address(from.buffer, from.type, element_index(point, from.at, false));
    } else if (line.kind == LoopLine::Kind::position) {
      point.position_row[number] = element_index(point, program_.positions[number], false);
    }
  }
  for (size_t i = 0; i < program_.stores.size(); ++i) {
    const LoopStore& to = program_.stores[i];
    if (stores_in(to, phase, reduced_stores))
      point.store_row[i] = address(to.buffer, to.type, element_index(point, to.at, false));
  }
}

Value* LineEmitter::vector(Body& body, int32_t number) {
  Value*& value = body.value[static_cast<size_t>(number)];
  if (value != nullptr) return value;
  const LoopLine& line = program_.lines[static_cast<size_t>(number)];
  const auto index = static_cast<size_t>(line.index);
  if (!varies_inside(number))
    return value = b_.splat(body.point->scalar[static_cast<size_t>(number)], plan_.lanes);
  if (line.kind == LoopLine::Kind::load) {
    const LoopLoad& from = program_.loads[index];
    const int64_t stride = inner_stride(from.at);
    Value* element = b_.CreateMul(body.base, b_.getInt64(static_cast<uint64_t>(stride)));
    Value* place = b_.CreateGEP(b_.memory_element(from.type), body.point->load_row[index], element);
    return value = load(b_, from.type, place, stride, plan_.lanes, body.active);
  }
  if (line.kind == LoopLine::Kind::position) {
    const int64_t stride = inner_stride(program_.positions[index]);
    Value* first =
        b_.CreateAdd(body.point->position_row[index],
                     b_.CreateMul(body.base, b_.getInt64(static_cast<uint64_t>(stride))));
    llvm::SmallVector<uint64_t> steps;
    for (int lane = 0; lane < plan_.lanes; ++lane)
      steps.push_back(static_cast<uint64_t>(lane * stride));
    Value* lanes = plan_.lanes == 1 ? static_cast<Value*>(b_.getInt64(0))
                                    : llvm::ConstantDataVector::get(b_.getContext(), steps);
    return value = b_.CreateAdd(b_.splat(first, plan_.lanes), lanes);
  }
  llvm::SmallVector<Value*> operands;
  for (const int32_t operand : line.operands)
    if (operand >= 0) operands.push_back(vector(body, operand));
  return value = compute(line, operands);
}

void LineEmitter::store_vectors(Body& body, int phase, bool reduced_stores) {
  // All values before the first store: a result may lie in the memory of an operand that another
  // result reads at the same element.
  std::vector<Value*> values(program_.stores.size());
  for (size_t i = 0; i < program_.stores.size(); ++i)
    if (stores_in(program_.stores[i], phase, reduced_stores))
      values[i] = vector(body, program_.stores[i].line);
  for (size_t i = 0; i < program_.stores.size(); ++i) {
    const LoopStore& to = program_.stores[i];
    if (!stores_in(to, phase, reduced_stores)) continue;
    const int64_t stride = inner_stride(to.at);
    Value* element = b_.CreateMul(body.base, b_.getInt64(static_cast<uint64_t>(stride)));
    Value* place = b_.CreateGEP(b_.memory_element(to.type), body.point->store_row[i], element);
    store(b_, values[i], to.type, place, stride, body.active, plan_.streamed[i]);
  }
}

void LineEmitter::store_scalars(const Point& point, int phase) {
  for (const LoopStore& to : program_.stores) {
    if (!stores_in(to, phase, true)) continue;
    Value* place = address(to.buffer, to.type, element_index(point, to.at, true));
    store(b_, point.scalar[static_cast<size_t>(to.line)], to.type, place, 0, 1);
  }
}

}  // namespace brisk
