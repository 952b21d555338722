#include <algorithm>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/backends/cuda/code_library.h"
#include "brisk/backends/loop/loop_cache.h"
#include "brisk/base/file.h"
#include "brisk/base/hash.h"
#include "brisk/base/tasks.h"

// Kernels are compiled several to a translation unit, since reading the prelude costs as much as
// compiling a small kernel; units are compiled side by side. On disk lie two kinds of entries: for
// a kernel the name of the unit that holds it, and for a unit its cubin. So a program finds its
// kernels whatever they were compiled together with.

namespace brisk::cuda {
namespace {

constexpr int kVersion = 1;  // of what the key does not show: options, naming
constexpr int64_t kCacheBytes = int64_t{256} << 20;
constexpr size_t kKernelsPerUnit = 12;

struct Unit {
  std::vector<size_t> kernels;
  std::string name;  // of its entry in the cache
  std::string cubin;
};

std::string replaced(std::string text, std::string_view name) {
  constexpr std::string_view kPlaceholder = "$name";
  for (size_t at = text.find(kPlaceholder); at != std::string::npos;
       at = text.find(kPlaceholder, at + name.size()))
    text.replace(at, kPlaceholder.size(), name);
  return text;
}

std::string unit_source(const Unit& unit, const std::vector<KernelSource>& kernels,
                        const std::vector<std::string>& names) {
  std::string source(device_prelude());
  for (const size_t k : unit.kernels) source += replaced(kernels[k].text, names[k]);
  return source;
}

/// What an entry depends on besides the kernels' text.
std::string environment_key(const Nvrtc& api, const CodeOptions& options) {
  return fmt::format("{} {} nvrtc {}.{} {:016x}", kVersion, options.architecture, api.major,
                     api.minor, stable_hash(device_prelude()));
}

std::string kernel_key(const std::string& environment, const KernelSource& kernel) {
  return fmt::format("kernel {}\n{}", environment, kernel.text);
}
std::string unit_key(const std::string& environment, std::string_view name) {
  return fmt::format("unit {} {}", environment, name);
}

/// Units found on disk; kernels that none of them holds stay for `missing`.
std::vector<Unit> find_units(const LoopCache& cache, const std::string& environment,
                             const std::vector<KernelSource>& kernels,
                             std::vector<size_t>& missing) {
  std::vector<Unit> units;
  for (size_t k = 0; k < kernels.size(); ++k) {
    const auto name = cache.find(kernel_key(environment, kernels[k]));
    if (!name) {
      missing.push_back(k);
      continue;
    }
    auto unit =
        std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == *name; });
    if (unit == units.end()) {
      auto cubin = cache.find(unit_key(environment, *name));
      unit = units.insert(units.end(), Unit{{}, *name, cubin ? std::move(*cubin) : std::string()});
    }
    if (unit->cubin.empty())
      missing.push_back(k);
    else
      unit->kernels.push_back(k);
  }
  std::erase_if(units, [](const Unit& unit) { return unit.kernels.empty(); });
  return units;
}

std::vector<Unit> make_units(const std::vector<size_t>& missing,
                             const std::vector<std::string>& names, int jobs) {
  const size_t useful =
      (missing.size() + static_cast<size_t>(jobs) - 1) / static_cast<size_t>(jobs);
  const size_t each = std::clamp<size_t>(useful, 1, kKernelsPerUnit);
  std::vector<Unit> units;
  for (size_t first = 0; first < missing.size(); first += each) {
    Unit unit;
    StableHasher hasher;
    for (size_t i = first; i < std::min(first + each, missing.size()); ++i) {
      unit.kernels.push_back(missing[i]);
      hasher.update_field(names[missing[i]]);
    }
    unit.name = to_hex(hasher.digest());
    units.push_back(std::move(unit));
  }
  return units;
}

Status dump(const Unit& unit, const std::string& source, const CodeOptions& options) {
  if (options.dump_directory.empty()) return Success{};
  std::error_code error;
  std::filesystem::create_directories(options.dump_directory, error);
  return write_file_atomically(std::filesystem::path(options.dump_directory) / (unit.name + ".cu"),
                               source);
}

Status compile_units(std::vector<Unit>& units, const std::vector<KernelSource>& kernels,
                     const std::vector<std::string>& names, const CodeOptions& options, int jobs) {
  std::mutex mutex;
  std::optional<Failure> failure;
  const auto has_failed = [&] {
    const std::scoped_lock lock(mutex);
    return failure.has_value();
  };
  run_tasks(units.size(), static_cast<size_t>(jobs), [&](size_t u) {
    if (has_failed()) return;
    const std::string source = unit_source(units[u], kernels, names);
    Status dumped = dump(units[u], source, options);
    Result<NvrtcOutput> output = dumped ? compile_to_cubin(source, options.architecture)
                                        : Result<NvrtcOutput>(dumped.failure());
    const std::scoped_lock lock(mutex);
    if (output)
      units[u].cubin = std::move(output->cubin);
    else if (!failure)
      failure = output.failure();
  });
  if (failure) return *failure;
  return Success{};
}

}  // namespace

Result<CompiledCode> compile_kernels(const std::vector<KernelSource>& kernels,
                                     const CodeOptions& options) {
  CompiledCode code;
  if (kernels.empty()) return code;
  const auto api = nvrtc();
  if (!api) return api.failure();
  for (const KernelSource& kernel : kernels)
    code.function_names.push_back(
        fmt::format("{}_{}", kernel.stem, to_hex(stable_hash(kernel.text))));
  const std::string environment = environment_key(**api, options);
  const LoopCache cache(cache_directory() / "cuda", kCacheBytes);
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const int jobs = options.jobs > 0 ? options.jobs : cores;

  std::vector<size_t> missing;
  std::vector<Unit> units;
  if (options.cache && options.dump_directory.empty()) {
    units = find_units(cache, environment, kernels, missing);
  } else {
    for (size_t k = 0; k < kernels.size(); ++k) missing.push_back(k);
  }
  code.compiled = static_cast<int64_t>(missing.size());
  code.from_cache = static_cast<int64_t>(kernels.size() - missing.size());
  std::vector<Unit> fresh = make_units(missing, code.function_names, jobs);
  if (auto status = compile_units(fresh, kernels, code.function_names, options, jobs); !status)
    return status.failure();
  if (options.cache) {
    for (const Unit& unit : fresh) {
      cache.store(unit_key(environment, unit.name), unit.cubin);
      for (const size_t k : unit.kernels)
        cache.store(kernel_key(environment, kernels[k]), unit.name);
    }
    if (!fresh.empty()) cache.trim();
  }
  std::move(fresh.begin(), fresh.end(), std::back_inserter(units));
  code.cubin_of.resize(kernels.size());
  for (Unit& unit : units) {
    for (const size_t k : unit.kernels) code.cubin_of[k] = code.cubins.size();
    code.cubins.push_back(std::move(unit.cubin));
  }
  return code;
}

}  // namespace brisk::cuda
