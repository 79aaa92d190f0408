// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/ATen.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace boltzflow {

/// The equations of EgnnVelocity's header in float64 loops over atoms and pairs, for one sample.
/// @param parameters in the order of EgnnVelocity; @param rank of each atom's type among the sorted types.
class EgnnReference {
 public:
  using Vector = std::vector<double>;
  EgnnReference(std::vector<at::Tensor> parameters, std::vector<int> rank, int n_layers)
      : parameters_(std::move(parameters)), rank_(std::move(rank)), n_layers_(n_layers) {}

  Vector velocity(const Vector& start, double t) {
    next_ = 0;
    const std::size_t n = rank_.size();
    const at::Tensor embedding = parameters_[next_++];
    Vector features = {t};
    for (int k = 1; k <= 8; ++k) features.push_back(std::cos(std::numbers::pi * k * t));
    for (int k = 1; k <= 8; ++k) features.push_back(std::sin(std::numbers::pi * k * t));
    const Vector of_time = take().of(features);
    std::vector<Vector> h(n);
    for (std::size_t i = 0; i < n; ++i) h[i] = sum(row(embedding, rank_[i]), of_time);
    Vector x = start;
    for (int layer = 0; layer < n_layers_; ++layer) {
      const Affine receiver = take(), sender = take();
      const at::Tensor of_distances = parameters_[next_++];
      const Affine message = take(), attention = take(), coordinate = take(), displacement = take();
      Vector moved = x;
      std::vector<Vector> received(n, Vector(of_time.size(), 0.0));
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          const double square = distance_squared(x, i, j), first = distance_squared(start, i, j);
          Vector pair = sum(receiver.of(h[i]), sender.of(h[j]));
          for (std::size_t k = 0; k < pair.size(); ++k)
            pair[k] += row(of_distances, 0)[k] * square + row(of_distances, 1)[k] * first;
          Vector m = silu(message.of(silu(pair)));
          const double gate = 1 / (1 + std::exp(-attention.of(m)[0]));
          for (std::size_t k = 0; k < m.size(); ++k) {
            m[k] *= gate;
            received[i][k] += m[k] / static_cast<double>(n);
          }
          const double pull = std::tanh(displacement.of(silu(coordinate.of(m)))[0]) * 15.0 / n_layers_;
          for (std::size_t a = 0; a < 3; ++a)
            moved[3 * i + a] += (x[3 * i + a] - x[3 * j + a]) / (std::sqrt(square) + 1) * pull;
        }
      }
      x = moved;
      if (layer + 1 == n_layers_) break;
      const Affine first = take(), second = take();
      for (std::size_t i = 0; i < n; ++i) {
        Vector both = h[i];
        both.insert(both.end(), received[i].begin(), received[i].end());
        h[i] = sum(h[i], second.of(silu(first.of(both))));
      }
    }
    for (std::size_t a = 0; a < 3; ++a) {
      double mean = 0;
      for (std::size_t i = 0; i < n; ++i) mean += (x[3 * i + a] - start[3 * i + a]) / static_cast<double>(n);
      for (std::size_t i = 0; i < n; ++i) x[3 * i + a] -= start[3 * i + a] + mean;
    }
    return x;
  }

 private:
  struct Affine {
    at::Tensor weight, bias;
    Vector of(const Vector& x) const {
      Vector y = row(bias.unsqueeze(0), 0);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const double* w = weight.const_data_ptr<double>() + i * x.size();
        for (std::size_t j = 0; j < x.size(); ++j) y[i] += w[j] * x[j];
      }
      return y;
    }
  };
  Affine take() {
    next_ += 2;
    return {parameters_[next_ - 2].detach().contiguous(), parameters_[next_ - 1].detach()};
  }
  static Vector row(const at::Tensor& matrix, int i) {
    const at::Tensor values = matrix.detach().select(0, i).contiguous();
    return {values.const_data_ptr<double>(), values.const_data_ptr<double>() + values.numel()};
  }
  static Vector sum(Vector a, const Vector& b) {
    for (std::size_t k = 0; k < a.size(); ++k) a[k] += b[k];
    return a;
  }
  static Vector silu(Vector a) {
    for (double& value : a) value /= 1 + std::exp(-value);
    return a;
  }
  static double distance_squared(const Vector& x, std::size_t i, std::size_t j) {
    double square = 0;
    for (std::size_t a = 0; a < 3; ++a) square += std::pow(x[3 * i + a] - x[3 * j + a], 2);
    return square;
  }

  std::vector<at::Tensor> parameters_;
  std::vector<int> rank_;
  int n_layers_;
  std::size_t next_ = 0;
};

}  // namespace boltzflow
