#include "brisk/backends/cpu/llvm/loop_emitter.h"

#include <functional>
#include <string>

#include "brisk/backends/cpu/llvm/line_emitter.h"
#include "brisk/backends/cpu/llvm/scalar_operation.h"
#include "brisk/backends/cpu/llvm/scratch_access.h"

// The nest, outermost first: kept units (an odometer over the outer kept axes and the blocks of the
// innermost axis), the reduced axes, the vectors of the innermost axis. Loops over fixed sizes keep
// their accumulators in stack slots, which the optimiser turns into registers.
//
// Rows:    accumulators[reduction][turn] are vectors in slots; folded lane by lane after the loop.
// Columns: accumulators lie in scratch, one per kept index of the unit (or of the whole kept space
//          when parts are folded); several rows are added in one pass over them.

namespace brisk {

using llvm::Value;

namespace {

/// A share of the innermost axis: [low, high); `whole` when it is known to be all of it.
struct Range {
  Value* low;
  Value* high;
  bool whole;
};

class LoopEmitter {
 public:
  LoopEmitter(llvm::Module& module, const LoopProgram& program, const LoopPlan& plan)
      : b_(module, plan.isa), program_(program), plan_(plan), lines_(b_, program, plan) {
    const size_t rank = program.axes.size();
    for (size_t a = 0; a < rank; ++a) {
      if (program.axes[a].reduced)
        reduced_.push_back(a);
      else if (a + 1 < rank)
        outer_.push_back(a);
    }
  }

  void emit() {
    if (!plan_.split_reduced) return emit_main();
    for (int phase = 0; phase < plan_.num_phases; ++phase) {
      emit_accumulate(phase);
      if (has_lines(plan_.needed_after[static_cast<size_t>(phase)])) emit_finish(phase);
    }
  }

 private:
  // ---- functions ------------------------------------------------------------------------------

  void begin_function(const std::string& name) {
    llvm::Type* pointer = b_.getPtrTy();
    llvm::Type* integer = b_.getInt64Ty();
    auto* type = llvm::FunctionType::get(b_.getVoidTy(),
                                         {pointer, integer, integer, pointer, integer}, false);
    auto* function =
        llvm::Function::Create(type, llvm::Function::ExternalLinkage, name, b_.module());
    function->setDoesNotThrow();
    const std::string width = std::to_string(b_.register_bits());
    function->addFnAttr("min-legal-vector-width", width);
    function->addFnAttr("prefer-vector-width", width);
    b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function));
    begin_ = function->getArg(1);
    end_ = function->getArg(2);
    scratch_ = function->getArg(3);
    part_ = function->getArg(4);
    // The slots precede everything else of the entry block; its code goes into a block of its own.
    auto* start = llvm::BasicBlock::Create(b_.getContext(), "", function);
    b_.CreateBr(start);
    b_.SetInsertPoint(start);
    std::vector<Value*> buffers;
    for (int32_t i = 0; i < program_.num_operands + program_.num_results; ++i)
      buffers.push_back(b_.CreateLoad(
          pointer, b_.CreateConstGEP1_64(pointer, function->getArg(0), static_cast<uint64_t>(i))));
    lines_.set_buffers(std::move(buffers));
  }

  void emit_main() {
    begin_function("main");
    part_base_ = part_address(part_);
    root_ = lines_.outermost();
    if (plan_.shape == LoopPlan::Shape::pointwise) prepare_outside();
    kept_units([&](Point& point, const Range& range) {
      for (int phase = 0; phase < plan_.num_phases; ++phase) {
        phase_ = phase;
        switch (plan_.shape) {
          case LoopPlan::Shape::pointwise:
            pointwise(point, range);
            break;
          case LoopPlan::Shape::row:
            row(point);
            break;
          case LoopPlan::Shape::column:
            column(point, range);
            break;
        }
      }
    });
    b_.CreateRetVoid();
  }

  void emit_accumulate(int phase) {
    phase_ = phase;
    begin_function("accumulate_" + std::to_string(phase));
    part_base_ = part_address(part_);
    // Nothing is hoisted out here: results of earlier phases are read at each kept index.
    nest(outer_, 0, lines_.outermost(), LineSet(program_.lines.size()), [&](Point& point) {
      if (plan_.shape == LoopPlan::Shape::row)
        row(point);
      else
        column(point, whole());
    });
    b_.CreateRetVoid();
  }

  void emit_finish(int phase) {
    phase_ = phase;
    begin_function("finish_" + std::to_string(phase));
    root_ = lines_.outermost();
    kept_units([&](Point& point, const Range& range) {
      if (plan_.shape == LoopPlan::Shape::row) {
        import_scalars(point);
        for (size_t r = 0; r < program_.reductions.size(); ++r)
          if (in_phase(r)) set_reduced(point.scalar, r, combine_parts(r, kept_index(point), 1));
        after_row(point);
      } else {
        after_column(point, range, [&](size_t r, Value* base) {
          return combine_parts(r, b_.CreateAdd(kept_offset(point), base), plan_.lanes);
        });
      }
    });
    b_.CreateRetVoid();
  }

  // ---- units and loops ------------------------------------------------------------------------

  Value* constant(int64_t value) { return b_.getInt64(static_cast<uint64_t>(value)); }
  int64_t size(size_t axis) const { return program_.axes[axis].size; }
  int64_t inner_size() const { return program_.axes.back().size; }
  Range whole() { return {constant(0), constant(inner_size()), true}; }
  const LineSet& at_points() const { return plan_.needed_at_points[static_cast<size_t>(phase_)]; }
  const LineSet& after() const { return plan_.needed_after[static_cast<size_t>(phase_)]; }
  static bool has_lines(const LineSet& set) {
    for (const bool member : set)
      if (member) return true;
    return false;
  }

  /// For each unit in [begin, end): the outer kept axes opened, and its block of the innermost
  /// axis.
  void kept_units(const std::function<void(Point&, const Range&)>& body) {
    const bool blocks = plan_.shape != LoopPlan::Shape::row && plan_.inner_units > 1;
    std::vector<int64_t> sizes;
    for (const size_t axis : outer_) sizes.push_back(size(axis));
    if (blocks) sizes.push_back(plan_.inner_units);
    // The digits of the unit's number: divided out once, then counted like an odometer.
    std::vector<llvm::AllocaInst*> digits;
    for (size_t i = 0; i < sizes.size(); ++i) digits.push_back(b_.slot(b_.getInt64Ty()));
    Value* rest = begin_;
    for (size_t i = sizes.size(); i-- > 0;) {
      const bool first = i == 0;
      b_.CreateStore(first ? rest : b_.CreateURem(rest, constant(sizes[i])), digits[i]);
      if (!first) rest = b_.CreateUDiv(rest, constant(sizes[i]));
    }
    b_.loop(begin_, end_, 1, [&](Value*) {
      Point point = root_;
      for (size_t i = 0; i < outer_.size(); ++i)
        point.index[outer_[i]] = b_.CreateLoad(b_.getInt64Ty(), digits[i]);
      Range range = whole();
      if (blocks) {
        range.low =
            b_.CreateMul(b_.CreateLoad(b_.getInt64Ty(), digits.back()), constant(plan_.block));
        range.high = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin,
                                              b_.CreateAdd(range.low, constant(plan_.block)),
                                              constant(inner_size()));
        range.whole = false;
      }
      body(point, range);
      Value* carry = constant(1);
      for (size_t i = sizes.size(); i-- > 0;) {
        Value* next = b_.CreateAdd(b_.CreateLoad(b_.getInt64Ty(), digits[i]), carry);
        Value* full = b_.CreateICmpEQ(next, constant(sizes[i]));
        b_.CreateStore(b_.CreateSelect(full, constant(0), next), digits[i]);
        carry = b_.CreateZExt(full, b_.getInt64Ty());
      }
    });
  }

  /// Loops over axes[from...], the first reduced axis over [begin, end) when parts are folded.
  void nest(const std::vector<size_t>& axes, size_t from, Point point, const LineSet& needed,
            const std::function<void(Point&)>& body) {
    lines_.hoist(point, needed);
    if (from == axes.size()) return body(point);
    const auto [low, high] = bounds(axes[from]);
    b_.loop(low, high, 1, [&](Value* index) {
      Point inside = point;
      inside.index[axes[from]] = index;
      nest(axes, from + 1, std::move(inside), needed, body);
    });
  }
  std::pair<Value*, Value*> bounds(size_t axis) {
    if (plan_.split_reduced && axis == reduced_.front()) return {begin_, end_};
    return {constant(0), constant(size(axis))};
  }

  /// Calls body(bases, active) for the vectors of `range`: up to `unroll` at a time, then one by
  /// one, then the tail that does not fill a vector.
  template <typename F>
  void vectors(const Range& range, int unroll, F&& body) {
    const int lanes = plan_.lanes;
    const int64_t full = inner_size() / lanes * lanes, tail = inner_size() - full;
    const auto turn = [&](Value* first, int count) {
      llvm::SmallVector<Value*> bases;
      for (int u = 0; u < count; ++u)
        bases.push_back(u == 0 ? first : b_.CreateAdd(first, constant(u * lanes)));
      body(llvm::ArrayRef<Value*>(bases), lanes);
    };
    constexpr int64_t kStraight = 4;  // so few vectors need no loop
    if (range.whole && full / lanes <= kStraight) {
      for (int64_t i = 0; i < full; i += int64_t{unroll} * lanes)
        turn(constant(i), static_cast<int>(std::min<int64_t>(unroll, (full - i) / lanes)));
    } else if (full > 0) {
      Value* high =
          range.whole ? constant(full)
                      : b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, range.high, constant(full));
      Value* low = range.low;
      if (unroll > 1) {
        const int64_t step = int64_t{unroll} * lanes;
        Value* turns = b_.CreateSDiv(b_.CreateSub(high, low), constant(step));
        Value* middle = b_.CreateAdd(low, b_.CreateMul(turns, constant(step)));
        b_.loop(low, middle, step, [&](Value* i) { turn(i, unroll); });
        low = middle;
      }
      if (unroll == 1 || !range.whole || full % (int64_t{unroll} * lanes) != 0)
        b_.loop(low, high, lanes, [&](Value* i) { turn(i, 1); });
    }
    if (tail == 0) return;
    const auto last = [&] { body(llvm::ArrayRef<Value*>(constant(full)), static_cast<int>(tail)); };
    if (range.whole)
      last();
    else
      b_.when(b_.CreateICmpEQ(range.high, constant(inner_size())), last);
  }

  // ---- pointwise ------------------------------------------------------------------------------

  /// What no outer axis changes is computed before the loop over units: scalars, and, where the
  /// innermost axis is a few vectors (channels), all that depends on it alone (scales, shifts).
  void prepare_outside() {
    lines_.hoist(root_, at_points());
    constexpr int64_t kFewVectors = 4;
    const int64_t lanes = plan_.lanes, count = (inner_size() + lanes - 1) / lanes;
    if (outer_.empty() || plan_.inner_units > 1 || count > kFewVectors) return;
    const uint64_t inner_only = uint64_t{1} << lines_.inner_axis();
    LineSet alone = at_points();
    for (size_t i = 0; i < alone.size(); ++i)
      alone[i] = alone[i] && plan_.line_axes[i] == inner_only;
    lines_.open_rows(root_, alone, -1, false);
    vectors(whole(), 1, [&](llvm::ArrayRef<Value*> bases, int active) {
      Body body = lines_.body(root_, bases[0], active);
      for (size_t i = 0; i < alone.size(); ++i)
        if (alone[i]) lines_.vector(body, static_cast<int32_t>(i));
      body.point = nullptr;
      before_units_.push_back(std::move(body));
    });
  }

  void pointwise(Point point, const Range& range) {
    const LineSet& needed = at_points();
    lines_.hoist(point, needed);
    lines_.open_rows(point, needed, phase_, false);
    size_t vector = 0;
    vectors(range, plan_.unroll, [&](llvm::ArrayRef<Value*> bases, int active) {
      for (Value* base : bases) {
        Body body = lines_.body(point, base, active);
        if (!before_units_.empty()) body.value = before_units_[vector++].value;
        lines_.store_vectors(body, phase_, false);
      }
    });
  }

  // ---- reductions -----------------------------------------------------------------------------

  const LoopReduction& reduction(size_t r) const { return program_.reductions[r]; }
  DType line_type(int32_t line) const { return program_.lines[static_cast<size_t>(line)].type; }
  DType type(size_t r) const { return line_type(reduction(r).line); }
  bool in_phase(size_t r) const {
    return plan_.line_phase[static_cast<size_t>(reduction(r).line)] == phase_;
  }
  Value* identity(size_t r, int lanes) {
    return b_.splat(emit_constant(b_, type(r), reduction(r).identity, reduction(r).identity_bits),
                    lanes);
  }
  Value* combine(size_t r, Value* x, Value* y) {
    return emit_binary(b_, reduction(r).combiner, type(r), x, y);
  }
  void set_reduced(std::vector<Value*>& values, size_t r, Value* value) {
    for (size_t i = 0; i < program_.lines.size(); ++i)
      if (program_.lines[i].kind == LoopLine::Kind::reduction &&
          program_.lines[i].index == static_cast<int32_t>(r))
        values[i] = value;
  }
  Value* fold_lanes(size_t r, Value* vector) {
    for (int count = VectorBuilder::lanes_of(vector) / 2; count >= 1; count /= 2)
      vector = combine(r, b_.slice(vector, 0, count), b_.slice(vector, count, count));
    return vector;
  }

  // ---- scratch --------------------------------------------------------------------------------

  Value* part_address(Value* part) { return scratch_part(b_, plan_, scratch_, part); }
  /// The outer kept axes' indices as one number.
  Value* kept_index(const Point& point) {
    Value* flat = constant(0);
    for (const size_t axis : outer_)
      flat = b_.CreateAdd(b_.CreateMul(flat, constant(size(axis))), point.index[axis]);
    return flat;
  }
  /// Where in an array of scratch index 0 of the innermost axis lies.
  Value* kept_offset(const Point& point) {
    return b_.CreateMul(kept_index(point), constant(plan_.pitch));
  }
  Value* export_base() { return plan_.split_reduced ? scratch_ : part_base_; }

  Value* combine_parts(size_t r, Value* element, int lanes) {
    auto* sum = b_.slot(VectorBuilder::wide(b_.compute_element(type(r)), lanes));
    const int64_t offset = plan_.partial_offset[r];
    b_.CreateStore(load_scratch(b_, part_address(constant(0)), offset, type(r), element, lanes),
                   sum);
    b_.loop(constant(1), part_, 1, [&](Value* part) {
      Value* partial = load_scratch(b_, part_address(part), offset, type(r), element, lanes);
      b_.CreateStore(combine(r, b_.CreateLoad(sum->getAllocatedType(), sum), partial), sum);
    });
    return b_.CreateLoad(sum->getAllocatedType(), sum);
  }

  /// Results of earlier phases at a kept index of a row.
  void import_scalars(Point& point) {
    for (size_t e = 0; e < plan_.exports.size(); ++e) {
      const auto line = static_cast<size_t>(plan_.exports[e]);
      if (plan_.line_phase[line] < phase_)
        point.scalar[line] = load_scratch(b_, scratch_, plan_.export_offset[e],
                                          program_.lines[line].type, kept_index(point), 1);
    }
  }
  /// The same for a vector of a column; `offset` is where index 0 of the innermost axis lies.
  void import_vectors(Body& body, Value* offset) {
    for (size_t e = 0; e < plan_.exports.size(); ++e) {
      const auto line = static_cast<size_t>(plan_.exports[e]);
      if (plan_.line_phase[line] < phase_)
        body.value[line] =
            load_scratch(b_, export_base(), plan_.export_offset[e], program_.lines[line].type,
                         b_.CreateAdd(offset, body.base), plan_.lanes);
    }
  }

  // ---- rows -----------------------------------------------------------------------------------

  void row(Point& unit) {
    const LineSet& needed = at_points();
    if (plan_.split_reduced) import_scalars(unit);
    std::vector<std::vector<llvm::AllocaInst*>> sums(program_.reductions.size());
    for (size_t r = 0; r < sums.size(); ++r) {
      for (int u = 0; in_phase(r) && u < plan_.unroll; ++u) {
        sums[r].push_back(b_.slot(VectorBuilder::wide(b_.compute_element(type(r)), plan_.lanes)));
        b_.CreateStore(identity(r, plan_.lanes), sums[r].back());
      }
    }
    const std::vector<size_t> outer_reduced(reduced_.begin(), reduced_.end() - 1);
    if (has_lines(needed))
      nest(outer_reduced, 0, unit, needed, [&](Point& point) {
        lines_.open_rows(point, needed, phase_, false);
        vectors(row_range(), plan_.unroll, [&](llvm::ArrayRef<Value*> bases, int active) {
          for (size_t u = 0; u < bases.size(); ++u) row_body(point, bases[u], active, u, sums);
        });
      });
    for (size_t r = 0; r < sums.size(); ++r) {
      if (!in_phase(r)) continue;
      Value* sum = b_.CreateLoad(sums[r][0]->getAllocatedType(), sums[r][0]);
      for (size_t u = 1; u < sums[r].size(); ++u)
        sum = combine(r, sum, b_.CreateLoad(sums[r][u]->getAllocatedType(), sums[r][u]));
      sum = fold_lanes(r, sum);
      if (plan_.split_reduced)
        store_scratch(b_, sum, part_base_, plan_.partial_offset[r], type(r), kept_index(unit));
      else
        set_reduced(unit.scalar, r, sum);
    }
    if (!plan_.split_reduced) after_row(unit);
  }

  Range row_range() {
    if (!plan_.split_reduced || reduced_.size() > 1) return whole();
    Value* high = b_.CreateBinaryIntrinsic(
        llvm::Intrinsic::smin, b_.CreateMul(end_, constant(plan_.block)), constant(inner_size()));
    return {b_.CreateMul(begin_, constant(plan_.block)), high, false};
  }

  void row_body(const Point& point, Value* base, int active, size_t turn,
                const std::vector<std::vector<llvm::AllocaInst*>>& sums) {
    Body body = lines_.body(point, base, active);
    for (const LoopPlan::CachedLine& cached : plan_.cached)
      if (cached.first_phase < phase_)
        body.value[static_cast<size_t>(cached.line)] =
            load_scratch(b_, part_base_, cached.offset, line_type(cached.line), base, plan_.lanes);
    lines_.store_vectors(body, phase_, false);
    for (size_t r = 0; r < sums.size(); ++r) {
      if (!in_phase(r)) continue;
      Value* value = lines_.vector(body, reduction(r).line);
      if (active < plan_.lanes)
        value = b_.CreateSelect(b_.mask(plan_.lanes, active), value, identity(r, plan_.lanes));
      llvm::AllocaInst* sum = sums[r][turn];
      b_.CreateStore(combine(r, b_.CreateLoad(sum->getAllocatedType(), sum), value), sum);
    }
    for (const LoopPlan::CachedLine& cached : plan_.cached)
      if (cached.first_phase == phase_)
        store_scratch(b_, lines_.vector(body, cached.line), part_base_, cached.offset,
                      line_type(cached.line), base);
  }

  void after_row(Point& unit) {
    lines_.hoist(unit, after());
    lines_.store_scalars(unit, phase_);
    if (!plan_.split_reduced) return;
    for (size_t e = 0; e < plan_.exports.size(); ++e) {
      const auto line = static_cast<size_t>(plan_.exports[e]);
      if (plan_.line_phase[line] == phase_)
        store_scratch(b_, unit.scalar[line], scratch_, plan_.export_offset[e],
                      program_.lines[line].type, kept_index(unit));
    }
  }

  // ---- columns --------------------------------------------------------------------------------

  void column(Point& unit, const Range& range) {
    const LineSet& needed = at_points();
    // Accumulators of a unit start at its block, those of a part at the outer kept index.
    Value* offset = plan_.split_reduced ? kept_offset(unit) : b_.CreateNeg(range.low);
    vectors(range, 1, [&](llvm::ArrayRef<Value*> bases, int) {
      for (size_t r = 0; r < program_.reductions.size(); ++r)
        if (in_phase(r))
          store_scratch(b_, identity(r, plan_.lanes), part_base_, plan_.partial_offset[r], type(r),
                        b_.CreateAdd(offset, bases[0]));
    });
    if (has_lines(needed)) {
      const std::vector<size_t> outer_reduced(reduced_.begin(), reduced_.end() - 1);
      const size_t rows = reduced_.back();
      nest(outer_reduced, 0, unit, needed, [&](Point& point) {
        auto [low, high] = bounds(rows);
        const int tile = plan_.tile_rows;
        if (tile > 1) {
          Value* turns = b_.CreateSDiv(b_.CreateSub(high, low), constant(tile));
          Value* middle = b_.CreateAdd(low, b_.CreateMul(turns, constant(tile)));
          b_.loop(low, middle, tile,
                  [&](Value* i) { column_rows(point, needed, i, tile, range, offset); });
          low = middle;
        }
        b_.loop(low, high, 1, [&](Value* i) { column_rows(point, needed, i, 1, range, offset); });
      });
    }
    if (!plan_.split_reduced)
      after_column(unit, range, [&](size_t r, Value* base) {
        return load_scratch(b_, part_base_, plan_.partial_offset[r], type(r),
                            b_.CreateAdd(offset, base), plan_.lanes);
      });
  }

  void column_rows(const Point& outside, const LineSet& needed, Value* first, int count,
                   const Range& range, Value* offset) {
    std::vector<Point> points;
    for (int t = 0; t < count; ++t) {
      points.push_back(outside);
      points.back().index[reduced_.back()] = t == 0 ? first : b_.CreateAdd(first, constant(t));
      lines_.hoist(points.back(), needed);
      lines_.open_rows(points.back(), needed, phase_, false);
    }
    vectors(range, 1, [&](llvm::ArrayRef<Value*> bases, int active) {
      Value* element = b_.CreateAdd(offset, bases[0]);
      std::vector<Value*> sums(program_.reductions.size());
      for (size_t r = 0; r < sums.size(); ++r)
        if (in_phase(r))
          sums[r] =
              load_scratch(b_, part_base_, plan_.partial_offset[r], type(r), element, plan_.lanes);
      std::vector<std::vector<Value*>> rows(sums.size());
      for (const Point& point : points) {
        Body body = lines_.body(point, bases[0], active);
        import_vectors(body, offset);
        lines_.store_vectors(body, phase_, false);
        for (size_t r = 0; r < sums.size(); ++r)
          if (in_phase(r)) rows[r].push_back(lines_.vector(body, reduction(r).line));
      }
      for (size_t r = 0; r < sums.size(); ++r)
        if (in_phase(r))
          store_scratch(b_, combine(r, sums[r], combine_pairwise(r, rows[r])), part_base_,
                        plan_.partial_offset[r], type(r), element);
    });
  }

  /// The rows of a turn are combined among themselves first: fewer roundings meet the large sum.
  Value* combine_pairwise(size_t r, llvm::ArrayRef<Value*> rows) {
    if (rows.size() == 1) return rows[0];
    const size_t half = rows.size() / 2;
    Value* first = combine_pairwise(r, rows.take_front(half));
    return combine(r, first, combine_pairwise(r, rows.drop_front(half)));
  }

  /// Lines after the folds of this phase; `folded(reduction, base)` gives the finished vectors.
  template <typename F>
  void after_column(Point& unit, const Range& range, F&& folded) {
    const LineSet& needed = after();
    if (!has_lines(needed)) return;
    Point point = unit;
    lines_.hoist(point, needed);
    lines_.open_rows(point, needed, phase_, true);
    Value* offset = plan_.split_reduced ? kept_offset(unit) : b_.CreateNeg(range.low);
    vectors(range, 1, [&](llvm::ArrayRef<Value*> bases, int active) {
      Body body = lines_.body(point, bases[0], active);
      import_vectors(body, offset);
      for (size_t r = 0; r < program_.reductions.size(); ++r)
        if (in_phase(r)) set_reduced(body.value, r, folded(r, bases[0]));
      lines_.store_vectors(body, phase_, true);
      for (size_t e = 0; e < plan_.exports.size(); ++e) {
        const auto line = static_cast<int32_t>(plan_.exports[e]);
        if (plan_.line_phase[static_cast<size_t>(line)] == phase_)
          store_scratch(b_, lines_.vector(body, line), export_base(), plan_.export_offset[e],
                        program_.lines[static_cast<size_t>(line)].type,
                        b_.CreateAdd(offset, bases[0]));
      }
    });
  }

  VectorBuilder b_;
  const LoopProgram& program_;
  const LoopPlan& plan_;
  LineEmitter lines_;
  std::vector<size_t> outer_, reduced_;  // axes: outer kept, reduced
  int phase_ = 0;
  // Of the function being emitted.
  Value *begin_ = nullptr, *end_ = nullptr, *scratch_ = nullptr, *part_ = nullptr;
  Value* part_base_ = nullptr;      // this part's scratch
  Point root_;                      // what is known before the loop over units
  std::vector<Body> before_units_;  // by vector of the innermost axis; empty where it is long
};

}  // namespace

void emit_loop(llvm::Module& module, const LoopProgram& program, const LoopPlan& plan) {
  LoopEmitter(module, program, plan).emit();
}

}  // namespace brisk
