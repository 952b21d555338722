#include "brisk/backends/loop/one_pass_variance.h"

#include <optional>

namespace brisk {
namespace {

using Kind = LoopLine::Kind;

/// The lines of one variance.
struct Variance {
  int32_t x = -1;        ///< folded by both
  int32_t sum = -1;      ///< the reduction's line
  int32_t squares = -1;  ///< the reduction's line
};

class Finder {
 public:
  explicit Finder(const LoopProgram& program) : program_(program) {
    for (const LoopAxis& axis : program.axes)
      if (axis.reduced) count_ *= axis.size;
  }
  int64_t count() const { return count_; }

  std::vector<Variance> find() const {
    std::vector<Variance> found;
    if (count_ < 2) return found;
    for (size_t i = 0; i < program_.lines.size(); ++i)
      if (const auto variance = at(static_cast<int32_t>(i));
          variance && is_first_of(found, *variance))
        found.push_back(*variance);
    return found;
  }

 private:
  const LoopLine& line(int32_t number) const { return program_.lines[static_cast<size_t>(number)]; }
  bool is(int32_t number, ScalarOp op) const {
    return number >= 0 && line(number).kind == Kind::operation && line(number).op == op;
  }
  static bool is_first_of(const std::vector<Variance>& found, const Variance& variance) {
    for (const Variance& other : found)
      if (other.sum == variance.sum || other.squares == variance.squares) return false;
    return true;
  }

  std::optional<Variance> at(int32_t squares) const {
    if (line(squares).kind != Kind::reduction || !is_floating(line(squares).type))
      return std::nullopt;
    const LoopReduction& fold = program_.reductions[static_cast<size_t>(line(squares).index)];
    if (fold.combiner != ScalarOp::add || !is(fold.line, ScalarOp::multiply)) return std::nullopt;
    const int32_t centred = line(fold.line).operands[0];
    if (line(fold.line).operands[1] != centred || !is(centred, ScalarOp::subtract))
      return std::nullopt;
    const int32_t x = line(centred).operands[0];
    const auto sum = sum_of_mean(line(centred).operands[1]);
    if (!sum) return std::nullopt;
    const LoopReduction& first = program_.reductions[static_cast<size_t>(line(*sum).index)];
    if (first.combiner != ScalarOp::add || first.line != x || !is_plain(x)) return std::nullopt;
    return Variance{x, *sum, squares};
  }

  /// `number` is a fold divided by the number of what it folds.
  std::optional<int32_t> sum_of_mean(int32_t number) const {
    const bool divided = is(number, ScalarOp::divide), multiplied = is(number, ScalarOp::multiply);
    if (!divided && !multiplied) return std::nullopt;
    int32_t sum = line(number).operands[0], factor = line(number).operands[1];
    if (multiplied && is(sum, ScalarOp::constant)) std::swap(sum, factor);
    if (line(sum).kind != Kind::reduction || !is(factor, ScalarOp::constant)) return std::nullopt;
    const double wanted = divided ? static_cast<double>(count_) : 1.0 / static_cast<double>(count_);
    const double value = line(factor).value;
    return value > wanted * (1 - 1e-6) && value < wanted * (1 + 1e-6) ? std::optional(sum)
                                                                      : std::nullopt;
  }

  /// No fold is among what the line depends on, so that it can be computed at the first index.
  bool is_plain(int32_t number) const {
    if (line(number).kind == Kind::reduction) return false;
    for (const int32_t operand : line(number).operands)
      if (operand >= 0 && !is_plain(operand)) return false;
    return true;
  }

  const LoopProgram& program_;
  int64_t count_ = 1;
};

class Rewriter {
 public:
  Rewriter(const LoopProgram& program, const std::vector<Variance>& variances, int64_t count)
      : program_(program),
        variances_(variances),
        count_(static_cast<double>(count)),
        result_(program) {
    result_.lines.clear();
    result_.reductions.clear();
  }

  LoopProgram rewrite() {
    for (size_t i = 0; i < program_.lines.size(); ++i)
      new_line_.push_back(replace(static_cast<int32_t>(i)));
    for (LoopStore& store : result_.stores) store.line = new_line_[static_cast<size_t>(store.line)];
    return std::move(result_);
  }

 private:
  int32_t add(LoopLine line) {
    result_.lines.push_back(line);
    return static_cast<int32_t>(result_.lines.size()) - 1;
  }
  int32_t operation(ScalarOp op, DType type, int32_t a, int32_t b, bool reduced) {
    return add({.op = op, .type = type, .reduced = reduced, .operands = {a, b, -1}});
  }
  int32_t number(DType type, double value) {
    return add({.type = type, .reduced = true, .value = value});
  }
  int32_t fold(DType type, LoopReduction reduction) {
    result_.reductions.push_back(reduction);
    return add({.kind = Kind::reduction,
                .type = type,
                .reduced = true,
                .index = static_cast<int32_t>(result_.reductions.size()) - 1});
  }

  int32_t replace(int32_t old) {
    LoopLine line = program_.lines[static_cast<size_t>(old)];
    for (size_t v = 0; v < variances_.size(); ++v) {
      if (variances_[v].sum == old) return open(variances_[v]);
      if (variances_[v].squares == old) return squares_of(variances_[v]);
    }
    for (int32_t& operand : line.operands)
      if (operand >= 0) operand = new_line_[static_cast<size_t>(operand)];
    if (line.kind != Kind::reduction) return add(line);
    LoopReduction reduction = program_.reductions[static_cast<size_t>(line.index)];
    reduction.line = new_line_[static_cast<size_t>(reduction.line)];
    return fold(line.type, reduction);
  }

  /// Both folds; gives the sum of x.
  int32_t open(const Variance& variance) {
    const DType type = program_.lines[static_cast<size_t>(variance.x)].type;
    const int32_t shift = at_first(variance.x);
    const int32_t d = operation(ScalarOp::subtract, type,
                                new_line_[static_cast<size_t>(variance.x)], shift, false);
    const int32_t square = operation(ScalarOp::multiply, type, d, d, false);
    const int32_t sum = fold(type, {.line = d}), squares = fold(type, {.line = square});
    opened_.push_back({variance.squares, sum, squares});
    const int32_t whole = operation(ScalarOp::multiply, type, shift, number(type, count_), true);
    return operation(ScalarOp::add, type, whole, sum, true);
  }

  int32_t squares_of(const Variance& variance) {
    for (const Opened& opened : opened_) {
      if (opened.old_squares != variance.squares) continue;
      const DType type = result_.lines[static_cast<size_t>(opened.sum)].type;
      const int32_t square = operation(ScalarOp::multiply, type, opened.sum, opened.sum, true);
      const int32_t lost = operation(ScalarOp::divide, type, square, number(type, count_), true);
      const int32_t rest = operation(ScalarOp::subtract, type, opened.squares, lost, true);
      return operation(ScalarOp::maximum, type, rest, number(type, 0), true);
    }
    return -1;  // not reached: the sum precedes what is centred by it
  }

  /// The line as it is at index 0 of all reduced axes.
  int32_t at_first(int32_t old) {
    LoopLine line = program_.lines[static_cast<size_t>(old)];
    for (int32_t& operand : line.operands)
      if (operand >= 0) operand = at_first(operand);
    line.reduced = true;
    const auto fixed = [&](AffineIndex at) {
      for (size_t a = 0; a < at.strides.size(); ++a)
        if (program_.axes[a].reduced) at.strides[a] = 0;
      return at;
    };
    if (line.kind == Kind::load) {
      LoopLoad load = program_.loads[static_cast<size_t>(line.index)];
      load.at = fixed(load.at);
      line.index = static_cast<int32_t>(result_.loads.size());
      result_.loads.push_back(load);
    } else if (line.kind == Kind::position) {
      AffineIndex at = fixed(program_.positions[static_cast<size_t>(line.index)]);
      line.index = static_cast<int32_t>(result_.positions.size());
      result_.positions.push_back(at);
    }
    return add(line);
  }

  struct Opened {
    int32_t old_squares, sum, squares;
  };
  const LoopProgram& program_;
  const std::vector<Variance>& variances_;
  double count_;
  LoopProgram result_;
  std::vector<int32_t> new_line_;
  std::vector<Opened> opened_;
};

}  // namespace

LoopProgram one_pass_variance(const LoopProgram& program) {
  const Finder finder(program);
  const std::vector<Variance> variances = finder.find();
  if (variances.empty()) return program;
  return Rewriter(program, variances, finder.count()).rewrite();
}

}  // namespace brisk
