// Which barriers compute-sanitizer's racecheck takes for an order of accesses to shared memory.
// Threads write a place each and read another one's, a barrier between, round after round, as a
// kernel does whose copying warps have ended. Values are checked: reports beside right values are
// the tool's own.
//
//   nvcc -gencode arch=compute_90a,code=sm_90a -o barriers_under_racecheck \
//     barriers_under_racecheck.cu
//   compute-sanitizer --tool racecheck ./barriers_under_racecheck CASE
//
// Without a number all cases run. Results: docs/results/cuda_conformance.md.

#include <cuda_runtime.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

constexpr uint32_t kThreads = 384, kWorking = 256, kRounds = 4, kTurns = 3;

enum class Before { nothing, named_equally, named_unequally, named_turns, mbarrier_turns };
enum class Meets { syncthreads, named, mbarrier_of_threads, mbarrier_of_warps };

__device__ uint32_t shared_address(const void* p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

__device__ void initialise(uint32_t barrier, uint32_t count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(count));
}

__device__ void arrive(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(barrier) : "memory");
}

__device__ void wait(uint32_t barrier, uint32_t parity) {
  uint32_t done;
  do {
    asm volatile(
        "{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
        "selp.u32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(barrier), "r"(parity)
        : "memory");
  } while (done == 0);
}

__device__ void spin(int64_t cycles) {
  const int64_t begin = clock64();
  while (clock64() - begin < cycles) {
  }
}

template <Before kBefore>
__device__ void come_apart(uint32_t group, uint32_t lane, uint32_t turns) {
  if (kBefore == Before::named_equally || kBefore == Before::named_unequally) {
    const uint32_t more = kBefore == Before::named_unequally ? group : 0;
    for (uint32_t i = 0; i < kTurns + more; ++i)
      asm volatile("bar.sync %0, 128;" ::"r"(1 + group) : "memory");
  }
  if (kBefore == Before::named_turns) {
    if (group == 1) asm volatile("bar.arrive 1, 256;" ::: "memory");
    for (uint32_t t = 0; t < kTurns; ++t) {
      asm volatile("bar.sync %0, 256;" ::"r"(1 + group) : "memory");
      if (t + 1 < kTurns || group == 0)
        asm volatile("bar.arrive %0, 256;" ::"r"(2 - group) : "memory");
    }
  }
  if (kBefore == Before::mbarrier_turns) {
    if (group == 1 && lane == 0) arrive(turns);
    for (uint32_t t = 0; t < kTurns; ++t) {
      wait(turns + 8 * group, t % 2);
      if (lane == 0) arrive(turns + 8 * (1 - group));
    }
  }
}

template <Before kBefore, Meets kMeets, bool kEndLate>
__global__ void exchange(uint32_t* wrong) {
  __shared__ uint32_t values[kWorking];
  __shared__ uint64_t barriers[4];
  const uint32_t of_threads = shared_address(barriers), of_warps = of_threads + 8;
  const uint32_t turns = of_threads + 16;
  const uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = warp / 4;
  if (threadIdx.x == 0) {
    initialise(of_threads, kWorking);
    initialise(of_warps, kWorking / 32);
    for (uint32_t g = 0; g < 2; ++g) initialise(turns + 8 * g, 4);
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
  if (threadIdx.x >= kWorking) {
    if (kEndLate) spin(20000);
    return;
  }
  come_apart<kBefore>(group, lane, turns);
  uint32_t phase = 0;
  const auto meet = [&] {
    if (kMeets == Meets::syncthreads) __syncthreads();
    if (kMeets == Meets::named) asm volatile("barrier.sync 3, 256;" ::: "memory");
    if (kMeets == Meets::mbarrier_of_threads) {
      arrive(of_threads);
      wait(of_threads, phase++ % 2);
    }
    if (kMeets == Meets::mbarrier_of_warps) {
      __syncwarp();
      if (lane == 0) arrive(of_warps);
      wait(of_warps, phase++ % 2);
    }
  };
  for (uint32_t round = 0; round < kRounds; ++round) {
    spin(warp * 500);
    values[threadIdx.x] = round * kThreads + threadIdx.x;
    meet();
    const uint32_t other = kWorking - 1 - threadIdx.x;
    if (values[other] != round * kThreads + other) atomicAdd(wrong, 1);
    meet();
  }
}

struct Case {
  const char* name;
  void (*kernel)(uint32_t*);
};

constexpr Case kCases[] = {
    {"__syncthreads", exchange<Before::nothing, Meets::syncthreads, false>},
    {"__syncthreads, warps end meanwhile", exchange<Before::nothing, Meets::syncthreads, true>},
    {"barrier.sync 3, 256", exchange<Before::nothing, Meets::named, false>},
    {"barrier.sync 3, 256, warps end meanwhile", exchange<Before::nothing, Meets::named, true>},
    {"an mbarrier of threads", exchange<Before::nothing, Meets::mbarrier_of_threads, true>},
    {"an mbarrier of warps", exchange<Before::nothing, Meets::mbarrier_of_warps, true>},
    {"named barriers before, equally often",
     exchange<Before::named_equally, Meets::syncthreads, false>},
    {"named barriers before, not equally often",
     exchange<Before::named_unequally, Meets::syncthreads, false>},
    {"the same, an mbarrier of threads",
     exchange<Before::named_unequally, Meets::mbarrier_of_threads, false>},
    {"turns by named barriers before", exchange<Before::named_turns, Meets::syncthreads, false>},
    {"turns by mbarriers before", exchange<Before::mbarrier_turns, Meets::syncthreads, true>},
};

int main(int count, char** words) {
  const int cases = sizeof(kCases) / sizeof(kCases[0]), only = count > 1 ? std::atoi(words[1]) : -1;
  uint32_t* wrong = nullptr;
  cudaMalloc(&wrong, sizeof(uint32_t));
  for (int i = 0; i < cases; ++i) {
    if (only >= 0 && i != only) continue;
    cudaMemset(wrong, 0, sizeof(uint32_t));
    kCases[i].kernel<<<4, kThreads>>>(wrong);
    uint32_t values = 0;
    cudaMemcpy(&values, wrong, sizeof(values), cudaMemcpyDeviceToHost);
    std::printf("%d %s: %u wrong values\n", i, kCases[i].name, values);
  }
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) std::printf("%s\n", cudaGetErrorString(status));
  return status != cudaSuccess;
}
