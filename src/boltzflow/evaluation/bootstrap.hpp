// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "boltzflow/base/random.hpp"

namespace boltzflow {

/// This draws one bootstrap replicate: sample indices in ascending order, each Poisson(1) times.
///
/// With n_blocks > 0 the samples are correlated in time: they are cut into n_blocks contiguous blocks of (nearly) equal
/// length, which are drawn as a whole; blocks should be longer than the correlation time and at least 20 in number (an
/// error from B blocks is itself uncertain by a factor 1 +- 1/sqrt(2 B), and low by 1/(2 B)). 0: every sample is a
/// block. Never returns an empty replicate. @cite Efron1979; Kuensch1989 (blocks); Chamandy2012 (Poisson).
/// @throws InputError if n_samples is 0 or exceeds 2^32 - 1, or n_blocks > n_samples.
std::vector<std::uint32_t> bootstrap_indices(std::size_t n_samples, std::size_t n_blocks, RandomStream stream);

/// This returns the standard errors of statistics: their standard deviations over n_replicates bootstrap replicates.
///
/// @param statistics called as statistics(stream), from many threads at once, with a stream of its own per replicate;
/// it
///        draws its replicate(s) from it by bootstrap_indices() and returns the same number of values every time.
/// @returns one error per value; NaN for a value that was not finite in some replicate. Does not depend on the number
/// of threads.
/// @throws InputError if n_replicates < 2.
std::vector<double> bootstrap_errors(int n_replicates, const RandomStream& stream,
                                     const std::function<std::vector<double>(const RandomStream&)>& statistics);

/// This returns values[indices[0]], values[indices[1]], ...
std::vector<double> gathered(std::span<const double> values, std::span<const std::uint32_t> indices);

}  // namespace boltzflow
