#include <set>

#include "brisk/base/error.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/move_kind.h"
#include "brisk/ops/move/move_ops.h"

namespace brisk {
namespace {

/// The number of elements of a shape with named extents: sizes multiplied, names collected.
struct Count {
  int64_t known = 1;
  std::multiset<std::string> names;
  bool rest = false;  ///< one extent is -1

  explicit Count(const Shape& shape) {
    std::vector<int64_t> sizes;
    for (const Extent& extent : shape) {
      if (extent.is_named()) {
        names.insert(extent.name());
      } else if (extent.size() == -1) {
        require(!rest, "[reshape] shape {} has more than one -1", shape.to_string());
        rest = true;
      } else {
        sizes.push_back(extent.size());
      }
    }
    known = checked_product(sizes);
  }
};

[[noreturn]] void refuse_reshape(const Shape& from, const Shape& to) {
  refuse("[reshape] shape {} cannot be read as {}: the numbers of elements differ",
         from.to_string(), to.to_string());
}

/// `to` with its -1 replaced by what is left of `from`.
Shape resolve(const Shape& from, Shape to) {
  const Count have(from), want(to);
  if (!want.rest) return to;
  std::multiset<std::string> left = have.names;
  for (const std::string& name : want.names) {
    const auto found = left.find(name);
    if (found == left.end()) refuse_reshape(from, to);
    left.erase(found);
  }
  Extent rest;
  if (left.size() == 1 && have.known == want.known)
    rest = Extent(*left.begin());
  else if (left.empty() && want.known != 0 && have.known % want.known == 0)
    rest = Extent(have.known / want.known);
  else
    refuse_reshape(from, to);
  Shape resolved;
  for (const Extent& extent : to) resolved.push_back(extent == Extent(-1) ? rest : extent);
  return resolved;
}

std::vector<Type> infer(const InferContext& context) {
  const Shape& from = context.tensor(0).shape;
  const Shape& to = context.as<ShapeAttributes>().shape;
  const Count have(from), want(to);
  if (want.rest || have.known != want.known || have.names != want.names) refuse_reshape(from, to);
  return {moved(context, to)};
}

/// Axes whose extent is not 1.
std::vector<int64_t> proper_axes(const Shape& shape) {
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] != Extent(1)) axes.push_back(axis);
  return axes;
}

/// Only reshapes that insert and remove axes of extent 1 have a map.
std::optional<IndexMap> index_map(const InferContext& context, const Type& result) {
  const Shape& from = context.tensor(0).shape;
  const std::vector<int64_t> sources = proper_axes(from), targets = proper_axes(result.shape());
  if (sources.size() != targets.size()) return std::nullopt;
  IndexMap map = empty_map(from.rank(), result.rank());
  for (size_t i = 0; i < sources.size(); ++i) {
    if (from[sources[i]] != result.shape()[targets[i]]) return std::nullopt;
    map.stride[static_cast<size_t>(sources[i])][static_cast<size_t>(targets[i])] = 1;
  }
  return map;
}

}  // namespace

Op reshape_op() {
  return move("reshape")
      .attributes<ShapeAttributes>()
      .doc("The same elements in row-major order under another shape.")
      .infer(infer)
      .index_map(index_map)
      .vjp([](const Vjp& d) -> std::vector<Value> { return {reshape(d.grad(), d.in(0).shape())}; });
}

Value reshape(Value x, Shape shape) {
  require(x.defined(), "[reshape] its operand is not defined");
  shape = resolve(x.shape(), std::move(shape));
  if (x.shape() == shape) return x;
  return x.builder->emit_one("reshape", {x}, ShapeAttributes{std::move(shape)});
}

Value expand_dims(Value x, int64_t axis) {
  require(x.defined(), "[expand_dims] its operand is not defined");
  std::vector<Extent> extents = x.shape().extents();
  extents.insert(extents.begin() + normalize_axis(axis, x.rank() + 1, "expand_dims"), Extent(1));
  return reshape(x, Shape(std::move(extents)));
}

Value squeeze(Value x, int64_t axis) {
  require(x.defined(), "[squeeze] its operand is not defined");
  axis = normalize_axis(axis, x.rank(), "squeeze");
  require(x.shape()[axis] == Extent(1), "[squeeze] axis {} of {} is not 1", axis,
          x.type().to_string());
  std::vector<Extent> extents = x.shape().extents();
  extents.erase(extents.begin() + axis);
  return reshape(x, Shape(std::move(extents)));
}

}  // namespace brisk
