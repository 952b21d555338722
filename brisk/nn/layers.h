#pragma once

/// All layers.

#include "brisk/nn/layers/activation.h"
#include "brisk/nn/layers/adaptive_pooling.h"
#include "brisk/nn/layers/application.h"
#include "brisk/nn/layers/attention.h"
#include "brisk/nn/layers/cells.h"
#include "brisk/nn/layers/conv_lstm.h"
#include "brisk/nn/layers/convolution.h"
#include "brisk/nn/layers/core.h"
#include "brisk/nn/layers/feature_preprocessing.h"
#include "brisk/nn/layers/image_preprocessing.h"
#include "brisk/nn/layers/language.h"
#include "brisk/nn/layers/merge.h"
#include "brisk/nn/layers/normalization.h"
#include "brisk/nn/layers/pooling.h"
#include "brisk/nn/layers/random_preprocessing.h"
#include "brisk/nn/layers/recurrent.h"
#include "brisk/nn/layers/regularization.h"
#include "brisk/nn/layers/shape.h"
#include "brisk/nn/layers/wrapper.h"
