#include "tests/support/op_case.h"

#include <ostream>

namespace brisk::testing {

CaseOperand CaseOperand::between(double least, double most) && {
  low = least;
  high = most;
  return std::move(*this);
}

CaseOperand CaseOperand::away_from(std::vector<double> points) && {
  kinks = std::move(points);
  return std::move(*this);
}

CaseOperand CaseOperand::with_limits() && {
  limits = true;
  return std::move(*this);
}

CaseOperand CaseOperand::whole_numbers() && {
  whole = true;
  return std::move(*this);
}

CaseOperand CaseOperand::not_differentiated() && {
  differentiated = false;
  return std::move(*this);
}

CaseOperand values(std::vector<int64_t> sizes) {
  return {.sizes = std::move(sizes)};
}

CaseOperand positions(std::vector<int64_t> sizes, int64_t bound, DType type) {
  return {.sizes = std::move(sizes),
          .type = type,
          .low = 0,
          .high = static_cast<double>(bound - 1),
          .differentiated = false};
}

CaseOperand flags(std::vector<int64_t> sizes) {
  return {.sizes = std::move(sizes),
          .type = DType::boolean,
          .low = 0,
          .high = 1,
          .differentiated = false};
}

CaseOperand random_key() {
  return {.sizes = {2}, .type = DType::u32, .low = 0, .high = 1e9, .differentiated = false};
}

std::ostream& operator<<(std::ostream& stream, const OpCase& op_case) {
  return stream << op_case.op << '/' << op_case.name;
}

std::vector<DType> joined(std::initializer_list<std::vector<DType>> lists) {
  std::vector<DType> all;
  for (const auto& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

std::string shape_name(std::span<const int64_t> sizes) {
  return sizes.empty() ? "scalar" : fmt::format("{}", fmt::join(sizes, "x"));
}

}  // namespace brisk::testing
