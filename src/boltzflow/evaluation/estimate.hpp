// SPDX-License-Identifier: MIT
#pragma once

namespace boltzflow {

/// A number with its standard error; the error is NaN where it is not known or the data do not resolve it.
struct Estimate {
  double value;
  double error;
};

}  // namespace boltzflow
