// What brisk declares of CUPTI against the toolkit's header, where there is one: places of the
// fields that are read.

#include <gtest/gtest.h>

#if defined(BRISK_CUDA_HEADERS) && __has_include(<cupti.h>)
#include <cupti.h>

#include <cstddef>

#include "brisk/backends/cuda/api/cupti.h"

namespace brisk::cuda::cupti {

#define BRISK_SAME_PLACE(ours, theirs, field, their_field) \
  static_assert(offsetof(ours, field) == offsetof(theirs, their_field), #ours "::" #field)

#if CUPTI_API_VERSION >= 130000
using KernelActivity = CUpti_ActivityKernel10;
#else
using KernelActivity = CUpti_ActivityKernel9;
#endif
BRISK_SAME_PLACE(KernelRecord, KernelActivity, start, start);
BRISK_SAME_PLACE(KernelRecord, KernelActivity, end, end);
BRISK_SAME_PLACE(KernelRecord, KernelActivity, correlation, correlationId);
BRISK_SAME_PLACE(KernelRecord, KernelActivity, name, name);
BRISK_SAME_PLACE(CopyRecord, CUpti_ActivityMemcpy6, start, start);
BRISK_SAME_PLACE(CopyRecord, CUpti_ActivityMemcpy6, end, end);
BRISK_SAME_PLACE(CopyRecord, CUpti_ActivityMemcpy6, correlation, correlationId);
BRISK_SAME_PLACE(FillRecord, CUpti_ActivityMemset4, start, start);
BRISK_SAME_PLACE(FillRecord, CUpti_ActivityMemset4, end, end);
BRISK_SAME_PLACE(FillRecord, CUpti_ActivityMemset4, correlation, correlationId);
BRISK_SAME_PLACE(CorrelationRecord, CUpti_ActivityExternalCorrelation, external_kind, externalKind);
BRISK_SAME_PLACE(CorrelationRecord, CUpti_ActivityExternalCorrelation, external_id, externalId);
BRISK_SAME_PLACE(CorrelationRecord, CUpti_ActivityExternalCorrelation, correlation, correlationId);

static_assert(static_cast<int>(Kind::copy) == CUPTI_ACTIVITY_KIND_MEMCPY);
static_assert(static_cast<int>(Kind::fill) == CUPTI_ACTIVITY_KIND_MEMSET);
static_assert(static_cast<int>(Kind::driver_call) == CUPTI_ACTIVITY_KIND_DRIVER);
static_assert(static_cast<int>(Kind::runtime_call) == CUPTI_ACTIVITY_KIND_RUNTIME);
static_assert(static_cast<int>(Kind::kernel) == CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
static_assert(static_cast<int>(Kind::external_correlation) ==
              CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION);
static_assert(kOurCorrelation == CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0);
static_assert(kFlushAll == CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);

}  // namespace brisk::cuda::cupti

TEST(CuptiAbi, IsTheHeaders) {
  SUCCEED() << "held while this was compiled";
}
#else
TEST(CuptiAbi, IsTheHeaders) {
  GTEST_SKIP() << "CUPTI's headers are not installed here";
}
#endif
