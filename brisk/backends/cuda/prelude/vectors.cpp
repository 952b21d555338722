#include "brisk/backends/cuda/prelude/prelude.h"

// Vectors in memory: N elements loaded and stored by accesses of up to 16 bytes, which need that
// alignment. A Vector keeps the words as they came, so that loads can be issued long before their
// elements are widened. Folds over the threads of a block, always in the same order.

namespace brisk::cuda {

std::string_view prelude_vectors() {
  return R"(
// A loop that is unrolled whole, so that arrays indexed by it stay in registers.
#define EACH(i, count) _Pragma("unroll") for (int i = 0; i < (count); ++i)

template <int kBytes> struct Words { u32 at[(kBytes + 3) / 4]; };

template <int kBytes> DEVICE Words<kBytes> load_words(const void* from) {
  Words<kBytes> w;
  if constexpr (kBytes % 16 == 0) {
    const uint4* p = (const uint4*)from;
#pragma unroll
    for (int i = 0; i < kBytes / 16; ++i) {
      const uint4 part = p[i];
      w.at[4 * i] = part.x; w.at[4 * i + 1] = part.y; w.at[4 * i + 2] = part.z; w.at[4 * i + 3] = part.w;
    }
  } else if constexpr (kBytes == 8) {
    const uint2 part = *(const uint2*)from;
    w.at[0] = part.x; w.at[1] = part.y;
  } else if constexpr (kBytes == 4) w.at[0] = *(const u32*)from;
  else if constexpr (kBytes == 2) w.at[0] = *(const u16*)from;
  else w.at[0] = *(const u8*)from;
  return w;
}
template <int kBytes> DEVICE void store_words(void* to, const Words<kBytes>& w) {
  if constexpr (kBytes % 16 == 0) {
    uint4* p = (uint4*)to;
#pragma unroll
    for (int i = 0; i < kBytes / 16; ++i) p[i] = make_uint4(w.at[4 * i], w.at[4 * i + 1], w.at[4 * i + 2], w.at[4 * i + 3]);
  } else if constexpr (kBytes == 8) *(uint2*)to = make_uint2(w.at[0], w.at[1]);
  else if constexpr (kBytes == 4) *(u32*)to = w.at[0];
  else if constexpr (kBytes == 2) *(u16*)to = (u16)w.at[0];
  else *(u8*)to = (u8)w.at[0];
}

// An element in the lower bits of a word or two.
DEVICE u64 bits_of(f64 x) { return (u64)__double_as_longlong(x); }
DEVICE u64 bits_of(i64 x) { return (u64)x; }
DEVICE u64 bits_of(u64 x) { return x; }
DEVICE u32 bits_of(f32 x) { return __float_as_uint(x); }
DEVICE u32 bits_of(i32 x) { return (u32)x; }
DEVICE u32 bits_of(u32 x) { return x; }
DEVICE u32 bits_of(i16 x) { return (u16)x; }
DEVICE u32 bits_of(u16 x) { return x; }
DEVICE u32 bits_of(i8 x) { return (u8)x; }
DEVICE u32 bits_of(u8 x) { return x; }
DEVICE u32 bits_of(bool x) { return x; }
template <class T> DEVICE u32 bits_of(T x) { return x.bits; }
template <class T> struct FromBits {
  static DEVICE_MEMBER T of(u32 b) { T x; x.bits = b; return x; }
};
template <> struct FromBits<f64> { static DEVICE_MEMBER f64 of(u64 b) { return __longlong_as_double((i64)b); } };
template <> struct FromBits<i64> { static DEVICE_MEMBER i64 of(u64 b) { return (i64)b; } };
template <> struct FromBits<u64> { static DEVICE_MEMBER u64 of(u64 b) { return b; } };
template <> struct FromBits<f32> { static DEVICE_MEMBER f32 of(u32 b) { return __uint_as_float(b); } };
template <> struct FromBits<i32> { static DEVICE_MEMBER i32 of(u32 b) { return (i32)b; } };
template <> struct FromBits<u32> { static DEVICE_MEMBER u32 of(u32 b) { return b; } };
template <> struct FromBits<i16> { static DEVICE_MEMBER i16 of(u32 b) { return (i16)b; } };
template <> struct FromBits<u16> { static DEVICE_MEMBER u16 of(u32 b) { return (u16)b; } };
template <> struct FromBits<i8> { static DEVICE_MEMBER i8 of(u32 b) { return (i8)b; } };
template <> struct FromBits<bool> { static DEVICE_MEMBER bool of(u32 b) { return b != 0; } };
template <> struct FromBits<u8> { static DEVICE_MEMBER u8 of(u32 b) { return (u8)b; } };

template <class T, int N> struct Vector {
  Words<(int)sizeof(T) * N> words;
  // The element as it lies in memory; `i` must be known when compiled.
  __device__ __forceinline__ T raw(int i) const {
    if constexpr (sizeof(T) == 8) return FromBits<T>::of(((u64)words.at[2 * i + 1] << 32) | words.at[2 * i]);
    else if constexpr (sizeof(T) == 4) return FromBits<T>::of(words.at[i]);
    else {
      const int each = 4 / (int)sizeof(T), width = 8 * (int)sizeof(T);
      return FromBits<T>::of((words.at[i / each] >> (i % each * width)) & ((1u << width) - 1u));
    }
  }
  __device__ __forceinline__ auto get(int i) const { return widen(raw(i)); }
  __device__ __forceinline__ void clear() {
#pragma unroll
    for (int i = 0; i < ((int)sizeof(T) * N + 3) / 4; ++i) words.at[i] = 0;
  }
  // Into a cleared vector, each element once.
  __device__ __forceinline__ void put(int i, T x) {
    if constexpr (sizeof(T) == 8) {
      const u64 b = bits_of(x);
      words.at[2 * i] = (u32)b; words.at[2 * i + 1] = (u32)(b >> 32);
    } else if constexpr (sizeof(T) == 4) words.at[i] = bits_of(x);
    else {
      const int each = 4 / (int)sizeof(T), width = 8 * (int)sizeof(T);
      words.at[i / each] |= bits_of(x) << (i % each * width);
    }
  }
};
template <int N, class T> DEVICE Vector<T, N> load(const T* from) {
  Vector<T, N> v;
  v.words = load_words<(int)sizeof(T) * N>(from);
  return v;
}
// N elements `stride` apart.
template <int N, class T, class S> DEVICE Vector<T, N> load_strided(const T* from, S stride) {
  Vector<T, N> v;
  v.clear();
#pragma unroll
  for (int i = 0; i < N; ++i) v.put(i, FromBits<T>::of(load_words<(int)sizeof(T)>(from + i * stride).at[0]));
  return v;
}
template <class T, int N, class C> DEVICE Vector<T, N> narrowed(const C (&x)[N]) {
  Vector<T, N> v;
  if constexpr (Same<T, f16>::value && N % 2 == 0) {
#pragma unroll
    for (int i = 0; i < N; i += 2) asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(v.words.at[i / 2]) : "f"(x[i + 1]), "f"(x[i]));
  } else if constexpr (Same<T, bf16>::value && N % 2 == 0) {
#pragma unroll
    for (int i = 0; i < N; i += 2) asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(v.words.at[i / 2]) : "f"(x[i + 1]), "f"(x[i]));
  } else {
    v.clear();
#pragma unroll
    for (int i = 0; i < N; ++i) v.put(i, narrow<T>(x[i]));
  }
  return v;
}
template <class T, int N, class C> DEVICE void store(T* to, const C (&x)[N]) {
  store_words<(int)sizeof(T) * N>(to, narrowed<T, N>(x).words);
}
template <class T, int N, class C, class S> DEVICE void store_strided(T* to, const C (&x)[N], S stride) {
#pragma unroll
  for (int i = 0; i < N; ++i) {
    const C one[1] = {x[i]};
    store<T, 1>(to + i * stride, one);
  }
}

// ---- folds over threads ----

template <class T> DEVICE T shuffle_down(T x, int by, int width) {
  if constexpr (sizeof(T) == 8) {
    const u64 b = bits_of(x);
    const u32 low = __shfl_down_sync(0xffffffffu, (u32)b, by, width);
    const u32 high = __shfl_down_sync(0xffffffffu, (u32)(b >> 32), by, width);
    return FromBits<T>::of(((u64)high << 32) | low);
  } else return FromBits<T>::of(__shfl_down_sync(0xffffffffu, bits_of(x), by, width));
}
template <class T> DEVICE T shuffle_first(T x, int width) {
  if constexpr (sizeof(T) == 8) {
    const u64 b = bits_of(x);
    const u32 low = __shfl_sync(0xffffffffu, (u32)b, 0, width);
    const u32 high = __shfl_sync(0xffffffffu, (u32)(b >> 32), 0, width);
    return FromBits<T>::of(((u64)high << 32) | low);
  } else return FromBits<T>::of(__shfl_sync(0xffffffffu, bits_of(x), 0, width));
}
// Over `kThreads` neighbouring threads (a power of two); every thread of them gets the result.
// `shared`: a place for each warp of the block, needed for more than a warp.
template <int kThreads, class T, class F> DEVICE T fold_threads(T x, F combine, T* shared) {
  const int width = kThreads < 32 ? kThreads : 32;
#pragma unroll
  for (int by = width / 2; by > 0; by /= 2) x = combine(x, shuffle_down(x, by, width));
  if constexpr (kThreads <= 32) return shuffle_first(x, width);
  else {
    const int warps = kThreads / 32, first = (int)threadIdx.x / kThreads * warps;
    __syncthreads();
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = x;
    __syncthreads();
    T sum = shared[first];
#pragma unroll 8
    for (int i = 1; i < warps; ++i) sum = combine(sum, shared[first + i]);
    return sum;
  }
}
// Over the kOuter threads at each of kInner places (threadIdx.x = outer * kInner + inner), N values
// at a place; threads of outer 0 get the result. `shared`: kInner * kOuter * N values.
template <int kInner, int kOuter, int N, class T, class F> DEVICE void fold_columns(T (&x)[N], F combine, T* shared) {
  const int outer = (int)threadIdx.x / kInner;
  if constexpr (kOuter > 1) {
    __syncthreads();
    EACH(v, N) shared[v * (kInner * kOuter) + (int)threadIdx.x] = x[v];
    int rest = 1;
    while (rest < kOuter) rest *= 2;
    for (rest /= 2; rest > 0; rest /= 2) {
      __syncthreads();
      if (outer < rest && outer + rest < kOuter) {
        EACH(v, N) {
          T* const at = shared + v * (kInner * kOuter) + (int)threadIdx.x;
          x[v] = combine(x[v], at[rest * kInner]);
          *at = x[v];
        }
      }
    }
  }
}
// The elements of one thread, pairwise.
template <int N, class T, class F> DEVICE T fold_elements(T (&x)[N], F combine) {
#pragma unroll
  for (int by = N / 2; by > 0; by /= 2) EACH(v, by) x[v] = combine(x[v], x[v + by]);
  return x[0];
}
// Counts a block in; true in every thread of the last of `expected` blocks, which sees what the
// others wrote before. The counter is 0 again afterwards. `meet` is a barrier of those who call.
template <class Meet> DEVICE bool arrives_last(u32* counter, u32 expected, Meet meet) {
  __shared__ u32 arrived;
  __threadfence();
  meet();
  if (threadIdx.x == 0) {
    arrived = atomicAdd(counter, 1u);
    if (arrived == expected - 1u) *counter = 0;
  }
  meet();
  __threadfence();
  return arrived == expected - 1u;
}
DEVICE bool arrives_last(u32* counter, u32 expected) {
  return arrives_last(counter, expected, [] { __syncthreads(); });
}
)";
}

}  // namespace brisk::cuda
