#pragma once

/// Under the name by which the verbs know it.

#include "brisk/optimize/layer_times.h"
