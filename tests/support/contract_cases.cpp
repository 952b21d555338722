#include "brisk/ops/contract/contract.h"

#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

struct Row {
  std::string name;
  std::vector<int64_t> lhs, rhs;
  DotAttributes attributes;
};

/// The roles of the axes in every order that frameworks send.
std::vector<Row> rows() {
  return {
      {"17x33_33x7", {17, 33}, {33, 7}, {{1}, {0}, {}, {}}},
      {"lhs_transposed", {33, 17}, {33, 7}, {{0}, {0}, {}, {}}},
      {"rhs_transposed", {17, 33}, {7, 33}, {{1}, {1}, {}, {}}},
      {"both_transposed", {33, 17}, {7, 33}, {{0}, {1}, {}, {}}},
      {"1x1", {1, 1}, {1, 1}, {{1}, {0}, {}, {}}},
      {"inner", {65}, {65}, {{0}, {0}, {}, {}}},
      {"outer", {3}, {5}, {{}, {}, {}, {}}},
      {"scalars", {}, {}, {{}, {}, {}, {}}},
      {"matrix_vector", {9, 31}, {31}, {{1}, {0}, {}, {}}},
      {"vector_matrix", {31}, {31, 9}, {{0}, {0}, {}, {}}},
      {"batch", {2, 5, 7}, {2, 7, 3}, {{2}, {1}, {0}, {0}}},
      {"batch_inside", {5, 2, 7}, {7, 3, 2}, {{2}, {0}, {1}, {2}}},
      {"two_batches", {2, 3, 5, 7}, {2, 3, 7, 4}, {{3}, {2}, {0, 1}, {0, 1}}},
      {"two_contracted", {4, 3, 5}, {3, 5, 6}, {{1, 2}, {0, 1}, {}, {}}},
      {"two_contracted_crossed", {4, 3, 5}, {5, 3, 6}, {{1, 2}, {1, 0}, {}, {}}},
      {"free_axes", {2, 3, 7}, {7, 4, 5}, {{2}, {0}, {}, {}}},
      {"nothing_contracted", {3, 0}, {0, 5}, {{1}, {0}, {}, {}}},
      {"no_rows", {0, 4}, {4, 5}, {{1}, {0}, {}, {}}},
      {"long", {3, 1025}, {1025, 2}, {{1}, {0}, {}, {}}},
  };
}

}  // namespace

std::vector<OpCase> contract_cases() {
  std::vector<OpCase> cases;
  for (const Row& row : rows())
    cases.push_back({.op = "dot_general",
                     .name = row.name,
                     .operands = {values(row.lhs), values(row.rhs)},
                     .build =
                         [=](Builder&, std::span<const Value> in) {
                           return std::vector{dot_general(in[0], in[1], row.attributes)};
                         },
                     .types = kFloatTypes});
  cases.push_back(
      {.op = "dot_general",
       .name = "matmul_of_a_shared_right",
       .operands = {values({2, 3, 5}), values({5, 4})},
       .build = [](Builder&,
                   std::span<const Value> in) { return std::vector{matmul(in[0], in[1])}; },
       .types = kFloatTypes});
  return cases;
}

}  // namespace brisk::testing
