#pragma once

/// Plots as SVG, for a page whose style sheet has the classes named here.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/optimize/spread.h"

namespace brisk {

/// `text` with what HTML reads as markup written out.
std::string html_text(std::string_view text);

/// A horizontal bar; `style` is its class: "start", "kept", "not_kept", "before", "after".
struct Bar {
  std::string label, style, note;  ///< `note` stands behind the bar
  double value = 0;
  std::optional<Spread> spread = {};  ///< drawn as a line from quartile to quartile
};
/// Bars below each other, from 0 on; "" of none. `unit` stands below the axis.
std::string bar_chart(const std::vector<Bar>& bars, const std::string& unit);

/// A point with its name, and lines as long as its spread.
struct ScatterPoint {
  std::string label, style;
  double x = 0, y = 0;
  std::optional<Spread> x_spread = {}, y_spread = {};
  double area = 1;  ///< relative to the largest, which is 1
};
struct ScatterAxes {
  std::string x, y;   ///< their titles, with units
  bool log_x = true;  ///< else linear; y is linear
};
/// Named in a column on the right, with a line to each point; "" of none.
std::string scatter_chart(const std::vector<ScatterPoint>& dots, const ScatterAxes& axes);

}  // namespace brisk
