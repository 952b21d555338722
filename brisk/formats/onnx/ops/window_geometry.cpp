#include "brisk/formats/onnx/ops/window_geometry.h"

#include "brisk/formats/onnx/ops/limits.h"

namespace brisk::onnx {

WindowGeometry window_geometry(const Call& c, std::vector<int64_t> spatial,
                               std::vector<int64_t> kernel) {
  WindowGeometry g;
  const std::vector<int64_t> ones(spatial.size(), 1);
  g.kernel = kernel.empty() ? c.integers("kernel_shape") : std::move(kernel);
  require(g.kernel.size() == spatial.size(), "its kernel has {} axes, its input {} spatial ones",
          g.kernel.size(), spatial.size());
  g.strides = c.integers("strides", ones);
  g.dilations = c.integers("dilations", ones);
  const std::vector<int64_t> pads = c.integers("pads", std::vector<int64_t>(2 * spatial.size(), 0));
  require(g.strides.size() == spatial.size() && g.dilations.size() == spatial.size() &&
              pads.size() == 2 * spatial.size(),
          "its strides, dilations or pads do not fit {} spatial axes", spatial.size());
  check_bounded("kernel_shape", g.kernel);
  check_bounded("strides", g.strides);
  check_bounded("dilations", g.dilations);
  check_bounded("pads", pads);
  const std::string mode = c.text("auto_pad", "NOTSET");
  const bool ceil = c.integer("ceil_mode", 0) != 0;
  for (size_t i = 0; i < spatial.size(); ++i) {
    const int64_t stride = g.strides[i], size = spatial[i];
    require(stride >= 1 && g.dilations[i] >= 1 && g.kernel[i] >= 1,
            "kernel {}, stride {} and dilation {} must be positive", g.kernel[i], stride,
            g.dilations[i]);
    const int64_t reach = (g.kernel[i] - 1) * g.dilations[i] + 1;
    int64_t low = 0, high = 0, out = 0;
    if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
      out = (size + stride - 1) / stride;
      const int64_t total = std::max<int64_t>((out - 1) * stride + reach - size, 0);
      low = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      high = total - low;
      g.ceil_high.push_back(high);
    } else {
      require(mode == "NOTSET" || mode == "VALID", "its auto_pad is '{}'", mode);
      if (mode == "NOTSET") {
        low = pads[i];
        high = pads[i + spatial.size()];
      }
      const int64_t room = size + low + high - reach;
      require(room >= 0, "its window of {} does not fit the padded size {}", reach,
              size + low + high);
      out = room / stride + 1;
      if (ceil && room % stride != 0 && out * stride < size + low)
        ++out;  // the last window must begin inside
      g.ceil_high.push_back(std::max<int64_t>((out - 1) * stride + reach - size - low, high));
    }
    g.low.push_back(low);
    g.high.push_back(high);
    g.out.push_back(out);
  }
  return g;
}

}  // namespace brisk::onnx
