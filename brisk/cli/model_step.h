#pragma once

/// Under the name by which the verbs know it.

#include "brisk/train/model_step.h"
