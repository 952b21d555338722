#include "brisk/optimize/steps/steps.h"

// The batch in two parts, one after the other, with one update: the same training in less memory,
// and faster where the half fits a cache.

namespace brisk {

TrainingStep accumulation_step() {
  return {"gradient accumulation (2)", [](const Recipe& best, const Backend&) -> Result<Recipe> {
            Recipe halves = best;
            halves.accumulate *= 2;
            if (best.batch_size % halves.accumulate != 0)
              return fail("a batch of {} cannot be split into {} parts", best.batch_size,
                          halves.accumulate);
            return halves;
          }};
}

}  // namespace brisk
