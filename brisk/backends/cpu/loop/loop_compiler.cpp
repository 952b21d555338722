#include "brisk/backends/cpu/loop/loop_compiler.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "brisk/backends/cpu/loop/host_isa.h"
#include "brisk/backends/cpu/loop/llvm_library.h"
#include "brisk/backends/loop/loop_cache.h"
#include "brisk/base/file.h"
#include "brisk/base/parallel.h"
#include "brisk/base/tasks.h"

namespace brisk {
namespace {

/// Below this much work, handing a share to another thread costs more than it saves.
constexpr double kNanosecondsWorthAThread = 8'000;
constexpr size_t kCompilingThreads = 2;
/// One part folds no more than this, if partial results stay within kPartialBytes: an f32 sum is
/// then as exact as if it were taken pairwise in rows of this length.
constexpr int64_t kRowsInAPart = 2048;
constexpr int64_t kBlocksInAPart = 64;
constexpr int64_t kPartialBytes = int64_t{1} << 20;

bool divides_integers(const LoopProgram& program) {
  return std::any_of(program.lines.begin(), program.lines.end(), [&](const LoopLine& line) {
    if (line.kind != LoopLine::Kind::operation || is_floating(line.type)) return false;
    if (line.op != ScalarOp::divide && line.op != ScalarOp::remainder) return false;
    const LoopLine& divisor = program.lines[static_cast<size_t>(line.operands[1])];
    return divisor.kind != LoopLine::Kind::operation || divisor.op != ScalarOp::constant;
  });
}

Result<CodeImage> compile_one(const LoopProgram& program, const LoopPlan& plan) {
  auto object = compile_with_llvm(program, plan);
  if (!object) return object.failure();
  return link_object(*object);
}

/// One distinct program of a batch.
struct Job {
  const LoopProgram* program;
  const LoopPlan* plan;
  std::string key;
  std::optional<Result<CodeImage>> image;
};

void find_in_cache(const LoopCache& cache, std::vector<Job>& jobs) {
  for (Job& job : jobs) {
    const auto bytes = cache.find(job.key);
    if (!bytes) continue;
    auto image = parse_code_image(*bytes);
    if (image) job.image = std::move(image);
  }
}

/// Compiles what is missing, several at once.
void compile_missing(std::vector<Job*>& missing) {
  const size_t threads =
      std::min<size_t>(kCompilingThreads, std::max(1u, std::thread::hardware_concurrency()));
  run_tasks(missing.size(), threads, [&](size_t i) {
    missing[i]->image = compile_one(*missing[i]->program, *missing[i]->plan);
  });
}

}  // namespace

Result<CompiledLoops> compile_loops(std::span<const LoopProgram> programs,
                                    const LoopCompileOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto isa = options.isa ? Result<VectorIsa>(*options.isa) : host_isa();
  if (!isa) return isa.failure();
  const auto stamp = llvm_library_stamp();
  if (!stamp) return stamp.failure();

  std::vector<LoopPlan> plans;
  for (const LoopProgram& program : programs) {
    check(program);
    plans.push_back(plan_loop(program, *isa, options.threads));
  }
  std::vector<Job> jobs;
  std::vector<size_t> job_of;
  std::map<std::string, size_t, std::less<>> job_by_key;
  for (size_t i = 0; i < programs.size(); ++i) {
    std::string key = fmt::format("{} codegen {} llvm {} threads {}\n{}", name(*isa),
                                  kCodegenVersion, *stamp, options.threads, to_text(programs[i]));
    const auto [place, added] = job_by_key.try_emplace(key, jobs.size());
    if (added) jobs.push_back({&programs[i], &plans[i], std::move(key), std::nullopt});
    job_of.push_back(place->second);
  }

  const LoopCache cache(options.cache_directory.empty() ? cache_directory() / "loops"
                                                        : options.cache_directory);
  if (options.cache) find_in_cache(cache, jobs);
  std::vector<Job*> missing;
  for (Job& job : jobs)
    if (!job.image) missing.push_back(&job);
  compile_missing(missing);
  std::vector<CodeImage> images;
  for (Job& job : jobs) {
    if (!*job.image) return job.image->failure();
    images.push_back(std::move(**job.image));
  }
  if (options.cache && !missing.empty()) {
    for (const Job* job : missing)
      cache.store(job->key, serialize(images[static_cast<size_t>(job - jobs.data())]));
    cache.trim();
  }

  auto memory = ExecutableMemory::load(images);
  if (!memory) return memory.failure();
  CompiledLoops loops(std::move(*memory));
  for (size_t i = 0; i < programs.size(); ++i) {
    CompiledLoops::Loop loop{
        std::move(plans[i]), !divides_integers(programs[i]), {}, nullptr, {}, {}};
    const auto find = [&](const std::string& function) {
      return reinterpret_cast<LoopFunction>(loops.memory_.find(job_of[i], function));
    };
    for (size_t s = 0; s < programs[i].stores.size(); ++s)
      if (loop.plan.streamed[s]) loop.aligned_buffers.push_back(programs[i].stores[s].buffer);
    loop.main = find("main");
    for (int phase = 0; loop.plan.split_reduced && phase < loop.plan.num_phases; ++phase) {
      loop.accumulate.push_back(find(fmt::format("accumulate_{}", phase)));
      loop.finish.push_back(find(fmt::format("finish_{}", phase)));
    }
    invariant(loop.main != nullptr || (loop.plan.split_reduced && loop.accumulate[0] != nullptr),
              "compiled code lacks its functions");
    loops.loops_.push_back(std::move(loop));
  }
  loops.report_ = {
      static_cast<int64_t>(jobs.size() - missing.size()), static_cast<int64_t>(missing.size()),
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count()};
  return loops;
}

int CompiledLoops::useful_threads(const LoopPlan& plan, int threads) {
  const auto worth = static_cast<int64_t>(plan.nanoseconds / kNanosecondsWorthAThread);
  const int64_t units = plan.split_reduced ? plan.reduced_units : plan.kept_units;
  return static_cast<int>(std::clamp<int64_t>(std::min(worth, units), 1, std::max(threads, 1)));
}

int64_t CompiledLoops::num_parts(const LoopPlan& plan, int threads) {
  if (!plan.split_reduced) return threads;
  const int64_t longest = plan.shape == LoopPlan::Shape::column ? kRowsInAPart : kBlocksInAPart;
  const int64_t wanted = (plan.reduced_units + longest - 1) / longest;
  const int64_t affordable = kPartialBytes / std::max<int64_t>(plan.part_bytes, 1);
  const int64_t rounds = std::min(wanted, affordable) / threads;
  return threads * std::max<int64_t>(rounds, 1);
}

int64_t CompiledLoops::scratch_bytes(size_t index, int threads) const {
  const LoopPlan& plan = loops_[index].plan;
  return plan.shared_bytes + plan.part_bytes * num_parts(plan, useful_threads(plan, threads));
}

void CompiledLoops::run(size_t index, std::span<void* const> buffers, void* scratch,
                        int threads) const {
  const Loop& loop = loops_[index];
  const LoopPlan& plan = loop.plan;
  for (const int32_t buffer : loop.aligned_buffers)
    invariant(reinterpret_cast<uintptr_t>(buffers[static_cast<size_t>(buffer)]) % 64 == 0,
              "result {} of a loop is not aligned to 64 bytes", buffer);
  const int used = useful_threads(plan, threads);
  const int64_t parts = num_parts(plan, used);
  // Part p takes units [units * p / parts, units * (p + 1) / parts).
  const auto share = [&](LoopFunction function, int64_t units) {
    parallel_for(parts, used, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part)
        function(buffers.data(), units * part / parts, units * (part + 1) / parts, scratch, part);
    });
  };
  if (!plan.split_reduced) return share(loop.main, plan.kept_units);
  for (size_t phase = 0; phase < loop.accumulate.size(); ++phase) {
    if (loop.accumulate[phase] != nullptr) share(loop.accumulate[phase], plan.reduced_units);
    // Combining partial results is little work.
    if (loop.finish[phase] != nullptr)
      loop.finish[phase](buffers.data(), 0, plan.kept_units, scratch, parts);
  }
}

std::string CompiledLoops::describe(size_t index) const {
  const LoopPlan& plan = loops_[index].plan;
  const char* shape = plan.shape == LoopPlan::Shape::row      ? "row"
                      : plan.shape == LoopPlan::Shape::column ? "column"
                                                              : "pointwise";
  return fmt::format("{}, {} lanes, {}{}", name(plan.isa), plan.lanes, shape,
                     plan.split_reduced ? ", partial results" : "");
}

}  // namespace brisk
