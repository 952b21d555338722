#pragma once

/// How products of tiles end whose epilogue sums columns: device code that both forms share.

#include <string_view>

namespace brisk::cuda {

/// A barrier of a whole block.
constexpr std::string_view kBlockMeets = R"(
  const auto meet = [] { __syncthreads(); };
)";

/// Behind: f32 `shared` [kSums, kSumRows, kTileColumns], what kSumThreads threads of the block
/// left; `partial` [kSums, kParts, kColumns], one row for each `part` of the rows; u32 `counters`,
/// one for each `chunk` of kTileColumns columns from `column0` on; `totals`, an address [kColumns]
/// for each sum; `meet`, a barrier of those threads. Each block leaves a partial result, the last
/// of a chunk adds them up in their order.
constexpr std::string_view kTileSums = R"(
  meet();
  if (threadIdx.x < kTileColumns)
    EACH(q, kSums) {
      f32 sum = 0;
      EACH(w, kSumRows) sum += shared[(q * kSumRows + w) * kTileColumns + threadIdx.x];
      partial[(q * kParts + part) * kColumns + column0 + threadIdx.x] = sum;
    }
  if (arrives_last(counters + chunk, kParts, meet)) {
    constexpr u32 kPlaces = kTileColumns / 4u, kFolds = kSumThreads / kPlaces;
    const u32 fold = threadIdx.x / kPlaces, place = threadIdx.x % kPlaces * 4u;
    EACH(q, kSums) {
      f32 some[4] = {};
      _Pragma("unroll 4") for (u32 p = fold; p < kParts; p += kFolds) {
        const Vector<f32, 4> one = load<4>(partial + (q * kParts + p) * kColumns + column0 + place);
        EACH(c, 4) some[c] += one.get(c);
      }
      EACH(c, 4) shared[fold * kTileColumns + place + c] = some[c];
      meet();
      if (threadIdx.x < kTileColumns) {
        f32 sum = 0;
        EACH(g, kFolds) sum += shared[g * kTileColumns + threadIdx.x];
        totals[q][column0 + threadIdx.x] = sum;
      }
      meet();
    }
  }
)";

}  // namespace brisk::cuda
