// SPDX-License-Identifier: MIT
#include "boltzflow/flow/base_density.hpp"

#include <cmath>
#include <cstring>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {

BaseDensity::BaseDensity(const std::vector<unsigned char>& circular) : circular_(circular) {
  int n_intervals = 0;
  for (const auto circle : circular) {
    circular_mask_.push_back(circle != 0 ? -1 : 0);
    precision_.push_back(circle != 0 ? 0.0f : static_cast<float>(1 / (standard_deviation * standard_deviation)));
    if (circle == 0) ++n_intervals;
  }
  circular_mask_.resize((circular.size() + 15) / 16 * 16, 0);
  const double mass_inside = std::erf(mean / standard_deviation / std::sqrt(2.0));
  log_normalization_ = -n_intervals * std::log(standard_deviation * std::sqrt(2 * pi) * mass_inside);
}

void BaseDensity::sample(std::uint64_t key, std::int64_t first, std::int64_t n, float* x) const {
  const auto transform = for_this_cpu(&baseline::base_samples_from_words, &avx2::base_samples_from_words,
                                      &avx512::base_samples_from_words);
  const std::size_t padded = circular_mask_.size(), d = circular_.size();
  parallel_for(n, 64, [&](std::int64_t begin, std::int64_t end, int) {
    std::vector<std::uint32_t> words(padded);
    std::vector<float> row(padded);
    for (std::int64_t i = begin; i < end; ++i) {
      const auto stream = static_cast<std::uint64_t>(first + i);
      for (std::size_t block = 0; 4 * block < d; ++block) {  // the blocks of RandomStream(key, stream)
        const auto four = philox4x32({static_cast<std::uint32_t>(block), 0, static_cast<std::uint32_t>(stream),
                                      static_cast<std::uint32_t>(stream >> 32)},
                                     {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
        std::memcpy(&words[4 * block], four.data(), sizeof four);
      }
      transform(words.data(), circular_mask_.data(), row.data(), static_cast<std::int64_t>(padded));
      std::memcpy(x + static_cast<std::size_t>(i) * d, row.data(), d * sizeof(float));
    }
  });
}

void BaseDensity::log_prob(const float* x, std::int64_t n, double* log_prob) const {
  const std::size_t d = circular_.size();
  parallel_for(n, 256, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float* row = x + static_cast<std::size_t>(i) * d;
      double sum = 0;
      for (std::size_t j = 0; j < d; ++j) {
        const double deviation = row[j] - mean;
        sum += static_cast<double>(precision_[j]) * deviation * deviation;
      }
      log_prob[i] = log_normalization_ - 0.5 * sum;
    }
  });
}

}  // namespace boltzflow
