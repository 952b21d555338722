// An einsum of two operands is one dot_general and a transpose: letters of both operands and the
// result are batch axes, letters of both operands alone are contracted, the others are free. What
// one operand alone has and the result has not is summed before.

#include "brisk/nn/einsum.h"

#include <algorithm>

#include "brisk/ops/contract/contract.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

bool in(const std::string& part, char letter) {
  return part.find(letter) != std::string::npos;
}
int64_t at(const std::string& part, char letter) {
  return static_cast<int64_t>(part.find(letter));
}

/// Writes out the dots of an operand's part; how many axes they stand for.
int64_t write_out(std::string& part, int64_t rank, const std::string& equation) {
  const auto named = static_cast<int64_t>(
      std::count_if(part.begin(), part.end(), [](char c) { return c != '.'; }));
  constexpr int64_t kMostDots = 10;
  const size_t dots = part.find("...");
  const int64_t rest = rank - named;
  require(rest >= 0 && rest <= kMostDots && (rest == 0 || dots != std::string::npos),
          "equation '{}' does not fit an operand of {} axes", equation, rank);
  if (dots == std::string::npos) return 0;
  std::string digits;  // counted from the last, so that operands of two ranks agree
  for (int64_t i = rest; i-- > 0;) digits += static_cast<char>('0' + i);
  part.replace(dots, 3, digits);
  return rest;
}

void check(const std::string& part, const std::string& equation) {
  require(!in(part, '.'), "equation '{}' is malformed", equation);
  for (size_t i = 0; i < part.size(); ++i)
    require(part.find(part[i], i + 1) == std::string::npos,
            "equation '{}' has '{}' twice in one part, which brisk does not compute", equation,
            part[i]);
}

/// Sums the axes that nothing else has.
Value without_lone_axes(Value x, std::string& part, const std::string& other,
                        const std::string& output) {
  std::vector<int64_t> axes;
  std::string kept;
  for (const char letter : part) {
    if (in(other, letter) || in(output, letter))
      kept += letter;
    else
      axes.push_back(at(part, letter));
  }
  part = kept;
  return axes.empty() ? x : reduce_sum(x, axes);
}

}  // namespace

EinsumLetters einsum_letters(const std::string& equation, int64_t left_rank, int64_t right_rank) {
  std::string text = equation;
  std::erase(text, ' ');
  const size_t comma = text.find(','), arrow = text.find("->");
  require(comma != std::string::npos && arrow != std::string::npos && comma < arrow,
          "equation must read 'ab,bc->ac', but is '{}'", equation);
  EinsumLetters letters{text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1),
                        text.substr(arrow + 2)};
  const int64_t left = write_out(letters.left, left_rank, equation);
  const int64_t right =
      write_out(letters.right, right_rank < 0 ? std::ssize(letters.right) : right_rank, equation);
  if (const size_t dots = letters.output.find("..."); dots != std::string::npos) {
    std::string digits;
    for (int64_t i = std::max(left, right); i-- > 0;) digits += static_cast<char>('0' + i);
    letters.output.replace(dots, 3, digits);
  }
  for (const std::string& part : {letters.left, letters.right, letters.output})
    check(part, equation);
  return letters;
}

Value einsum(Value left, Value right, const EinsumLetters& letters) {
  std::string lhs = letters.left, rhs = letters.right;
  left = without_lone_axes(left, lhs, rhs, letters.output);
  right = without_lone_axes(right, rhs, lhs, letters.output);
  DotAttributes dot;
  std::string result, free;
  for (const char letter : lhs) {
    if (!in(rhs, letter)) {
      free += letter;
    } else if (in(letters.output, letter)) {
      dot.lhs_batch.push_back(at(lhs, letter));
      dot.rhs_batch.push_back(at(rhs, letter));
      result += letter;
    } else {
      dot.lhs_contract.push_back(at(lhs, letter));
      dot.rhs_contract.push_back(at(rhs, letter));
    }
  }
  result += free;
  for (const char letter : rhs)
    if (!in(lhs, letter)) result += letter;
  std::vector<int64_t> order;
  for (const char letter : letters.output) {
    require(in(result, letter), "'{}' of the result is in no operand", letter);
    order.push_back(at(result, letter));
  }
  return transpose(dot_general(left, right, dot), order);
}

}  // namespace brisk
