// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/minimize_energy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <numeric>
#include <utility>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

double largest(const Vector& a) {
  return std::accumulate(a.begin(), a.end(), 0.0, [](double m, double c) { return std::max(m, std::abs(c)); });
}

double root_mean_square(const Vector& a) { return std::sqrt(dot(a, a) / static_cast<double>(a.size())); }

/// A place on the way down.
struct Point {
  Vector x, gradient;
  double energy = 0;

  bool finite() const { return std::isfinite(energy) && std::isfinite(dot(gradient, gradient)); }
};

/// Approximates the inverse Hessian by the latest steps.
class LimitedMemory {
 public:
  void add(const Point& from, const Point& to) {
    Pair pair;
    std::ranges::transform(to.x, from.x, std::back_inserter(pair.step), std::minus<>());
    std::ranges::transform(to.gradient, from.gradient, std::back_inserter(pair.change), std::minus<>());
    const double curvature = dot(pair.step, pair.change), square = dot(pair.change, pair.change);
    // Only pairs of positive curvature keep the approximation positive definite.
    if (!(curvature > 1e-10 * std::sqrt(dot(pair.step, pair.step) * square))) return;
    pair.inverse_curvature = 1 / curvature;
    scale_ = curvature / square;
    pairs_.push_back(std::move(pair));
    if (pairs_.size() > 10) pairs_.pop_front();
  }

  Vector direction(const Vector& gradient) const {
    Vector d = gradient, weight(pairs_.size());
    for (std::size_t k = pairs_.size(); k-- > 0;) {
      weight[k] = pairs_[k].inverse_curvature * dot(pairs_[k].step, d);
      add_multiple(d, -weight[k], pairs_[k].change);
    }
    for (double& c : d) c *= -scale_;
    for (std::size_t k = 0; k < pairs_.size(); ++k)
      add_multiple(d, -weight[k] - pairs_[k].inverse_curvature * dot(pairs_[k].change, d), pairs_[k].step);
    return d;
  }

  bool empty() const { return pairs_.empty(); }
  void forget() { pairs_.clear(), scale_ = 1; }

 private:
  struct Pair {
    Vector step, change;
    double inverse_curvature;
  };
  static void add_multiple(Vector& a, double factor, const Vector& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += factor * b[i];
  }
  std::deque<Pair> pairs_;
  double scale_ = 1;
};

/// Along a direction: how far, how high, how steep.
struct Trial {
  double length, energy, slope;
};

/// Where the cubic through two trials with their slopes is lowest, kept off both ends.
double between(const Trial& low, const Trial& high) {
  const double width = high.length - low.length;
  const double d1 = low.slope + high.slope - 3 * (high.energy - low.energy) / width;
  const double d2 = std::sqrt(d1 * d1 - low.slope * high.slope);
  double length = high.length - width * (high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2);
  if (!std::isfinite(length)) length = low.length + 0.5 * width;
  return std::clamp(length, low.length + 0.1 * width, low.length + 0.9 * width);
}

class LineSearch {
 public:
  LineSearch(const Potential& potential, const Point& from, const Vector& direction, double longest)
      : potential_(potential), from_(from), direction_(direction), longest_(longest) {}

  /// @return whether `to` is lower than the start.
  bool run(Point& to) {
    constexpr double c1 = 1e-4, c2 = 0.9;
    const Trial start{0, from_.energy, dot(direction_, from_.gradient)};
    const double rounding = 1e-14 * std::max(1.0, std::abs(start.energy));
    Trial low = start, high{std::numeric_limits<double>::infinity(), 0, 0};
    Point point;
    double length = std::min(1.0, longest_);
    // `low` is always low enough and still descends; between it and `high` there is a point that satisfies both
    // conditions.
    for (int n = 0; n < 40; ++n) {
      const Trial trial = evaluate(length, point);
      const bool low_enough = trial.energy <= start.energy + c1 * length * start.slope ||
                              (trial.energy <= start.energy + rounding && trial.slope <= (2 * c1 - 1) * start.slope);
      if (!low_enough || trial.slope > -c2 * start.slope) {
        high = trial;
      } else {
        low = trial;
        std::swap(to, point);
        if (trial.slope >= c2 * start.slope || length >= longest_) return true;
      }
      length = std::isinf(high.length) ? std::min(4 * length, longest_) : between(low, high);
    }
    return low.length > 0;
  }

  int evaluations() const { return evaluations_; }

 private:
  Trial evaluate(double length, Point& point) {
    ++evaluations_;
    point.x.resize(from_.x.size());
    point.gradient.resize(from_.x.size());
    for (std::size_t i = 0; i < from_.x.size(); ++i) point.x[i] = from_.x[i] + length * direction_[i];
    potential_.energy_and_gradient(point.x, {&point.energy, 1}, point.gradient);
    if (!point.finite()) return {length, std::numeric_limits<double>::infinity(), 0};
    return {length, point.energy, dot(direction_, point.gradient)};
  }

  const Potential& potential_;
  const Point& from_;
  const Vector& direction_;
  double longest_;
  int evaluations_ = 0;
};

}  // namespace

MinimizationResult minimize_energy(const Potential& potential, std::span<const double> positions,
                                   const MinimizationOptions& options) {
  if (positions.size() != static_cast<std::size_t>(potential.dimension()))
    throw InputError(fmt::format("minimisation: {} coordinates given where the potential has {}", positions.size(),
                                 potential.dimension()));
  if (options.max_iterations < 0 || !(options.gradient_tolerance > 0) || !(options.max_displacement > 0))
    throw InputError(
        fmt::format("minimisation: {} iterations, a tolerance of {} and displacements of {} nm; the "
                    "tolerance and the displacement must be positive",
                    options.max_iterations, options.gradient_tolerance, options.max_displacement));
  Point here{{positions.begin(), positions.end()}, Vector(positions.size())}, next;
  potential.energy_and_gradient(here.x, {&here.energy, 1}, here.gradient);
  if (!here.finite())
    throw InputError(fmt::format("minimisation: the energy at the start is {} kJ/mol, its gradient {} kJ/mol/nm",
                                 here.energy, root_mean_square(here.gradient)));
  LimitedMemory memory;
  int iteration = 0, evaluations = 1;
  while (iteration < options.max_iterations && root_mean_square(here.gradient) > options.gradient_tolerance) {
    Vector direction = memory.direction(here.gradient);
    // Without memory there is no length to go by: the longest step is tried, and the line search shortens it.
    const double length = largest(direction), longest = options.max_displacement / length;
    const double scale = memory.empty() ? longest : 1;
    for (double& c : direction) c *= scale;
    LineSearch search(potential, here, direction, longest / scale);
    const bool descended = dot(direction, here.gradient) < 0 && search.run(next);
    evaluations += search.evaluations();
    if (descended) {
      memory.add(here, next);
      std::swap(here, next);
      ++iteration;
    } else if (memory.empty()) {
      break;
    } else {
      memory.forget();
    }
  }
  const double gradient = root_mean_square(here.gradient);
  return {std::move(here.x), here.energy, gradient, iteration, evaluations, gradient <= options.gradient_tolerance};
}

}  // namespace boltzflow
