#pragma once

/// Under the name by which the verbs know it.

#include "brisk/train/package_job.h"
