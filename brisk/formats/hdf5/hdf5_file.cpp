// A path is walked link by link, and every link must be a hard one: a soft link could name anything
// and an external link another file.

#include "brisk/formats/hdf5/hdf5_file.h"

#include "brisk/base/file.h"
#include "brisk/formats/hdf5/dataset.h"
#include "brisk/formats/hdf5/links.h"
#include "brisk/formats/hdf5/superblock.h"
#include "brisk/formats/hdf5/text_attribute.h"

namespace brisk {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxJoinedTexts = 1 << 20;

/// What `read` gives, or its refusal.
template <typename F>
auto guarded(F read) -> Result<decltype(read())> {
  try {
    return read();
  } catch (const UserError& error) {
    return Failure{error.what()};
  }
}

}  // namespace

struct Hdf5File::State {
  std::string what;
  std::shared_ptr<const void> owner;  ///< of the bytes
  std::string_view bytes;
  uint64_t root = 0;

  /// The object at a path; UserError where there is none.
  hdf5::Messages object(std::string_view path) const {
    hdf5::Messages at = hdf5::read_object_header(bytes, root);
    size_t depth = 0;
    while (!path.empty()) {
      const size_t end = std::min(path.find('/'), path.size());
      const std::string_view name = path.substr(0, end);
      path.remove_prefix(std::min(end + 1, path.size()));
      if (name.empty()) continue;
      require(++depth <= kMaxDepth, "the path is deeper than {} groups", kMaxDepth);
      require(hdf5::is_group(at), "there is no '{}' in what is no group", name);
      const std::optional<hdf5::Link> link = hdf5::find_link(bytes, at, name);
      require(link.has_value(), "there is no '{}'", name);
      require(link->kind != hdf5::LinkKind::external,
              "'{}' is a link into another file, which is never followed", name);
      require(link->kind != hdf5::LinkKind::soft, "'{}' is a soft link, which is never followed",
              name);
      at = hdf5::read_object_header(bytes, link->address);
    }
    return at;
  }

  static Result<Hdf5File> open(std::unique_ptr<State> state) {
    const Result<uint64_t> root = guarded([&] { return hdf5::read_superblock(state->bytes); });
    if (!root) return fail("{} is no HDF5 file, or a damaged one: {}", state->what, root.error());
    state->root = *root;
    return Hdf5File(std::move(state));
  }
};

Hdf5File::Hdf5File(std::unique_ptr<State> state) : state_(std::move(state)) {}
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File& Hdf5File::operator=(Hdf5File&&) noexcept = default;
Hdf5File::~Hdf5File() = default;

Result<Hdf5File> Hdf5File::open(const std::filesystem::path& path) {
  Result<MappedFile> file = map_file(path);
  if (!file) return file.failure();
  auto state = std::make_unique<State>();
  state->what = path.string();
  state->bytes = {reinterpret_cast<const char*>(file->bytes.get()),
                  static_cast<size_t>(file->size)};
  state->owner = std::move(file->bytes);
  return State::open(std::move(state));
}

Result<Hdf5File> Hdf5File::open(std::shared_ptr<const std::string> bytes, std::string what) {
  auto state = std::make_unique<State>();
  state->what = std::move(what);
  state->bytes = *bytes;
  state->owner = std::move(bytes);
  return State::open(std::move(state));
}

bool Hdf5File::has_group(const std::string& path) const {
  const Result<bool> group = guarded([&] { return hdf5::is_group(state_->object(path)); });
  return group.ok() && *group;
}

bool Hdf5File::has_dataset(const std::string& path) const {
  const Result<bool> dataset = guarded([&] { return hdf5::is_dataset(state_->object(path)); });
  return dataset.ok() && *dataset;
}

Result<std::vector<std::string>> Hdf5File::names(const std::string& group) const {
  const auto names = guarded([&] {
    const hdf5::Messages object = state_->object(group);
    require(hdf5::is_group(object), "it is no group");
    std::vector<std::string> found;
    for (const hdf5::Link& link : hdf5::list_links(state_->bytes, object))
      found.emplace_back(link.name);
    return found;
  });
  if (!names)
    return fail("{}: the group '{}' cannot be listed: {}", state_->what, group, names.error());
  return names;
}

Result<Tensor> Hdf5File::dataset(const std::string& path) const {
  const auto tensor = guarded([&] {
    const hdf5::Messages object = state_->object(path);
    require(hdf5::is_dataset(object), "it is no dataset");
    return hdf5::read_dataset(state_->bytes, object);
  });
  if (!tensor)
    return fail("{}: the dataset '{}' cannot be read: {}", state_->what, path, tensor.error());
  return tensor;
}

Result<std::optional<std::vector<std::string>>> Hdf5File::texts_attribute(
    const std::string& path, const std::string& name) const {
  using Texts = std::optional<std::vector<std::string>>;
  const auto texts = guarded([&]() -> Texts {
    const hdf5::Messages object = state_->object(path);
    Texts whole = hdf5::read_texts(state_->bytes, object, name);
    if (whole) return whole;
    Texts joined;
    for (int piece = 0;; ++piece) {
      const Texts next = hdf5::read_texts(state_->bytes, object, fmt::format("{}{}", name, piece));
      if (!next) return joined;
      if (!joined) joined.emplace();
      joined->insert(joined->end(), next->begin(), next->end());
      require(joined->size() <= kMaxJoinedTexts, "it has more than {} texts", kMaxJoinedTexts);
    }
  });
  if (!texts)
    return fail("{}: the attribute '{}' of '{}' cannot be read: {}", state_->what, name, path,
                texts.error());
  return texts;
}

Result<std::optional<std::string>> Hdf5File::text_attribute(const std::string& path,
                                                            const std::string& name) const {
  Result<std::optional<std::vector<std::string>>> texts = texts_attribute(path, name);
  if (!texts) return texts.failure();
  if (!texts->has_value()) return std::optional<std::string>();
  if ((*texts)->size() != 1)
    return fail("{}: the attribute '{}' holds {} texts, not one", state_->what, name,
                (*texts)->size());
  return std::optional<std::string>((**texts)[0]);
}

}  // namespace brisk
