#include "brisk/backends/cpu/loop/loop_compiler.h"

#include <cstdlib>
#include <fstream>

#include "brisk/backends/loop/loop_cache.h"
#include "brisk/base/file.h"
#include "loop_running.h"
#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

LoopProgram doubled(int64_t size) {
  LoopWriter w({{size, false}}, 1, 1);
  const int32_t x = w.load(0, DType::f32, {0, {1}});
  w.store(w.op(ScalarOp::add, DType::f32, {x, x, -1}), 1, DType::f32, {0, {1}});
  return w.program;
}

LoopProgram sine(int64_t size) {
  LoopWriter w({{size, false}}, 1, 1);
  w.store(w.op(ScalarOp::sine, DType::f32, {w.load(0, DType::f32, {0, {1}}), -1, -1}), 1,
          DType::f32, {0, {1}});
  return w.program;
}

void expect_doubles(const CompiledLoops& loops, size_t index, int64_t size) {
  const Tensor x = random_tensor(DType::f32, {size}, 5);
  Tensor y(DType::f32, {size});
  const std::vector<void*> buffers{const_cast<std::byte*>(x.bytes()), y.bytes()};
  loops.run(index, buffers, nullptr, 1);
  for (int64_t i = 0; i < size; ++i) ASSERT_EQ(y.get(i), 2 * x.get(i));
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    files.push_back(entry.path());
  return files;
}

TEST(LoopCompiler, SecondCompilationComesFromTheCache) {
  const test::TemporaryDirectory directory;
  const LoopCompileOptions options{
      .isa = {}, .threads = 1, .cache = true, .cache_directory = directory.path()};
  const std::vector<LoopProgram> programs{doubled(20), sine(33), doubled(20)};
  const auto cold = compile_loops(programs, options);
  ASSERT_TRUE(cold.ok()) << cold.error();
  EXPECT_EQ(cold->report().compiled, 2);  // equal programs once
  EXPECT_EQ(cold->report().from_cache, 0);
  const auto warm = compile_loops(programs, options);
  ASSERT_TRUE(warm.ok()) << warm.error();
  EXPECT_EQ(warm->report().compiled, 0);
  EXPECT_EQ(warm->report().from_cache, 2);
  expect_doubles(*warm, 0, 20);
  expect_doubles(*warm, 2, 20);
  // Imports of cached code are found again.
  const Tensor x = random_tensor(DType::f32, {33}, 5);
  Tensor y(DType::f32, {33});
  const std::vector<void*> buffers{const_cast<std::byte*>(x.bytes()), y.bytes()};
  warm->run(1, buffers, nullptr, 1);
  for (int64_t i = 0; i < 33; ++i) EXPECT_NEAR(y.get(i), std::sin(x.get(i)), 1e-6);
}

TEST(LoopCompiler, DamagedEntriesAreCompiledAgain) {
  const test::TemporaryDirectory directory;
  const LoopCompileOptions options{
      .isa = {}, .threads = 1, .cache = true, .cache_directory = directory.path()};
  const LoopProgram program = doubled(20);
  ASSERT_TRUE(compile_loops(std::span(&program, 1), options).ok());
  const auto path = files_in(directory.path()).at(0);
  const std::string whole = read_file(path).value();
  for (const size_t place :
       {size_t{0}, size_t{12}, size_t{20}, whole.size() / 2, whole.size() - 1}) {
    std::string damaged = whole;
    damaged[place] = static_cast<char>(damaged[place] ^ 0x40);
    std::ofstream(path, std::ios::binary) << damaged;
    const auto loops = compile_loops(std::span(&program, 1), options);
    ASSERT_TRUE(loops.ok()) << loops.error();
    EXPECT_EQ(loops->report().compiled, 1) << "byte " << place;
    expect_doubles(*loops, 0, 20);
  }
  for (const size_t size : {size_t{0}, size_t{10}, size_t{30}, whole.size() - 1}) {
    std::ofstream(path, std::ios::binary) << whole.substr(0, size);
    EXPECT_EQ(compile_loops(std::span(&program, 1), options)->report().compiled, 1)
        << size << " bytes";
  }
  EXPECT_EQ(compile_loops(std::span(&program, 1), options)->report().from_cache, 1);
}

TEST(LoopCompiler, CacheThatCannotBeWrittenIsNoError) {
  const test::TemporaryDirectory directory;
  std::ofstream(directory.path() / "file") << "not a directory";
  const LoopProgram program = doubled(20);
  const auto loops = compile_loops(
      std::span(&program, 1),
      {.isa = {}, .threads = 1, .cache = true, .cache_directory = directory.path() / "file"});
  ASSERT_TRUE(loops.ok()) << loops.error();
  expect_doubles(*loops, 0, 20);
}

TEST(LoopCompiler, CacheRemovesTheOldestEntries) {
  const test::TemporaryDirectory directory;
  const LoopCache cache(directory.path(), 1000);
  for (int i = 0; i < 6; ++i) {
    const std::string key = fmt::format("key {}", i);
    cache.store(key, std::string(200, 'x'));
    // Entry 0 is the newest, 5 the oldest.
    for (const auto& path : files_in(directory.path())) {
      const auto age = std::filesystem::last_write_time(path) - std::chrono::minutes(1);
      if (i < 5) std::filesystem::last_write_time(path, age);
    }
  }
  cache.trim();
  EXPECT_EQ(files_in(directory.path()).size(), 3u);
  EXPECT_TRUE(cache.find("key 5"));
  EXPECT_FALSE(cache.find("key 0"));
  cache.trim();
  EXPECT_EQ(files_in(directory.path()).size(), 3u);
}

TEST(LoopCompiler, EntryOfAnotherKeyIsNotTaken) {
  const test::TemporaryDirectory directory;
  const LoopCache cache(directory.path());
  cache.store("a key", "its value");
  EXPECT_EQ(cache.find("a key"), "its value");
  const auto path = files_in(directory.path()).at(0);
  cache.store("b key", "another");
  for (const auto& other : files_in(directory.path()))
    if (other != path)
      std::filesystem::copy_file(path, other, std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(cache.find("b key"));
}

TEST(LoopCompiler, InstructionSetFromTheEnvironment) {
  const std::string previous =
      std::getenv("BRISK_CPU_ISA") == nullptr ? "" : std::getenv("BRISK_CPU_ISA");
  setenv("BRISK_CPU_ISA", "avx2", 1);
  EXPECT_EQ(host_isa().value(), VectorIsa::avx2);
  const LoopProgram program = doubled(20);
  const auto loops = compile_loops(
      std::span(&program, 1), {.isa = {}, .threads = 1, .cache = false, .cache_directory = {}});
  ASSERT_TRUE(loops.ok()) << loops.error();
  EXPECT_EQ(loops->describe(0), "avx2, 8 lanes, pointwise");
  setenv("BRISK_CPU_ISA", "sse2", 1);
  EXPECT_EQ(host_isa().error(), "BRISK_CPU_ISA is 'sse2'; known are avx2 and avx512");
  if (previous.empty())
    unsetenv("BRISK_CPU_ISA");
  else
    setenv("BRISK_CPU_ISA", previous.c_str(), 1);
}

TEST(LoopCompiler, OnlyIntegerDivisionIsScalar) {
  LoopWriter w({{20, false}}, 2, 1);
  const int32_t x = w.load(0, DType::i64, {0, {1}}), y = w.load(1, DType::i64, {0, {1}});
  w.store(w.op(ScalarOp::divide, DType::i64, {x, y, -1}), 2, DType::i64, {0, {1}});
  const std::vector<LoopProgram> programs{w.program, sine(20)};
  const auto loops =
      compile_loops(programs, {.isa = {}, .threads = 1, .cache = false, .cache_directory = {}});
  ASSERT_TRUE(loops.ok()) << loops.error();
  EXPECT_FALSE(loops->is_vectorised(0));
  EXPECT_TRUE(loops->is_vectorised(1));
}

TEST(LoopCompiler, DamagedObjectsAndImagesAreRefused) {
  EXPECT_EQ(link_object("not an object").error(),
            "compiled code is not an x86-64 ELF object of 13 bytes");
  CodeImage image{.bytes = std::string(64, '\xc3'),
                  .functions = {{"main", 0}},
                  .imports = {{"_ZGVeN16v_sinf", 56}}};
  const std::string bytes = serialize(image);
  EXPECT_EQ(parse_code_image(bytes)->functions[0].name, "main");
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(parse_code_image(bytes.substr(0, size)).ok()) << size;
  image.imports[0].offset = 60;  // its slot would end beyond the code
  EXPECT_FALSE(parse_code_image(serialize(image)).ok());
  image.imports = {{"no_such_function", 56}};
  EXPECT_EQ(ExecutableMemory::load(std::span(&image, 1)).error(),
            "this system's libmvec has no function 'no_such_function'");
}

}  // namespace
}  // namespace brisk
