// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/multistate_bennett.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double tolerance = 1e-12;
constexpr int most_iterations = 2000;

/// Solves A X = B in place by elimination with row pivots; A [n, n], B [n, m]. Nothing if A is singular.
std::optional<std::vector<double>> solved(std::vector<double> a, std::vector<double> b, std::size_t n) {
  const std::size_t m = n == 0 ? 0 : b.size() / n;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::abs(a[i * n + k]) > std::abs(a[pivot * n + k])) pivot = i;
    if (!(std::abs(a[pivot * n + k]) > 1e-300)) return std::nullopt;
    std::swap_ranges(&a[k * n], &a[k * n] + n, &a[pivot * n]);
    std::swap_ranges(&b[k * m], &b[k * m] + m, &b[pivot * m]);
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = a[i * n + k] / a[k * n + k];
      if (factor == 0) continue;
      for (std::size_t j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
      for (std::size_t j = 0; j < m; ++j) b[i * m + j] -= factor * b[k * m + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j) b[i * m + j] /= a[i * n + i];
  return b;
}

class Equations {
 public:
  Equations(std::span<const double> reduced_energy, std::span<const std::size_t> n_samples_of_state)
      : u_(reduced_energy), n_states_(n_samples_of_state.size()) {
    for (const std::size_t n : n_samples_of_state) counts_.push_back(static_cast<double>(n));
    n_samples_ = std::accumulate(n_samples_of_state.begin(), n_samples_of_state.end(), std::size_t{0});
    if (n_samples_ == 0 || reduced_energy.size() / n_states_ != n_samples_ || reduced_energy.size() % n_states_ != 0)
      throw InputError(fmt::format("{} reduced energies do not go with {} states and {} samples", reduced_energy.size(),
                                   n_states_, n_samples_));
    for (std::size_t k = 0; k < n_states_; ++k) {
      double least = infinity;
      for (std::size_t n = 0; n < n_samples_; ++n) {
        if (!(energy(k, n) > -infinity))
          throw InputError(fmt::format("the reduced energy of sample {} in state {} is {}; it must be finite or +inf",
                                       n, k, energy(k, n)));
        least = std::min(least, energy(k, n));
      }
      if (least == infinity) throw InputError(fmt::format("every sample has an infinite energy in state {}", k));
      // The largest weight is then 1: a start that never overflows, and a good one.
      free_energy_.push_back(least);
    }
    require_connection();
  }

  /// log sum_k N_k exp(F_k - u_kn) for every n.
  std::vector<double> log_mixture(std::span<const double> f) const {
    std::vector<double> result(n_samples_);
    for (std::size_t n = 0; n < n_samples_; ++n) {
      double largest = -infinity, sum = 0;
      for (std::size_t k = 0; k < n_states_; ++k)
        if (counts_[k] > 0) largest = std::max(largest, f[k] - energy(k, n));
      if (largest == -infinity)
        throw InputError(fmt::format("sample {} has an infinite energy in every sampled state", n));
      for (std::size_t k = 0; k < n_states_; ++k)
        if (counts_[k] > 0) sum += counts_[k] * std::exp(f[k] - energy(k, n) - largest);
      result[n] = largest + std::log(sum);
    }
    return result;
  }

  /// log sum_n W_nk, W_nk = exp(F_k - u_kn) / mixture_n; zero where the equation of state k holds.
  std::vector<double> log_sums(std::span<const double> f, std::span<const double> mixture) const {
    std::vector<double> result(n_states_);
    for (std::size_t k = 0; k < n_states_; ++k) {
      double largest = -infinity, sum = 0;
      for (std::size_t n = 0; n < n_samples_; ++n) largest = std::max(largest, f[k] - energy(k, n) - mixture[n]);
      for (std::size_t n = 0; n < n_samples_; ++n) sum += std::exp(f[k] - energy(k, n) - mixture[n] - largest);
      result[k] = largest + std::log(sum);
    }
    return result;
  }

  /// O_kl = sum_n W_nk W_nl.
  std::vector<double> overlaps(std::span<const double> f, std::span<const double> mixture) const {
    std::vector<double> result(n_states_ * n_states_), w(n_states_);
    for (std::size_t n = 0; n < n_samples_; ++n) {
      for (std::size_t k = 0; k < n_states_; ++k) w[k] = std::exp(f[k] - energy(k, n) - mixture[n]);
      for (std::size_t k = 0; k < n_states_; ++k)
        for (std::size_t l = 0; l <= k; ++l) result[k * n_states_ + l] += w[k] * w[l];
    }
    for (std::size_t k = 0; k < n_states_; ++k)
      for (std::size_t l = 0; l < k; ++l) result[l * n_states_ + k] = result[k * n_states_ + l];
    return result;
  }

  /// The largest violation among the sampled states.
  double violation(std::span<const double> log_sum) const {
    double worst = 0;
    for (std::size_t k = 0; k < n_states_; ++k)
      if (counts_[k] > 0) worst = std::max(worst, std::abs(log_sum[k]));
    return worst;
  }

  /// Newton's step of the sampled states with the first of them held, or nothing.
  std::optional<std::vector<double>> newton(std::span<const double> f, std::span<const double> mixture,
                                            std::span<const double> log_sum) const {
    std::vector<std::size_t> free;
    for (std::size_t k = 0; k < n_states_; ++k)
      if (counts_[k] > 0) free.push_back(k);
    free.erase(free.begin());
    const std::size_t m = free.size();
    const std::vector<double> overlap = overlaps(f, mixture);
    std::vector<double> hessian(m * m), gradient(m);
    for (std::size_t i = 0; i < m; ++i) {
      const double sum = std::exp(log_sum[free[i]]);
      gradient[i] = counts_[free[i]] * (1 - sum);
      for (std::size_t j = 0; j < m; ++j)
        hessian[i * m + j] = -counts_[free[i]] * counts_[free[j]] * overlap[free[i] * n_states_ + free[j]] +
                             (i == j ? counts_[free[i]] * sum : 0);
    }
    const auto step = solved(std::move(hessian), std::move(gradient), m);
    if (!step) return std::nullopt;
    std::vector<double> next(f.begin(), f.end());
    for (std::size_t i = 0; i < m; ++i) next[free[i]] += (*step)[i];
    if (!std::all_of(next.begin(), next.end(), [](double x) { return std::isfinite(x); })) return std::nullopt;
    return next;
  }

  MultistateFreeEnergies solve() {
    MultistateFreeEnergies result;
    std::vector<double>& f = free_energy_;
    std::vector<double> mixture = log_mixture(f), log_sum = log_sums(f, mixture);
    while (violation(log_sum) > tolerance) {
      if (++result.n_iterations > most_iterations)
        throw InputError(
            "the free energies of the states do not converge: some sampled states hardly share samples with the "
            "others");
      std::vector<double> next(n_states_);
      for (std::size_t k = 0; k < n_states_; ++k) next[k] = f[k] - log_sum[k];
      std::vector<double> next_mixture = log_mixture(next), next_sum = log_sums(next, next_mixture);
      if (const auto leap = newton(f, mixture, log_sum)) {
        std::vector<double> leap_mixture = log_mixture(*leap), leap_sum = log_sums(*leap, leap_mixture);
        if (violation(leap_sum) < violation(next_sum)) {
          next = *leap;
          next_mixture = std::move(leap_mixture);
          next_sum = std::move(leap_sum);
        }
      }
      const bool at_rounding = violation(log_sum) < 1e-9 && violation(next_sum) >= violation(log_sum);
      if (at_rounding) break;
      f = std::move(next);
      mixture = std::move(next_mixture);
      log_sum = std::move(next_sum);
    }
    for (std::size_t k = 0; k < n_states_; ++k) f[k] -= log_sum[k];  // for the states without samples
    result.covariance = covariance(f, log_mixture(f));
    const double first = f[0];
    for (const double x : f) result.free_energy.push_back(x - first);
    return result;
  }

 private:
  /// Every sampled state must be tied to the others by samples of finite energy in both, or nothing fixes its free
  /// energy relative to theirs.
  void require_connection() const {
    std::vector<std::size_t> group(n_states_);
    std::iota(group.begin(), group.end(), std::size_t{0});
    const auto root = [&](std::size_t k) {
      while (group[k] != k) k = group[k];
      return k;
    };
    for (std::size_t n = 0; n < n_samples_; ++n) {
      std::size_t first = n_states_;
      for (std::size_t k = 0; k < n_states_; ++k) {
        if (counts_[k] == 0 || energy(k, n) == infinity) continue;
        if (first == n_states_)
          first = root(k);
        else
          group[root(k)] = first;
      }
    }
    std::size_t reached = n_states_;
    for (std::size_t k = 0; k < n_states_; ++k) {
      if (counts_[k] == 0) continue;
      if (reached == n_states_) reached = k;
      if (root(k) != root(reached))
        throw InputError(
            fmt::format("states {} and {} share no samples, directly or through others: their "
                        "free-energy difference is not determined",
                        reached, k));
    }
  }

  double energy(std::size_t k, std::size_t n) const { return u_[k * n_samples_ + n]; }

  /// Theta = W^T (I - W N W^T)^+ W. W N W^T has the eigenvector 1 with the eigenvalue 1; with N - N 1 1^T N / sum N in
  /// the place of N the pseudo-inverse is an inverse, Theta changes by a constant, and W^T (I - W M W^T)^-1 W
  /// = (I - O M)^-1 O is K x K.
  std::vector<double> covariance(std::span<const double> f, std::span<const double> mixture) const {
    const std::vector<double> overlap = overlaps(f, mixture);
    const auto total = static_cast<double>(n_samples_);
    std::vector<double> matrix(n_states_ * n_states_);
    for (std::size_t i = 0; i < n_states_; ++i)
      for (std::size_t j = 0; j < n_states_; ++j) {
        double sum = overlap[i * n_states_ + j] * counts_[j];
        for (std::size_t k = 0; k < n_states_; ++k) sum -= overlap[i * n_states_ + k] * counts_[k] * counts_[j] / total;
        matrix[i * n_states_ + j] = (i == j ? 1 : 0) - sum;
      }
    const auto theta = solved(std::move(matrix), overlap, n_states_);
    return theta ? *theta : std::vector<double>(n_states_ * n_states_, std::numeric_limits<double>::quiet_NaN());
  }

  std::span<const double> u_;
  std::size_t n_states_, n_samples_ = 0;
  std::vector<double> counts_, free_energy_;
};

}  // namespace

Estimate MultistateFreeEnergies::difference(std::size_t from, std::size_t to) const {
  const std::size_t n = free_energy.size();
  if (from >= n || to >= n) throw InputError(fmt::format("there is no state {} among {}", std::max(from, to), n));
  const double variance = covariance[from * n + from] + covariance[to * n + to] - 2 * covariance[from * n + to];
  return {free_energy[to] - free_energy[from], variance > 0 ? std::sqrt(variance) : variance};
}

MultistateFreeEnergies multistate_bennett(std::span<const double> reduced_energy,
                                          std::span<const std::size_t> n_samples_of_state) {
  if (n_samples_of_state.empty()) throw InputError("free energies need at least one state");
  return Equations(reduced_energy, n_samples_of_state).solve();
}

}  // namespace boltzflow
