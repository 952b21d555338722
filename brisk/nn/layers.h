#pragma once

/// All layers.

#include "brisk/nn/layers/convolution.h"
#include "brisk/nn/layers/core.h"
#include "brisk/nn/layers/merge.h"
#include "brisk/nn/layers/normalization.h"
#include "brisk/nn/layers/pooling.h"
