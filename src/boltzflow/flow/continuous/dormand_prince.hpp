// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace boltzflow {

/// What a system of ordinary differential equations integrates: one or more tensors whose first axis is the sample.
struct OdeState {
  std::vector<at::Tensor> components;
};

struct OdeTolerance {
  double absolute = 1e-5;
  double relative = 1e-5;
  std::int64_t maximum_steps = 10'000;  ///< tried steps, rejected ones included
};

struct OdeSolution {
  OdeState state;
  std::int64_t n_evaluations = 0;  ///< of the right-hand side
  std::int64_t n_steps = 0;        ///< accepted
  std::int64_t n_rejected = 0;
};

/// This integrates dy/dt = f(y, t) from t_begin to t_end (either may be larger) by the embedded Runge-Kutta pair of
/// Dormand and Prince, orders 5 and 4, with the step size controlled by
///
///     max over samples and components of  rms_i  e_i / (absolute + relative (|y_i| + |dt f_i|))  <= 1
///
/// e the difference of the two orders, rms over a component's axes other than the first: the whole batch shares its
/// steps, and the worst sample sets them. The tableau and the controller are Boost.Odeint's, on tensors.
/// @param right_hand_side receives y and t and returns f with the same components.
/// @throws ConfigurationError naming t and the step where maximum_steps did not suffice or the step size vanished, as
///         it does when f is not finite.
/// @cite Dormand1980, "A family of embedded Runge-Kutta formulae", J. Comput. Appl. Math. 6, 19.
OdeSolution integrate_dormand_prince(const std::function<OdeState(const OdeState&, double)>& right_hand_side,
                                     OdeState start, double t_begin, double t_end, const OdeTolerance& tolerance);

}  // namespace boltzflow
