#include "brisk/backends/cpu/loop/code_image.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "brisk/base/rounding.h"

namespace brisk {
namespace {

void append_number(std::string& out, int64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof(number));
}
void append_text(std::string& out, std::string_view text) {
  append_number(out, static_cast<int64_t>(text.size()));
  out += text;
}
void append_symbols(std::string& out, std::span<const CodeImage::Symbol> symbols) {
  append_number(out, static_cast<int64_t>(symbols.size()));
  for (const CodeImage::Symbol& symbol : symbols) {
    append_text(out, symbol.name);
    append_number(out, symbol.offset);
  }
}

/// Takes fields off the front; `ok` turns false at the first that is not there.
struct Reader {
  std::string_view rest;
  bool ok = true;

  int64_t number() {
    int64_t value = 0;
    ok = ok && rest.size() >= sizeof(value);
    if (!ok) return 0;
    std::memcpy(&value, rest.data(), sizeof(value));
    rest.remove_prefix(sizeof(value));
    return value;
  }
  std::string text() {
    const int64_t size = number();
    ok = ok && size >= 0 && static_cast<uint64_t>(size) <= rest.size();
    if (!ok) return "";
    std::string result(rest.substr(0, static_cast<size_t>(size)));
    rest.remove_prefix(static_cast<size_t>(size));
    return result;
  }
  /// Offsets must leave `room` bytes within `limit`.
  std::vector<CodeImage::Symbol> symbols(size_t limit, int64_t room) {
    std::vector<CodeImage::Symbol> result;
    for (int64_t left = number(); ok && left > 0; --left) {
      CodeImage::Symbol symbol{text(), 0};
      symbol.offset = number();
      ok = ok && symbol.offset >= 0 && symbol.offset + room <= static_cast<int64_t>(limit);
      result.push_back(std::move(symbol));
    }
    return result;
  }
};

/// The address of a function of libmvec; nullptr when this system's lacks it.
void* find_import(const std::string& name) {
  static void* const library = dlopen("libmvec.so.1", RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr : dlsym(library, name.c_str());
}

}  // namespace

std::string serialize(const CodeImage& image) {
  std::string out;
  append_text(out, image.bytes);
  append_symbols(out, image.functions);
  append_symbols(out, image.imports);
  return out;
}

Result<CodeImage> parse_code_image(std::string_view bytes) {
  Reader reader{bytes};
  CodeImage image;
  image.bytes = reader.text();
  image.functions = reader.symbols(image.bytes.size(), 1);
  image.imports = reader.symbols(image.bytes.size(), 8);
  if (!reader.ok || !reader.rest.empty()) return fail("a stored code image is damaged");
  return image;
}

void ExecutableMemory::Unmap::operator()(void* address) const {
  munmap(address, size);
}

Result<ExecutableMemory> ExecutableMemory::load(std::span<const CodeImage> images) {
  ExecutableMemory loaded;
  int64_t size = 0;
  for (const CodeImage& image : images) {
    size = round_up(size, kImageAlignment);
    loaded.images_.push_back({size, image.functions});
    size += static_cast<int64_t>(image.bytes.size());
  }
  if (size == 0) return loaded;
  const auto bytes = static_cast<size_t>(size);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return fail("no memory for {} bytes of compiled code: {}", bytes, std::strerror(errno));
  loaded.memory_ = std::unique_ptr<void, Unmap>(memory, Unmap{bytes});
  for (size_t i = 0; i < images.size(); ++i) {
    char* base = static_cast<char*>(memory) + loaded.images_[i].base;
    std::memcpy(base, images[i].bytes.data(), images[i].bytes.size());
    for (const CodeImage::Symbol& import : images[i].imports) {
      void* address = find_import(import.name);
      if (address == nullptr)
        return fail("this system's libmvec has no function '{}'", import.name);
      std::memcpy(base + import.offset, &address, sizeof(address));
    }
  }
  if (mprotect(memory, bytes, PROT_READ | PROT_EXEC) != 0)
    return fail("compiled code may not be executed here: {}", std::strerror(errno));
  return loaded;
}

void* ExecutableMemory::find(size_t index, std::string_view function) const {
  for (const CodeImage::Symbol& symbol : images_[index].functions)
    if (symbol.name == function)
      return static_cast<char*>(memory_.get()) + images_[index].base + symbol.offset;
  return nullptr;
}

}  // namespace brisk
