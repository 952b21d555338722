#include <algorithm>

#include "brisk/backends/cuda/kernels/pool_text.h"
#include "brisk/backends/cuda/loop/line_writer.h"

// What a window gave goes to the place that its position names. A block of places, as large as the
// strides, is covered by the same few windows (of 3 x 3 with strides of 2, its 2 x 2 places by
// four). So a thread takes a block: it reads those windows' gradients and positions once, whatever
// else the places need meanwhile, and gives each place what is its own, in the order of windows.
// Blocks are counted from where the padding begins. Where a block has many windows or places, or
// the input is cropped, a thread takes a place and goes through the windows that cover it.

namespace brisk::cuda {
namespace {

constexpr int64_t kMostWindows = 9, kMostPlaces = 16;  // of a block, in registers

int64_t product_of(const std::vector<int64_t>& sizes) {
  int64_t product = 1;
  for (const int64_t size : sizes) product *= size;
  return product;
}

/// Windows, along each axis, that cover a block.
std::vector<int64_t> covering(const PoolShape& p) {
  std::vector<int64_t> most;
  for (size_t a = 0; a < p.rank(); ++a)
    most.push_back((p.window[a] + p.strides[a] - 1) / p.strides[a]);
  return most;
}

bool goes_by_blocks(const PoolShape& p) {
  return product_of(covering(p)) <= kMostWindows && product_of(p.strides) <= kMostPlaces &&
         std::ranges::all_of(p.low, [](int64_t low) { return low >= 0; });
}

/// The coordinates of item `i` of a grid, row-major.
std::vector<int64_t> coordinates(int64_t i, const std::vector<int64_t>& sizes) {
  std::vector<int64_t> at(sizes.size());
  for (size_t a = sizes.size(); a-- > 0; i /= sizes[a]) at[a] = i % sizes[a];
  return at;
}

/// "stem0 >= 0 && stem0 < sizes[0] && ..."
std::string inside_text(const std::string& stem, const std::vector<int64_t>& sizes) {
  std::string text;
  for (size_t a = 0; a < sizes.size(); ++a)
    text +=
        fmt::format("{}{}{} >= 0 && {}{} < {}ll", a == 0 ? "" : " && ", stem, a, stem, a, sizes[a]);
  return text;
}

class GradientText {
 public:
  explicit GradientText(const KernelRequest& request)
      : p_(request.node.attributes.as<WindowGradientAttributes>().window, result_sizes(request),
           operand_sizes(request, 0)),
        type_(request.node.results[0].dtype()),
        lanes_(lanes_for(p_, type_)),
        with_line_(request.operands.size() > 2) {}

  std::string write(int64_t& items) const {
    return goes_by_blocks(p_) ? by_blocks(items) : by_places(items);
  }

 private:
  std::string vectors() const {
    if (!with_line_) return "";
    return fmt::format(
        "  const auto scale = load<{0}>(b3 + c), shift = load<{0}>(b4 + c), slope = load<{0}>(b5 + "
        "c), offset = load<{0}>(b6 + c);\n",
        lanes_);
  }

  /// Stores `sum` at `to`, of image `x` what belongs to it added.
  std::string finish(const std::string& x, const std::string& to) const {
    std::string code;
    if (with_line_)
      code = fmt::format(
          "    EACH(v, {}) {{\n"
          "      const {} before = {}.get(v);\n"
          "      if (!(before * scale.get(v) + shift.get(v) > 0)) sum[v] = 0;\n"
          "      sum[v] = sum[v] * scale.get(v) + before * slope.get(v) + offset.get(v);\n    }}\n",
          lanes_, compute_text(type_), x);
    return code +
           fmt::format("    store<{}, {}>(y0 + {}, sum);\n", storage_text(type_), lanes_, to);
  }

  std::string empty_sum() const {
    return fmt::format("    {} sum[{}] = {{}};\n", compute_text(type_), lanes_);
  }

  std::string by_places(int64_t& items) const {
    std::string code = item_text(p_, p_.input, "s", lanes_, items);
    code += fmt::format("  const ix to = {};\n", offset_text(p_, p_.input, "s"));
    if (with_line_) code += fmt::format("  const auto x = load<{}>(b2 + to);\n", lanes_);
    code += vectors() + empty_sum();
    code += over_covering(
        p_, fmt::format("    const ix from = {0};\n    const auto g = load<{1}>(b0 + from);\n"
                        "    const auto at = load<{1}>(b1 + from);\n"
                        "    EACH(v, {1}) if (at.get(v) == window) sum[v] += g.get(v);\n",
                        offset_text(p_, p_.pooled, "o"), lanes_));
    return code + finish("x", "to");
  }

  std::string by_blocks(int64_t& items) const {
    const std::vector<int64_t> windows = covering(p_);
    std::vector<int64_t> blocks;
    for (size_t a = 0; a < p_.rank(); ++a)
      blocks.push_back((p_.input[a] + p_.low[a] + p_.strides[a] - 1) / p_.strides[a]);
    std::string code = item_text(p_, blocks, "j", lanes_, items);
    for (int64_t w = 0; w < product_of(windows); ++w) code += load_window(w, windows);
    for (int64_t i = 0; i < product_of(p_.strides); ++i) code += load_place(i);
    code += vectors();
    for (int64_t i = 0; i < product_of(p_.strides); ++i) code += gather(i, windows);
    return code;
  }

  /// Declares g<w> and at<w>: nothing where there is no such window.
  std::string load_window(int64_t w, const std::vector<int64_t>& windows) const {
    const std::vector<int64_t> back = coordinates(w, windows);
    std::string code = fmt::format("  Vector<{}, {}> g{};\n  Vector<u8, {}> at{};\n  {{\n",
                                   storage_text(type_), lanes_, w, lanes_, w);
    for (size_t a = 0; a < p_.rank(); ++a)
      code += fmt::format("    const i64 o{} = (i64)j{} - {}ll;\n", a, a, back[a]);
    return code +
           fmt::format(
               "    if ({0}) {{\n      const ix from = {1};\n      g{2} = load<{3}>(b0 + from);\n"
               "      at{2} = load<{3}>(b1 + from);\n"
               "    }} else {{ g{2}.clear(); at{2}.clear(); }}\n  }}\n",
               inside_text("o", p_.pooled), offset_text(p_, p_.pooled, "o"), w, lanes_);
  }

  /// Declares to<i>, whether it is inside<i>, and with a line x<i>.
  std::string load_place(int64_t i) const {
    const std::vector<int64_t> at = coordinates(i, p_.strides);
    std::string code = fmt::format("  bool inside{0};\n  ix to{0} = 0;\n", i);
    if (with_line_) code += fmt::format("  Vector<{}, {}> x{};\n", storage_text(type_), lanes_, i);
    code += "  {\n";
    for (size_t a = 0; a < p_.rank(); ++a)
      code += fmt::format("    const i64 s{} = (i64)j{} * {}ll + {}ll;\n", a, a, p_.strides[a],
                          at[a] - p_.low[a]);
    code += fmt::format("    inside{0} = {1};\n    if (inside{0}) to{0} = {2};\n", i,
                        inside_text("s", p_.input), offset_text(p_, p_.input, "s"));
    if (with_line_)
      code += fmt::format("    if (inside{0}) x{0} = load<{1}>(b2 + to{0}); else x{0}.clear();\n",
                          i, lanes_);
    return code + "  }\n";
  }

  /// What the windows give to place `i` of the block.
  std::string gather(int64_t i, const std::vector<int64_t>& windows) const {
    const std::vector<int64_t> at = coordinates(i, p_.strides);
    std::string code = fmt::format("  if (inside{}) {{\n", i) + empty_sum();
    // The farthest back is the first in order.
    for (int64_t w = product_of(windows) - 1; w >= 0; --w) {
      const std::vector<int64_t> back = coordinates(w, windows);
      int64_t position = 0;
      bool covers = true;
      for (size_t a = 0; a < p_.rank(); ++a) {
        const int64_t k = at[a] + back[a] * p_.strides[a];
        covers = covers && k < p_.window[a];
        position = position * p_.window[a] + k;
      }
      if (covers)
        code += fmt::format("    EACH(v, {}) if (at{}.get(v) == {}u) sum[v] += g{}.get(v);\n",
                            lanes_, w, position, w);
    }
    return code + finish(fmt::format("x{}", i), fmt::format("to{}", i)) + "  }\n";
  }

  const PoolShape p_;
  const DType type_;
  const int32_t lanes_;
  const bool with_line_;  ///< scale_shift_max_pool_gradient
};

}  // namespace

std::unique_ptr<Launch> prepare_max_pool_gradient(const KernelRequest& request,
                                                  const PrepareContext& context) {
  int64_t items = 0;
  const std::string body = GradientText(request).write(items);
  return launch_items(request, context, body, items);
}

}  // namespace brisk::cuda
