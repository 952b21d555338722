#include <fmt/ranges.h>

#include <algorithm>

#include "brisk/nn/layer_table.h"
#include "brisk/nn/layers/resample.h"
#include "brisk/nn/operations/operation.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

/// A shape as Keras writes it: -1 or None in front stands for a batch without a size.
Shape target_shape(const OperationCall& call, const Value& x, const std::vector<int64_t>& sizes) {
  Shape shape;
  bool has_rest = false;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == -1 && i == 0 && x.rank() > 0 && x.shape()[0].is_named()) {
      shape.push_back(x.shape()[0]);
      continue;
    }
    require(sizes[i] >= -1 && !(sizes[i] == -1 && has_rest), "[{}] cannot give the shape [{}]",
            call.name, fmt::join(sizes, ", "));
    has_rest = has_rest || sizes[i] == -1;
    shape.push_back(Extent(sizes[i]));
  }
  return shape;
}

std::vector<Value> reshape_to(const OperationCall& call) {
  const Value x = call.value(0, "x");
  const Json newshape = call.argument(1, "newshape");
  return {reshape(
      x,
      target_shape(call, x, call.integers(newshape.is_null() ? call.option("shape") : newshape)))};
}

std::vector<Value> transpose_axes(const OperationCall& call) {
  const Value x = call.value(0, "x");
  std::vector<int64_t> order = call.integers(call.argument(1, "axes"));
  if (order.empty())
    for (int64_t axis = x.rank() - 1; axis >= 0; --axis) order.push_back(axis);
  for (int64_t& axis : order) axis = normalize_axis(axis, x.rank(), call.name);
  return {transpose(x, order)};
}

std::vector<Value> expand(const OperationCall& call) {
  Value x = call.value(0, "x");
  std::vector<int64_t> axes = call.integers(call.argument(1, "axis"));
  for (int64_t& axis : axes) axis = normalize_axis(axis, x.rank() + std::ssize(axes), call.name);
  std::sort(axes.begin(), axes.end());
  for (const int64_t axis : axes) x = expand_dims(x, axis);
  return {x};
}

std::vector<Value> squeeze_axes(const OperationCall& call) {
  Value x = call.value(0, "x");
  std::vector<int64_t> axes = call.integers(call.argument(1, "axis"));
  for (int64_t& axis : axes) axis = normalize_axis(axis, x.rank(), call.name);
  if (axes.empty())
    for (int64_t axis = 0; axis < x.rank(); ++axis)
      if (x.shape()[axis] == Extent(1)) axes.push_back(axis);
  std::sort(axes.rbegin(), axes.rend());
  for (const int64_t axis : axes) x = squeeze(x, axis);
  return {x};
}

std::vector<Value> join(const OperationCall& call) {
  const std::vector<Value> parts = call.values(0, "xs");
  return {concatenate(parts, normalize_axis(call.integer_or(call.argument(1, "axis"), 0),
                                            parts[0].rank(), call.name))};
}

std::vector<Value> stack(const OperationCall& call) {
  std::vector<Value> parts = call.values(0, "x");
  const int64_t axis =
      normalize_axis(call.integer_or(call.argument(1, "axis"), 0), parts[0].rank() + 1, call.name);
  for (Value& part : parts) part = expand_dims(part, axis);
  return {concatenate(parts, axis)};
}

std::vector<Value> split(const OperationCall& call) {
  const Value x = call.value(0, "x");
  const int64_t axis =
      normalize_axis(call.integer_or(call.argument(2, "axis"), 0), x.rank(), call.name);
  const Json how = call.argument(1, "indices_or_sections");
  const int64_t extent = x.shape().size(axis);
  std::vector<int64_t> ends;
  if (how.is_array()) {
    ends = call.integers(how);
  } else {
    const int64_t sections = call.integer_or(how, 1);
    require(sections > 0 && extent % sections == 0, "[{}] {} elements do not split into {} parts",
            call.name, extent, sections);
    for (int64_t part = 1; part < sections; ++part) ends.push_back(part * (extent / sections));
  }
  ends.push_back(extent);
  std::vector<Value> parts;
  int64_t start = 0;
  for (const int64_t end : ends) {
    require(start <= end && end <= extent, "[{}] cannot split {} elements at {}", call.name, extent,
            end);
    parts.push_back(slice_axis(x, axis, start, end));
    start = end;
  }
  return parts;
}

std::vector<Value> flip(const OperationCall& call) {
  const Value x = call.value(0, "x");
  std::vector<int64_t> axes = call.integers(call.argument(1, "axis"));
  if (axes.empty())
    for (int64_t axis = 0; axis < x.rank(); ++axis) axes.push_back(axis);
  for (int64_t& axis : axes) axis = normalize_axis(axis, x.rank(), call.name);
  std::sort(axes.begin(), axes.end());
  return {reverse(x, axes)};
}

Value move_axes(const OperationCall& call, const Value& x, std::vector<int64_t> from,
                std::vector<int64_t> to) {
  require(from.size() == to.size(), "[{}] moves {} axes to {} places", call.name, from.size(),
          to.size());
  std::vector<int64_t> order(static_cast<size_t>(x.rank()), -1);
  std::vector<bool> moved(order.size());
  for (size_t i = 0; i < from.size(); ++i) {
    const int64_t source = normalize_axis(from[i], x.rank(), call.name);
    order[static_cast<size_t>(normalize_axis(to[i], x.rank(), call.name))] = source;
    moved[static_cast<size_t>(source)] = true;
  }
  size_t next = 0;
  for (int64_t& axis : order) {
    if (axis >= 0) continue;
    while (next < moved.size() && moved[next]) ++next;
    require(next < moved.size(), "[{}] moves two axes to one place", call.name);
    axis = static_cast<int64_t>(next++);
  }
  return transpose(x, order);
}

std::vector<Value> move_axis(const OperationCall& call) {
  return {move_axes(call, call.value(0, "x"), call.integers(call.argument(1, "source")),
                    call.integers(call.argument(2, "destination")))};
}

std::vector<Value> swap_axes(const OperationCall& call) {
  const Value x = call.value(0, "x");
  const int64_t a = call.integer_or(call.argument(1, "axis1"), 0),
                b = call.integer_or(call.argument(2, "axis2"), 1);
  if (normalize_axis(a, x.rank(), call.name) == normalize_axis(b, x.rank(), call.name)) return {x};
  return {move_axes(call, x, {a, b}, {b, a})};
}

std::vector<Value> broadcast_shape(const OperationCall& call) {
  const Value x = call.value(0, "x");
  return {broadcast_to(x, target_shape(call, x, call.integers(call.argument(1, "shape"))))};
}

std::vector<Value> repeat(const OperationCall& call) {
  const Value x = call.value(0, "x");
  const auto axis = call.integer(call.argument(2, "axis"));
  require(axis.has_value(), "[{}] needs an axis", call.name);
  const int64_t at = normalize_axis(*axis, x.rank(), call.name),
                times = call.integer_or(call.argument(1, "repeats"), 1);
  require(times > 0, "[{}] repeats must be positive", call.name);
  Shape spread, joined = x.shape();
  std::vector<int64_t> axes;
  for (int64_t a = 0; a < x.rank(); ++a) {
    axes.push_back(spread.rank());
    spread.push_back(x.shape()[a]);
    if (a == at) spread.push_back(Extent(times));
  }
  joined[at] = Extent(x.shape().size(at) * times);
  return {reshape(broadcast(x, spread, axes), joined)};
}

std::vector<Value> tile(const OperationCall& call) {
  Value x = call.value(0, "x");
  std::vector<int64_t> times = call.integers(call.argument(1, "repeats"));
  while (std::ssize(times) < x.rank()) times.insert(times.begin(), 1);
  while (x.rank() < std::ssize(times)) x = expand_dims(x, 0);
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    const int64_t count = times[static_cast<size_t>(axis)];
    require(count > 0 && count <= 4096, "[{}] cannot repeat {} times", call.name, count);
    if (count > 1) x = concatenate(std::vector<Value>(static_cast<size_t>(count), x), axis);
  }
  return {x};
}

std::vector<Value> pad_with(const OperationCall& call) {
  const Value x = call.value(0, "x");
  const Json width = call.argument(1, "pad_width"), mode = call.argument(2, "mode"),
             value = call.argument(3, "constant_values");
  require(mode.is_null() || mode == "constant", "[{}] mode must be constant, but is {}", call.name,
          mode.dump());
  std::vector<int64_t> low, high;
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    Json edge = width;
    if (width.is_array() && !width.empty() && width[0].is_array())
      edge = width.size() == 1 ? width[0] : width.at(static_cast<size_t>(axis));
    const std::vector<int64_t> numbers = call.integers(edge);
    require(!numbers.empty() && numbers.size() <= 2, "[{}] pad_width is malformed", call.name);
    low.push_back(numbers[0]);
    high.push_back(numbers.back());
  }
  return {pad(x, call.builder.scalar(x.dtype(), call.number_or(value, 0)), low, high)};
}

std::vector<Value> take(const OperationCall& call) {
  const Value x = call.value(0, "x");
  Value indices = call.value(1, "indices");
  const auto axis = call.integer(call.argument(2, "axis"));
  require(axis.has_value(), "[{}] needs an axis", call.name);
  const int64_t at = normalize_axis(*axis, x.rank(), call.name);
  if (indices.dtype() != DType::i64) indices = cast(indices, DType::i32);
  const Value extent =
      call.builder.scalar(indices.dtype(), static_cast<double>(x.shape().size(at)));
  indices =
      select(less(indices, call.builder.scalar(indices.dtype(), 0)), indices + extent, indices);
  return {gather(x, indices, at)};
}

std::vector<Value> roll(const OperationCall& call) {
  const Value x = call.value(0, "x");
  const auto axis = call.integer(call.argument(2, "axis"));
  require(axis.has_value(), "[{}] needs an axis", call.name);
  const int64_t at = normalize_axis(*axis, x.rank(), call.name), extent = x.shape().size(at);
  if (extent == 0) return {x};
  const int64_t by = ((call.integer_or(call.argument(1, "shift"), 0) % extent) + extent) % extent;
  if (by == 0) return {x};
  return {concatenate(
      std::vector<Value>{slice_axis(x, at, extent - by, extent), slice_axis(x, at, 0, extent - by)},
      at)};
}

/// x[...] with numbers, slices, an ellipsis and new axes.
std::vector<Value> get_item(const OperationCall& call) {
  const Value x = call.value(0, "x");
  Json keys = call.argument(1, "key");
  if (!keys.is_array()) keys = Json::array({keys});
  const auto is_class = [](const Json& key, const char* name) {
    return key.is_object() && key.value("class_name", "") == name;
  };
  int64_t taken = 0;
  for (const Json& key : keys) taken += !key.is_null() && !is_class(key, "__ellipsis__");
  require(taken <= x.rank(), "[{}] {} keys for {} axes", call.name, taken, x.rank());
  std::vector<int64_t> starts, limits, steps, dropped, added, reversed;
  int64_t axis = 0, result_axis = 0;
  const auto whole = [&] {
    starts.push_back(0);
    limits.push_back(x.shape()[axis].is_named() ? -1 : x.shape().size(axis));
    steps.push_back(1);
    ++axis;
    ++result_axis;
  };
  for (const Json& key : keys) {
    if (is_class(key, "__ellipsis__")) {
      for (int64_t rest = x.rank() - taken; rest > 0; --rest) whole();
    } else if (key.is_null()) {
      added.push_back(result_axis++);
    } else if (is_class(key, "__slice__")) {
      const Json config = key.value("config", Json::object());
      const auto part = [&](const char* name) {
        return config.contains(name) ? call.integer(config[name]) : std::nullopt;
      };
      const auto start = part("start"), stop = part("stop"), step = part("step");
      if (!start && !stop && step.value_or(1) == 1) {
        whole();
        continue;
      }
      const int64_t extent = x.shape().size(axis), by = step.value_or(1);
      require(by != 0, "[{}] a slice's step is 0", call.name);
      const auto bound = [&](std::optional<int64_t> at, int64_t otherwise) {
        if (!at) return otherwise;
        return std::clamp<int64_t>(*at < 0 ? *at + extent : *at, by > 0 ? 0 : -1,
                                   by > 0 ? extent : extent - 1);
      };
      if (by > 0) {
        starts.push_back(bound(start, 0));
        limits.push_back(std::max(starts.back(), bound(stop, extent)));
        steps.push_back(by);
      } else {  // the same elements the other way round
        const int64_t first = bound(start, extent - 1), last = bound(stop, -1);
        const int64_t count = std::max<int64_t>(0, (first - last + (-by) - 1) / -by);
        starts.push_back(count == 0 ? 0 : first + (count - 1) * by);
        limits.push_back(count == 0 ? 0 : first + 1);
        steps.push_back(-by);
        reversed.push_back(axis);
      }
      ++axis;
      ++result_axis;
    } else {
      const int64_t extent = x.shape().size(axis), at = *call.integer(key),
                    index = at < 0 ? at + extent : at;
      require(index >= 0 && index < extent, "[{}] index {} is out of range for {} elements",
              call.name, at, extent);
      starts.push_back(index);
      limits.push_back(index + 1);
      steps.push_back(1);
      dropped.push_back(axis++);
    }
  }
  while (axis < x.rank()) whole();
  Value y = slice(x, starts, limits, steps);
  if (!reversed.empty()) y = reverse(y, reversed);
  for (auto it = dropped.rbegin(); it != dropped.rend(); ++it) y = squeeze(y, *it);
  for (const int64_t at : added) y = expand_dims(y, at);
  return {y};
}

std::vector<Value> cast_to(const OperationCall& call) {
  const Json type = call.argument(1, "dtype");
  require(type.is_string(), "[{}] needs a dtype", call.name);
  return {cast(call.value(0, "x"), dtype_from_keras(type.get<std::string>()))};
}

/// Keras writes it where a mask may be None; without a type it is the value itself.
std::vector<Value> convert_to_tensor(const OperationCall& call) {
  if (call.argument(1, "dtype").is_null()) return {call.value(0, "x")};
  return cast_to(call);
}

template <int kNumber>
std::vector<Value> filled_like(const OperationCall& call) {
  const Value x = call.value(0, "x");
  return {broadcast(call.builder.scalar(x.dtype(), kNumber), x.shape(), {})};
}

std::vector<Value> ravel(const OperationCall& call) {
  return {reshape(call.value(0, "x"), Shape{Extent(-1)})};
}

std::vector<Value> resize_image(const OperationCall& call) {
  const Value x = as_float(call.value(0, "images"));
  const std::vector<int64_t> size = call.integers(call.argument(1, "size"));
  const Json by = call.option("interpolation");
  require(size.size() == 2 && x.rank() == 4,
          "[{}] needs images [batch, height, width, channels] and a size", call.name);
  const Interpolation interpolation =
      interpolation_from_keras(by.is_string() ? by.get<std::string>() : "bilinear");
  return {resample(resample(x, 1, size[0], interpolation), 2, size[1], interpolation)};
}

constexpr Operation kShapeOperations[] = {
    {"Reshape", reshape_to},
    {"Transpose", transpose_axes},
    {"ExpandDims", expand},
    {"Squeeze", squeeze_axes},
    {"Concatenate", join},
    {"Stack", stack},
    {"Split", split},
    {"Flip", flip},
    {"Moveaxis", move_axis},
    {"Swapaxes", swap_axes},
    {"BroadcastTo", broadcast_shape},
    {"Repeat", repeat},
    {"Tile", tile},
    {"Pad", pad_with},
    {"Take", take},
    {"Roll", roll},
    {"GetItem", get_item},
    {"Cast", cast_to},
    {"ConvertToTensor", convert_to_tensor},
    {"ZerosLike", filled_like<0>},
    {"OnesLike", filled_like<1>},
    {"Ravel", ravel},
    {"Resize", resize_image},
};

}  // namespace

std::span<const Operation> shape_operations() {
  return kShapeOperations;
}

}  // namespace brisk
