#include "brisk/optimize/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

// Coordinates are pixels of the view box; the page scales it to its own width. Colours are classes,
// so that the page's style sheet makes them light or dark.

namespace brisk {
namespace {

/// 1, 2 or 5 times a power of ten, so that about `count` steps of it make `range`.
double nice_step(double range, int count) {
  const double rough = range / count, power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (rough <= factor * power) return factor * power;
  return 10 * power;
}

std::string tick_text(double value) {
  if (std::fabs(value) < 1e-12) return "0";
  if (std::fabs(value) < 0.01) return fmt::format("{:.4g}", value);
  return fmt::format("{:.6g}", std::round(value * 1e4) / 1e4);
}

/// An axis from data to pixels.
class Scale {
 public:
  Scale(double low, double high, double first_pixel, double last_pixel, bool logarithmic)
      : low_(low), high_(high), first_(first_pixel), last_(last_pixel), log_(logarithmic) {}

  double operator()(double value) const {
    const double share =
        log_ ? std::log(value / low_) / std::log(high_ / low_) : (value - low_) / (high_ - low_);
    return first_ + std::clamp(share, 0.0, 1.0) * (last_ - first_);
  }
  std::vector<double> ticks(int count) const {
    std::vector<double> ticks;
    if (!log_ || high_ / low_ < 4) {
      const double step = nice_step(high_ - low_, count);
      for (double t = std::ceil(low_ / step - 1e-9) * step; t <= high_ + step * 1e-9; t += step)
        ticks.push_back(t);
      return ticks;
    }
    const bool few = high_ / low_ < 30;
    for (double power = std::pow(10, std::floor(std::log10(low_))); power <= high_; power *= 10)
      for (const double factor :
           few ? std::vector<double>{1, 1.5, 2, 3, 5, 7} : std::vector<double>{1, 2, 5})
        if (factor * power >= low_ && factor * power <= high_) ticks.push_back(factor * power);
    return ticks;
  }

 private:
  double low_, high_, first_, last_;
  bool log_;
};

std::string line(double x1, double y1, double x2, double y2, std::string_view style) {
  return fmt::format(
      "<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", style, x1,
      y1, x2, y2);
}

std::string words(double x, double y, std::string_view anchor, std::string_view text,
                  std::string_view style = "label") {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                     style, x, y, anchor, html_text(text));
}

std::string svg(double width, double height, const std::string& content, const std::string& title) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n", width,
      height, html_text(title), content);
}

/// Where labels of these places stand so that none touches its neighbour: in order, at least `gap`
/// apart, between `top` and `bottom` where there is room.
std::vector<double> spread_out(std::vector<double> places, double gap, double top, double bottom) {
  for (size_t i = 0; i < places.size(); ++i)
    places[i] = std::max(places[i], i == 0 ? top : places[i - 1] + gap);
  for (size_t i = places.size(); i-- > 0;)
    places[i] = std::min(places[i], i + 1 == places.size() ? bottom : places[i + 1] - gap);
  return places;
}

/// What the longest of these takes, about; between `least` and `most`.
template <typename Labelled>
double room_for_labels(const std::vector<Labelled>& items, double least, double most) {
  constexpr double kLetter = 6.3;
  size_t longest = 0;
  for (const Labelled& item : items) longest = std::max(longest, item.label.size());
  return std::clamp(kLetter * static_cast<double>(longest) + 16, least, most);
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else
      result += c;
  }
  return result;
}

std::string bar_chart(const std::vector<Bar>& bars, const std::string& unit) {
  if (bars.empty()) return "";
  constexpr double kWidth = 960, kRight = 130, kRow = 24;
  const double left = room_for_labels(bars, 120, 400);
  double most = 0;
  for (const Bar& bar : bars) most = std::max({most, bar.value, bar.spread ? bar.spread->high : 0});
  if (most <= 0) return "";
  const double bottom = 8 + kRow * static_cast<double>(bars.size());
  const Scale x(0, most, left, kWidth - kRight, false);
  std::string content;
  for (const double tick : x.ticks(5)) {
    content += line(x(tick), 4, x(tick), bottom, "grid");
    content += words(x(tick), bottom + 16, "middle", tick_text(tick), "tick");
  }
  content += words((left + kWidth - kRight) / 2, bottom + 36, "middle", unit, "axis");
  for (size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    const double top = 8 + kRow * static_cast<double>(i), middle = top + kRow / 2 - 2;
    content += words(left - 8, middle + 4, "end", bar.label);
    content += fmt::format(
        "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"2\">"
        "<title>{}: {}</title></rect>\n",
        bar.style, left, top + 2, std::max(1.0, x(bar.value) - left), kRow - 8,
        html_text(bar.label), html_text(bar.note));
    double end = x(bar.value);
    if (bar.spread) {
      content += line(x(bar.spread->low), middle, x(bar.spread->high), middle, "error");
      end = std::max(end, x(bar.spread->high));
    }
    content += words(end + 6, middle + 4, "start", bar.note, "value");
  }
  return svg(kWidth, bottom + 44, content, unit);
}

std::string scatter_chart(const std::vector<ScatterPoint>& dots, const ScatterAxes& axes) {
  if (dots.empty()) return "";
  constexpr double kWidth = 960, kLeft = 64, kTop = 22, kLabel = 18;
  const double right = kWidth - 18 - room_for_labels(dots, 200, 420),
               bottom = std::max(320.0, kTop + kLabel * static_cast<double>(dots.size() + 1));
  double x_low = INFINITY, x_high = 0, y_low = INFINITY, y_high = -INFINITY;
  for (const ScatterPoint& dot : dots) {
    x_low = std::min(x_low, dot.x_spread ? dot.x_spread->low : dot.x);
    x_high = std::max(x_high, dot.x_spread ? dot.x_spread->high : dot.x);
    y_low = std::min(y_low, dot.y_spread ? dot.y_spread->low : dot.y);
    y_high = std::max(y_high, dot.y_spread ? dot.y_spread->high : dot.y);
  }
  const double y_room = std::max((y_high - y_low) * 0.12, std::fabs(y_high) * 1e-3 + 1e-9);
  const Scale x = axes.log_x ? Scale(x_low / 1.15, x_high * 1.15, kLeft, right, true)
                             : Scale(0, x_high * 1.08, kLeft, right, false);
  const Scale y(y_low - y_room, y_high + y_room, bottom, kTop, false);
  std::string content;
  for (const double tick : x.ticks(6)) {
    content += line(x(tick), kTop, x(tick), bottom, "grid");
    content += words(x(tick), bottom + 18, "middle", tick_text(tick), "tick");
  }
  for (const double tick : y.ticks(6)) {
    content += line(kLeft, y(tick), right, y(tick), "grid");
    content += words(kLeft - 8, y(tick) + 4, "end", tick_text(tick), "tick");
  }
  content += words((kLeft + right) / 2, bottom + 42, "middle", axes.x, "axis");
  content += words(kLeft, kTop - 8, "start", axes.y, "axis");

  std::vector<size_t> order(dots.size());
  for (size_t i = 0; i < dots.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return dots[a].y > dots[b].y; });
  std::vector<double> places;
  for (const size_t i : order) places.push_back(y(dots[i].y));
  places = spread_out(std::move(places), kLabel, kTop + 8, bottom);
  for (size_t i = 0; i < order.size(); ++i) {
    const ScatterPoint& dot = dots[order[i]];
    content += line(x(dot.x), y(dot.y), right + 14, places[i], "leader");
    content += words(right + 18, places[i] + 4, "start", dot.label);
  }
  for (const ScatterPoint& dot : dots) {
    if (dot.x_spread)
      content += line(x(dot.x_spread->low), y(dot.y), x(dot.x_spread->high), y(dot.y), "error");
    if (dot.y_spread)
      content += line(x(dot.x), y(dot.y_spread->low), x(dot.x), y(dot.y_spread->high), "error");
    content += fmt::format(
        "<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" "
        "r=\"{:.1f}\"><title>{}</title></circle>\n",
        dot.style, x(dot.x), y(dot.y), 4 + 10 * std::sqrt(std::clamp(dot.area, 0.0, 1.0)),
        html_text(dot.label));
  }
  return svg(kWidth, bottom + 60, content, axes.y + " against " + axes.x);
}

}  // namespace brisk
