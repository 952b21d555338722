#include <elf.h>

#include <cstring>
#include <map>
#include <optional>

#include "brisk/backends/cpu/loop/code_image.h"

// A linker for what the code generator emits: sections of code and constants, references between
// them relative to the program counter, calls of external functions. External functions are
// reached through stubs `jmp [rip + distance to the slot]`, so the image needs no other fix-up
// than its slots. (System V ABI, AMD64 supplement, section 4.4.)

namespace brisk {
namespace {

constexpr int64_t kStubBytes = 8;  // a 6-byte jump, padded

class Linker {
 public:
  explicit Linker(std::string_view object) : object_(object) {}

  Result<CodeImage> run() {
    if (!read_headers())
      return fail("compiled code is not an x86-64 ELF object of {} bytes", object_.size());
    if (auto status = place_sections(); !status) return status.failure();
    if (auto status = relocate(); !status) return status.failure();
    append_stubs();
    for (size_t i = 1; i < symbols_.size(); ++i) {
      const Elf64_Sym& symbol = symbols_[i];
      if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && base(symbol.st_shndx))
        image_.functions.push_back(
            {symbol_name(symbol), *base(symbol.st_shndx) + static_cast<int64_t>(symbol.st_value)});
    }
    return std::move(image_);
  }

 private:
  template <typename T>
  bool read_array(uint64_t offset, uint64_t count, std::vector<T>& into) {
    if (offset > object_.size() || count > (object_.size() - offset) / sizeof(T)) return false;
    into.resize(count);
    if (count > 0) std::memcpy(into.data(), object_.data() + offset, count * sizeof(T));
    return true;
  }

  bool read_headers() {
    std::vector<Elf64_Ehdr> header;
    if (!read_array(0, 1, header) || std::memcmp(header[0].e_ident, ELFMAG, SELFMAG) != 0 ||
        header[0].e_machine != EM_X86_64 || header[0].e_type != ET_REL)
      return false;
    if (!read_array(header[0].e_shoff, header[0].e_shnum, sections_)) return false;
    for (const Elf64_Shdr& section : sections_) {
      if (section.sh_type != SHT_NOBITS && (section.sh_offset > object_.size() ||
                                            section.sh_size > object_.size() - section.sh_offset))
        return false;
      if (section.sh_type != SHT_SYMTAB) continue;
      if (section.sh_link >= sections_.size() ||
          !read_array(section.sh_offset, section.sh_size / sizeof(Elf64_Sym), symbols_))
        return false;
      names_ = contents(sections_[section.sh_link]);
    }
    return true;
  }

  std::string_view contents(const Elf64_Shdr& section) const {
    return object_.substr(section.sh_offset, section.sh_size);
  }
  std::string symbol_name(const Elf64_Sym& symbol) const {
    if (symbol.st_name >= names_.size()) return "";
    const std::string_view rest = names_.substr(symbol.st_name);
    return std::string(rest.substr(0, rest.find('\0')));
  }
  std::optional<int64_t> base(size_t section) const {
    return section < bases_.size() ? bases_[section] : std::nullopt;
  }

  Status place_sections() {
    bases_.resize(sections_.size());
    for (size_t i = 0; i < sections_.size(); ++i) {
      const Elf64_Shdr& section = sections_[i];
      // Unwind tables (x86-64's own section type, or plain data of that name) are not needed: the
      // code neither throws nor calls anything that does.
      if (!(section.sh_flags & SHF_ALLOC) || section.sh_type == SHT_X86_64_UNWIND ||
          section.sh_size == 0)
        continue;
      if (section.sh_type != SHT_PROGBITS || (section.sh_flags & SHF_WRITE))
        return fail("compiled code has a section of type {} and flags {}", section.sh_type,
                    section.sh_flags);
      const auto alignment = static_cast<size_t>(std::max<uint64_t>(section.sh_addralign, 1));
      if (alignment > kImageAlignment)
        return fail("compiled code has a section aligned to {}", alignment);
      image_.bytes.resize((image_.bytes.size() + alignment - 1) / alignment * alignment);
      bases_[i] = static_cast<int64_t>(image_.bytes.size());
      image_.bytes += contents(section);
    }
    image_.bytes.resize((image_.bytes.size() + 15) / 16 * 16);
    stubs_ = static_cast<int64_t>(image_.bytes.size());
    return Success{};
  }

  Status relocate() {
    for (const Elf64_Shdr& section : sections_) {
      if (section.sh_type != SHT_RELA || !base(section.sh_info)) continue;
      std::vector<Elf64_Rela> relocations;
      if (!read_array(section.sh_offset, section.sh_size / sizeof(Elf64_Rela), relocations))
        return fail("compiled code has a damaged relocation table");
      for (const Elf64_Rela& relocation : relocations)
        if (auto status =
                apply(*base(section.sh_info), sections_[section.sh_info].sh_size, relocation);
            !status)
          return status;
    }
    return Success{};
  }

  Status apply(int64_t section, uint64_t section_size, const Elf64_Rela& relocation) {
    const auto type = ELF64_R_TYPE(relocation.r_info);
    const size_t number = ELF64_R_SYM(relocation.r_info);
    if (number >= symbols_.size() || relocation.r_offset + 4 > section_size ||
        relocation.r_offset > section_size)
      return fail("compiled code has a relocation outside its section");
    const Elf64_Sym& symbol = symbols_[number];
    if (type != R_X86_64_PC32 && type != R_X86_64_PLT32)
      return fail("compiled code needs relocation type {} for '{}'", type, symbol_name(symbol));
    int64_t target = 0;
    if (const auto inside = base(symbol.st_shndx)) {
      target = *inside + static_cast<int64_t>(symbol.st_value);
    } else if (symbol.st_shndx == SHN_UNDEF && type == R_X86_64_PLT32) {
      target = stub(symbol_name(symbol));
    } else {
      return fail("compiled code refers to '{}', which is neither in it nor a function",
                  symbol_name(symbol));
    }
    const int64_t place = section + static_cast<int64_t>(relocation.r_offset);
    const auto value = static_cast<int32_t>(target + relocation.r_addend - place);
    std::memcpy(image_.bytes.data() + place, &value, sizeof(value));
    return Success{};
  }

  int64_t stub(const std::string& name) {
    const auto [place, added] = stub_of_.try_emplace(name, static_cast<int64_t>(stub_of_.size()));
    if (added) image_.imports.push_back({name, 0});
    return stubs_ + place->second * kStubBytes;
  }

  void append_stubs() {
    const auto count = static_cast<int64_t>(image_.imports.size());
    const int64_t slots = stubs_ + count * kStubBytes;
    image_.bytes.resize(static_cast<size_t>(slots + count * 8), '\0');
    for (int64_t i = 0; i < count; ++i) {
      const int64_t place = stubs_ + i * kStubBytes, slot = slots + i * 8;
      const auto distance = static_cast<int32_t>(slot - (place + 6));
      char* code = image_.bytes.data() + place;
      code[0] = '\xff';
      code[1] = '\x25';
      std::memcpy(code + 2, &distance, sizeof(distance));
      image_.imports[static_cast<size_t>(i)].offset = slot;
    }
  }

  std::string_view object_;
  std::vector<Elf64_Shdr> sections_;
  std::vector<Elf64_Sym> symbols_;
  std::string_view names_;
  std::vector<std::optional<int64_t>> bases_;  // of sections, in the image
  std::map<std::string, int64_t> stub_of_;
  int64_t stubs_ = 0;
  CodeImage image_;
};

}  // namespace

Result<CodeImage> link_object(std::string_view object) {
  return Linker(object).run();
}

}  // namespace brisk
