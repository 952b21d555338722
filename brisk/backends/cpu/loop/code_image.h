#pragma once

/// Compiled code as it lies in memory and in the disk cache: position-independent bytes, the
/// functions in it and the addresses it needs from outside. Loading one is a copy and a few
/// look-ups, so that a warm process never loads LLVM, whose libraries alone take tens of
/// milliseconds.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/base/error.h"

namespace brisk {

struct CodeImage {
  struct Symbol {
    std::string name;
    int64_t offset = 0;
  };
  /// Code, constants, jump stubs, then one zero 8-byte slot per import. To be placed at a multiple
  /// of kImageAlignment.
  std::string bytes;
  std::vector<Symbol> functions;
  std::vector<Symbol> imports;  ///< slot of each external function's address
};
inline constexpr int64_t kImageAlignment = 64;

/// Links one relocatable x86-64 ELF object. Fails on anything that the code generator does not
/// produce: writable data, absolute relocations.
Result<CodeImage> link_object(std::string_view object);

std::string serialize(const CodeImage& image);
Result<CodeImage> parse_code_image(std::string_view bytes);

/// Images in executable memory, imports filled in from libmvec; unmapped with the object.
class ExecutableMemory {
 public:
  static Result<ExecutableMemory> load(std::span<const CodeImage> images);
  /// Address of a function of image `index`; nullptr when it has none of that name.
  void* find(size_t index, std::string_view function) const;

 private:
  struct Unmap {
    size_t size;
    void operator()(void* address) const;
  };
  std::unique_ptr<void, Unmap> memory_;
  struct Loaded {
    int64_t base;
    std::vector<CodeImage::Symbol> functions;
  };
  std::vector<Loaded> images_;
};

}  // namespace brisk
