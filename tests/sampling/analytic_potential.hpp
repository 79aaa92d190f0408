// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "boltzflow/energy/potential.hpp"

namespace boltzflow::testing {

/// This is a sum over all coordinates of one function of one variable, so that
/// every coordinate is an independent sample of the same one-dimensional
/// distribution.
class SeparablePotential final : public Potential {
 public:
  struct Value {
    double energy, slope;
  };
  SeparablePotential(int n_atoms, std::function<Value(double)> function)
      : n_atoms_(n_atoms), function_(std::move(function)) {}

  int n_atoms() const noexcept override { return n_atoms_; }
  std::string description() const override { return "separable"; }
  void energy(std::span<const float> x, std::span<double> e) const override { evaluate<float>(x, e, {}); }
  void energy(std::span<const double> x, std::span<double> e) const override { evaluate<double>(x, e, {}); }
  void energy_and_gradient(std::span<const float> x, std::span<double> e, std::span<float> g) const override {
    evaluate(x, e, g);
  }
  void energy_and_gradient(std::span<const double> x, std::span<double> e, std::span<double> g) const override {
    evaluate(x, e, g);
  }
  std::vector<std::string> term_names() const override { return {"separable"}; }
  void energy_terms(std::span<const double> x, std::span<double> terms) const override { energy(x, terms); }

 private:
  template <class Scalar>
  void evaluate(std::span<const Scalar> x, std::span<double> energy, std::span<Scalar> gradient) const {
    const std::size_t n = 3 * static_cast<std::size_t>(n_atoms_);
    for (std::size_t s = 0; s < energy.size(); ++s) {
      energy[s] = 0;
      for (std::size_t c = s * n; c < (s + 1) * n; ++c) {
        const Value v = function_(x[c]);
        energy[s] += v.energy;
        if (!gradient.empty()) gradient[c] = static_cast<Scalar>(v.slope);
      }
    }
  }
  int n_atoms_;
  std::function<Value(double)> function_;
};

inline SeparablePotential harmonic(int n_atoms, double k) {
  return {n_atoms, [k](double x) { return SeparablePotential::Value{0.5 * k * x * x, k * x}; }};
}

}  // namespace boltzflow::testing
