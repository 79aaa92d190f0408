// SPDX-License-Identifier: MIT
#include "boltzflow/flow/continuous/dormand_prince.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/numeric/odeint/algebra/default_operations.hpp>
#include <boost/numeric/odeint/stepper/controlled_runge_kutta.hpp>
#include <boost/numeric/odeint/stepper/runge_kutta_dopri5.hpp>
#include <boost/numeric/odeint/util/resizer.hpp>
#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

namespace odeint = boost::numeric::odeint;

/// Odeint's linear combinations, component by component. They assign whole tensors and write none in place, so that a
/// copied state may share its tensors with the original.
struct TensorAlgebra {
  template <class Operation, class... States>
  static void for_each(OdeState& result, Operation operation, const States&... states) {
    const std::size_t n_components = std::min({states.components.size()...});
    OdeState fresh;
    fresh.components.resize(n_components);
    for (std::size_t k = 0; k < n_components; ++k) operation(fresh.components[k], states.components[k]...);
    result = std::move(fresh);
  }
  template <class Operation>
  static void for_each3(OdeState& result, const OdeState& a, const OdeState& b, Operation operation) {
    for_each(result, operation, a, b);
  }
  template <class Operation>
  static void for_each4(OdeState& result, const OdeState& a, const OdeState& b, const OdeState& c,
                        Operation operation) {
    for_each(result, operation, a, b, c);
  }
  template <class Operation>
  static void for_each5(OdeState& result, const OdeState& a, const OdeState& b, const OdeState& c, const OdeState& d,
                        Operation operation) {
    for_each(result, operation, a, b, c, d);
  }
  template <class Operation>
  static void for_each6(OdeState& result, const OdeState& a, const OdeState& b, const OdeState& c, const OdeState& d,
                        const OdeState& e, Operation operation) {
    for_each(result, operation, a, b, c, d, e);
  }
  template <class Operation>
  static void for_each7(OdeState& result, const OdeState& a, const OdeState& b, const OdeState& c, const OdeState& d,
                        const OdeState& e, const OdeState& f, Operation operation) {
    for_each(result, operation, a, b, c, d, e, f);
  }
};

using Stepper = odeint::runge_kutta_dopri5<OdeState, double, OdeState, double, TensorAlgebra,
                                           odeint::default_operations, odeint::never_resizer>;

class ErrorPerSample {
 public:
  using value_type = double;
  using algebra_type = TensorAlgebra;
  using operations_type = odeint::default_operations;

  explicit ErrorPerSample(const OdeTolerance& tolerance)
      : absolute_(tolerance.absolute), relative_(tolerance.relative) {}

  double error(TensorAlgebra&, const OdeState& y, const OdeState& derivative, const OdeState& difference,
               double step) const {
    double worst = 0;
    for (std::size_t k = 0; k < y.components.size(); ++k) {
      const at::Tensor size = y.components[k].abs() + std::abs(step) * derivative.components[k].abs();
      const at::Tensor ratio = difference.components[k] / (absolute_ + relative_ * size);
      const double largest = ratio.reshape({ratio.size(0), -1}).square().mean(1).max().item<double>();
      // Odeint accepts a step whose error is NaN, since it is not greater than 1.
      if (!std::isfinite(largest)) return std::numeric_limits<double>::max();
      worst = std::max(worst, std::sqrt(largest));
    }
    return worst;
  }

 private:
  double absolute_, relative_;
};

}  // namespace

OdeSolution integrate_dormand_prince(const std::function<OdeState(const OdeState&, double)>& right_hand_side,
                                     OdeState start, double t_begin, double t_end, const OdeTolerance& tolerance) {
  const c10::AutoGradMode no_gradients(false);
  OdeSolution solution{std::move(start)};
  if (solution.state.components.empty() || solution.state.components.front().size(0) == 0 || t_begin == t_end)
    return solution;
  const auto system = [&](const OdeState& y, OdeState& derivative, double t) {
    ++solution.n_evaluations;
    derivative = right_hand_side(y, t);
  };
  odeint::controlled_runge_kutta<Stepper, ErrorPerSample> stepper{ErrorPerSample(tolerance)};
  constexpr double first_step = 0.05;  // of the interval; one that is too long is shortened fivefold at a time
  constexpr double smallest_step = 1e-10;
  double t = t_begin, step = first_step * (t_end - t_begin);
  while (t != t_end) {
    if (solution.n_steps + solution.n_rejected >= tolerance.maximum_steps ||
        std::abs(step) < smallest_step * std::abs(t_end - t_begin))
      throw ConfigurationError(
          fmt::format("the flow's differential equation was given up at t = {:.4g} of {:.4g} -> {:.4g} after {} steps "
                      "and {} rejected ones, the last of length {:.2g}; raise flow.continuous.maximum_steps ({}), "
                      "flow.continuous.absolute_tolerance ({:.1e}) or flow.continuous.relative_tolerance ({:.1e}), or "
                      "train the flow further",
                      t, t_begin, t_end, solution.n_steps, solution.n_rejected, std::abs(step), tolerance.maximum_steps,
                      tolerance.absolute, tolerance.relative));
    const bool last = std::abs(step) >= std::abs(t_end - t);
    if (last) step = t_end - t;
    if (stepper.try_step(system, solution.state, t, step) == odeint::success) {
      ++solution.n_steps;
      if (last) t = t_end;
    } else {
      ++solution.n_rejected;
    }
  }
  return solution;
}

}  // namespace boltzflow
