// Sums written out by hand, and equations that are refused.

#include "brisk/nn/einsum.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

namespace brisk {
namespace {

Tensor ramp(std::vector<int64_t> sizes) {
  Tensor tensor(DType::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    tensor.set(i, std::sin(1.7 * static_cast<double>(i) + 0.3));
  return tensor;
}

Tensor computed(const std::string& equation, const Tensor& left, const Tensor& right) {
  Builder builder(standard_ops(), "einsum");
  const Value a = builder.input("a", Type(DType::f32, Shape(left.sizes()))),
              b = builder.input("b", Type(DType::f32, Shape(right.sizes())));
  const Value y = einsum(a, b, einsum_letters(equation, a.rank(), b.rank()));
  Program program;
  program.graph = builder.finish({{"y", y}});
  program.num_results = 1;
  const Compilation compilation = compile(program, *find_backend("reference").value());
  return compilation.executable->run(std::vector<Tensor>{left, right})[0].clone();
}

/// One element of the sum over `letters` that are no indices of the result.
double summed(const std::string& left, const std::string& right, const std::string& letters,
              const Tensor& a, const Tensor& b, const std::map<char, int64_t>& sizes,
              std::map<char, int64_t> index) {
  if (letters.empty()) {
    const auto element = [&](const std::string& part, const Tensor& tensor) {
      int64_t at = 0;
      for (const char letter : part) at = at * sizes.at(letter) + index.at(letter);
      return tensor.get(at);
    };
    return element(left, a) * element(right, b);
  }
  double sum = 0;
  for (int64_t i = 0; i < sizes.at(letters[0]); ++i) {
    index[letters[0]] = i;
    sum += summed(left, right, letters.substr(1), a, b, sizes, index);
  }
  return sum;
}

struct Case {
  std::string left, right, output;
};

TEST(Einsum, IsItsSum) {
  const std::map<char, int64_t> sizes = {{'b', 2}, {'h', 3}, {'i', 4}, {'j', 5}, {'k', 2}};
  for (const Case& c :
       {Case{"bij", "bkj", "bik"}, Case{"bihk", "bjhk", "bhij"}, Case{"ij", "jk", "ki"},
        Case{"bij", "bkj", "bi"}, Case{"i", "j", "ij"}, Case{"ij", "ij", ""}}) {
    const auto tensor_of = [&](const std::string& part) {
      std::vector<int64_t> extents;
      for (const char letter : part) extents.push_back(sizes.at(letter));
      return ramp(extents);
    };
    const Tensor a = tensor_of(c.left), b = tensor_of(c.right);
    const Tensor y = computed(c.left + ", " + c.right + " -> " + c.output, a, b);
    ASSERT_EQ(y.sizes(), tensor_of(c.output).sizes()) << c.output;
    std::string rest;
    for (const char letter : c.left + c.right)
      if ((c.output + rest).find(letter) == std::string::npos) rest += letter;
    for (int64_t at = 0; at < y.num_elements(); ++at) {
      std::map<char, int64_t> index;
      int64_t left = at;
      for (size_t i = c.output.size(); i-- > 0;) {
        index[c.output[i]] = left % sizes.at(c.output[i]);
        left /= sizes.at(c.output[i]);
      }
      EXPECT_NEAR(y.get(at), summed(c.left, c.right, rest, a, b, sizes, index), 1e-5);
    }
  }
}

TEST(Einsum, DotsStandForLeadingAxes) {
  const EinsumLetters letters = einsum_letters("...ij,...jk->...ik", 4, 4);
  EXPECT_EQ(letters.left, "10ij");
  EXPECT_EQ(letters.right, "10jk");
  EXPECT_EQ(letters.output, "10ik");
  EXPECT_EQ(einsum_letters("...x,xy->...y", 3).output, "10y");
}

TEST(Einsum, RefusesWhatItDoesNotCompute) {
  for (const char* equation : {"ij", "ij,jk", "ij->ij", "ii,ij->j", "i.j,jk->ik", "ijk,jk->ik"})
    EXPECT_THROW(static_cast<void>(einsum_letters(equation, 2, 2)), UserError) << equation;
}

}  // namespace
}  // namespace brisk
