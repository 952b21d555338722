#include <map>
#include <set>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/matrix.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/broadcasting.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

// Contractions: MatMul, Gemm, Einsum, Det.

namespace brisk::onnx {

Value matrix_product(Value a, Value b) {
  const bool vector_a = a.rank() == 1, vector_b = b.rank() == 1;
  if (vector_a) a = expand_dims(a, 0);
  if (vector_b) b = expand_dims(b, 1);
  Value y;
  if (b.rank() == 2 || (a.rank() == b.rank() &&
                        std::equal(a.shape().begin(), a.shape().end() - 2, b.shape().begin()))) {
    y = matmul(a, b);
  } else {
    const Shape outer_a(std::vector<Extent>(a.shape().begin(), a.shape().end() - 2));
    const Shape outer_b(std::vector<Extent>(b.shape().begin(), b.shape().end() - 2));
    Shape full_a = broadcast_shapes("matmul", outer_a, outer_b), full_b = full_a;
    for (int64_t i = 2; i > 0; --i) {
      full_a.push_back(extent_of(a, a.rank() - i));
      full_b.push_back(extent_of(b, b.rank() - i));
    }
    y = matmul(broadcast_to(a, full_a), broadcast_to(b, full_b));
  }
  if (vector_a) y = squeeze(y, y.rank() - 2);
  if (vector_b) y = squeeze(y, y.rank() - 1);
  return y;
}

namespace {

void matmul_op(Call& c) {
  c.out(matrix_product(c.in(0), c.in(1)));
}

void gemm(Call& c) {
  Value a = c.in(0), b = c.in(1);
  if (c.integer("transA", 0) != 0) a = transpose(a, {1, 0});
  if (c.integer("transB", 0) != 0) b = transpose(b, {1, 0});
  Value y = scaled(matmul(a, b), c.real("alpha", 1));
  if (c.has(2)) y = y + scaled(c.in(2), c.real("beta", 1));
  c.out(y);
}

/// A letter for each axis of an operand; an ellipsis becomes letters of its own, aligned at the
/// end.
struct Labels {
  std::vector<std::string> operands;
  std::string result;
};

std::string expand_ellipsis(const std::string& term, int64_t rank, int64_t* width) {
  std::string letters;
  const size_t dots = term.find("...");
  if (dots == std::string::npos) return term;
  const int64_t covered = rank - static_cast<int64_t>(term.size() - 3);
  require(covered >= 0, "'{}' names more axes than rank {}", term, rank);
  *width = std::max(*width, covered);
  for (int64_t i = covered; i > 0; --i)
    letters.push_back(static_cast<char>(i));  // 1 is the last covered axis
  return term.substr(0, dots) + letters + term.substr(dots + 3);
}

Labels parse_labels(std::string equation, const std::vector<Value>& operands) {
  std::erase(equation, ' ');
  Labels labels;
  const size_t arrow = equation.find("->");
  const std::string left = equation.substr(0, arrow);
  int64_t width = 0;
  size_t start = 0;
  for (size_t i = 0; i < operands.size(); ++i) {
    const size_t comma = std::min(left.find(',', start), left.size());
    labels.operands.push_back(
        expand_ellipsis(left.substr(start, comma - start), operands[i].rank(), &width));
    require(static_cast<int64_t>(labels.operands.back().size()) == operands[i].rank(),
            "'{}' does not name the axes of {}", equation, operands[i].shape().to_string());
    start = comma + 1;
  }
  require(start >= left.size(), "'{}' has more terms than operands", equation);
  if (arrow != std::string::npos) {
    std::string result = equation.substr(arrow + 2);
    int64_t ignored = 0;
    const size_t dots = result.find("...");
    labels.result =
        dots == std::string::npos
            ? result
            : expand_ellipsis(result, static_cast<int64_t>(result.size()) - 3 + width, &ignored);
    return labels;
  }
  std::map<char, int> counts;
  for (const std::string& term : labels.operands)
    for (const char letter : term) ++counts[letter];
  for (int64_t i = width; i > 0; --i) labels.result.push_back(static_cast<char>(i));
  for (const auto& [letter, count] : counts)
    if (count == 1 && letter > 31) labels.result.push_back(letter);
  return labels;
}

/// A letter that appears twice in one term takes the diagonal.
Value take_diagonals(Value x, std::string& term) {
  for (size_t i = 0; i < term.size(); ++i) {
    const size_t j = term.find(term[i], i + 1);
    if (j == std::string::npos) continue;
    const auto a = static_cast<int64_t>(i), b = static_cast<int64_t>(j);
    const Value on = equal(iota(*x.builder, DType::i32, x.shape(), a),
                           iota(*x.builder, DType::i32, x.shape(), b));
    x = reduce_sum(select(on, x, filled(*x.builder, x.dtype(), x.shape(), 0)), {b});
    term.erase(j, 1);
    --i;
  }
  return x;
}

Value sum_letters(Value x, std::string& term, const std::set<char>& keep) {
  std::vector<int64_t> axes;
  std::string rest;
  for (size_t i = 0; i < term.size(); ++i) {
    if (keep.contains(term[i]))
      rest.push_back(term[i]);
    else
      axes.push_back(static_cast<int64_t>(i));
  }
  term = rest;
  return axes.empty() ? x : reduce_sum(x, axes);
}

Value contract_pair(Value a, std::string& term_a, Value b, std::string term_b,
                    const std::set<char>& later) {
  std::set<char> keep_a = later, keep_b = later;
  keep_a.insert(term_b.begin(), term_b.end());
  keep_b.insert(term_a.begin(), term_a.end());
  a = sum_letters(a, term_a, keep_a);
  b = sum_letters(b, term_b, keep_b);
  DotAttributes dot;
  std::string batch, left, right;
  for (size_t i = 0; i < term_a.size(); ++i) {
    const size_t j = term_b.find(term_a[i]);
    const auto at = static_cast<int64_t>(i);
    if (j == std::string::npos) {
      left.push_back(term_a[i]);
    } else if (later.contains(term_a[i])) {
      // An axis of extent 1 on one side only is spread first.
      batch.push_back(term_a[i]);
      dot.lhs_batch.push_back(at);
      dot.rhs_batch.push_back(static_cast<int64_t>(j));
    } else {
      dot.lhs_contract.push_back(at);
      dot.rhs_contract.push_back(static_cast<int64_t>(j));
    }
  }
  for (const char letter : term_b)
    if (term_a.find(letter) == std::string::npos) right.push_back(letter);
  Shape shape_a = a.shape(), shape_b = b.shape();
  for (size_t i = 0; i < term_a.size(); ++i) {
    const size_t j = term_b.find(term_a[i]);
    if (j == std::string::npos) continue;
    if (shape_a[static_cast<int64_t>(i)] == Extent(1))
      shape_a[static_cast<int64_t>(i)] = shape_b[static_cast<int64_t>(j)];
    if (shape_b[static_cast<int64_t>(j)] == Extent(1))
      shape_b[static_cast<int64_t>(j)] = shape_a[static_cast<int64_t>(i)];
  }
  term_a = batch + left + right;
  return dot_general(broadcast_to(a, shape_a), broadcast_to(b, shape_b), dot);
}

void einsum(Call& c) {
  std::vector<Value> operands;
  for (size_t i = 0; i < c.num_inputs(); ++i) operands.push_back(c.in(i));
  Labels labels = parse_labels(c.text("equation", ""), operands);
  for (size_t i = 0; i < operands.size(); ++i)
    operands[i] = take_diagonals(operands[i], labels.operands[i]);
  Value x = operands[0];
  std::string term = labels.operands[0];
  for (size_t i = 1; i < operands.size(); ++i) {
    std::set<char> later(labels.result.begin(), labels.result.end());
    for (size_t j = i + 1; j < operands.size(); ++j)
      later.insert(labels.operands[j].begin(), labels.operands[j].end());
    x = contract_pair(x, term, operands[i], labels.operands[i], later);
  }
  x = sum_letters(x, term, {labels.result.begin(), labels.result.end()});
  std::vector<int64_t> permutation;
  for (const char letter : labels.result) {
    const size_t at = term.find(letter);
    require(at != std::string::npos, "its result names an axis that no operand has");
    permutation.push_back(static_cast<int64_t>(at));
  }
  c.out(x.rank() == 0 ? x : transpose(x, permutation));
}

/// By elimination with the largest pivot of the column, unrolled: matrices are small.
void det(Call& c) {
  const Value input = c.in(0);
  const int64_t size = size_of(input, input.rank() - 1);
  require(input.rank() >= 2 && size_of(input, input.rank() - 2) == size,
          "it takes square matrices, not {}", input.shape().to_string());
  require(size <= 64, "determinants of more than 64 rows are not unrolled");
  Shape outer(std::vector<Extent>(input.shape().begin(), input.shape().end() - 2));
  Value x = reshape(input, {Extent(int64_t{-1}), Extent(size), Extent(size)});
  const Shape batch{extent_of(x, 0)};
  Value result = filled(c.builder(), x.dtype(), batch, 1);
  for (int64_t left = size; left > 0; --left) {
    const Value column = reshape(slice_axis(x, 2, 0, 1), {batch[0], Extent(left)});
    const Value pivot = argmax(abs(column), 1);  // [batch]
    const Value rows = iota(c.builder(), DType::i32, {batch[0], Extent(left)}, 1);
    const Value chosen = equal(rows, broadcast_to(expand_dims(pivot, 1), rows.shape()));
    const Value zero = filled(c.builder(), x.dtype(), x.shape(), 0);
    const Value wide = broadcast_to(expand_dims(chosen, 2), x.shape());
    const Value pivot_row = reduce_sum(select(wide, x, zero), {1}, true);  // [batch, 1, left]
    // Row `pivot` and row 0 change places: one change of sign unless they are the same.
    const Value first = broadcast_to(slice_axis(x, 1, 0, 1), x.shape());
    x = select(wide, first, x);
    const Value moved = equal(pivot, filled(c.builder(), DType::i32, batch, 0));
    const Value head = reshape(slice_axis(pivot_row, 2, 0, 1), batch);
    result = result * select(moved, head, -head);
    if (left == 1) break;
    const Value safe = select(equal(head, filled(c.builder(), x.dtype(), batch, 0)),
                              filled(c.builder(), x.dtype(), batch, 1), head);
    const Value rest = slice_axis(x, 1, 1, left);
    const Value factor =
        slice_axis(rest, 2, 0, 1) / broadcast_to(reshape(safe, {batch[0], Extent(1), Extent(1)}),
                                                 {batch[0], Extent(left - 1), Extent(1)});
    x = slice_axis(rest, 2, 1, left) - factor * slice_axis(pivot_row, 2, 1, left);
  }
  c.out(reshape(result, outer));
}

constexpr OpRow kMatmulRows[] = {
    {"MatMul", matmul_op},
    {"Gemm", gemm},
    {"Einsum", einsum},
    {"Det", det},
};

}  // namespace

std::span<const OpRow> matmul_ops() {
  return kMatmulRows;
}

}  // namespace brisk::onnx
