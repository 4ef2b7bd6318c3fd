#pragma once
// Everything that a program which links the library needs.

// IWYU pragma: begin_exports
#include "itm/ablation.hpp"
#include "itm/agreement.hpp"
#include "itm/array.hpp"
#include "itm/choose.hpp"
#include "itm/dataset.hpp"
#include "itm/details.hpp"
#include "itm/device.hpp"
#include "itm/engine.hpp"
#include "itm/error.hpp"
#include "itm/estimator.hpp"
#include "itm/itm.hpp"
#include "itm/record.hpp"
#include "itm/report.hpp"
#include "itm/sweep.hpp"
#include "itm/verify.hpp"
#include "itm/zoo.hpp"
// IWYU pragma: end_exports
