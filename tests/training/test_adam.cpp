// SPDX-License-Identifier: MIT
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/training/adam.hpp"

namespace boltzflow {
namespace {

at::Tensor random_tensor(std::int64_t size, RandomStream& random, double scale) {
  at::Tensor tensor = at::empty({size});
  float* values = tensor.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < size; ++i) values[i] = static_cast<float>(scale * random.normal());
  return tensor;
}

std::vector<at::Tensor> parameters_of_sizes(const std::vector<std::int64_t>& sizes) {
  RandomStream random(11);
  std::vector<at::Tensor> parameters;
  for (const std::int64_t size : sizes) parameters.push_back(random_tensor(size, random, 1.0).set_requires_grad(true));
  return parameters;
}

// Kingma2015, Algorithm 1, in float64, with clipping and averaging.
struct ReferenceAdam {
  std::vector<double> parameter, first, second, average;
  int t = 0;
  void step(const std::vector<double>& gradient, double learning_rate, double clip, double decay) {
    double norm = 0;
    for (const double g : gradient) norm += g * g;
    norm = std::sqrt(norm);
    ++t;
    for (std::size_t i = 0; i < parameter.size(); ++i) {
      const double g = gradient[i] * (norm > clip ? clip / norm : 1.0);
      first[i] = 0.9 * first[i] + 0.1 * g;
      second[i] = 0.999 * second[i] + 0.001 * g * g;
      parameter[i] -= learning_rate * (first[i] / (1 - std::pow(0.9, t))) /
                      (std::sqrt(second[i] / (1 - std::pow(0.999, t))) + 1e-8);
      average[i] = decay * average[i] + (1 - decay) * parameter[i];
    }
  }
};

class AdamOnEveryInstructionSet : public testing::TestWithParam<InstructionSet> {};

TEST_P(AdamOnEveryInstructionSet, FollowsTheReferenceWithClippingAndAverage) {
  if (GetParam() > best_instruction_set()) GTEST_SKIP() << "this CPU lacks " << name_of(GetParam());
  force_instruction_set(GetParam());
  const std::vector<std::int64_t> sizes{1, 15, 16, 33, 50'000};
  std::vector<at::Tensor> parameters = parameters_of_sizes(sizes);
  Adam adam(parameters);
  adam.start_average(0.9);
  ReferenceAdam reference;
  for (const at::Tensor& parameter : parameters)
    for (std::int64_t i = 0; i < parameter.numel(); ++i)
      reference.parameter.push_back(parameter.const_data_ptr<float>()[i]);
  reference.average = reference.parameter;
  reference.first.assign(reference.parameter.size(), 0);
  reference.second = reference.first;

  RandomStream random(5);
  for (int step = 0; step < 20; ++step) {
    std::vector<double> gradient;
    for (at::Tensor& parameter : parameters) {
      parameter.mutable_grad() = random_tensor(parameter.numel(), random, step % 2 == 0 ? 1e-3 : 10.0);
      for (std::int64_t i = 0; i < parameter.numel(); ++i)
        gradient.push_back(parameter.grad().const_data_ptr<float>()[i]);
    }
    EXPECT_TRUE(adam.step(1e-2, 20.0).applied);
    reference.step(gradient, 1e-2, 20.0, 0.9);
  }
  force_instruction_set(best_instruction_set());
  const std::vector<at::Tensor> state = adam.state();
  double parameter_error = 0, average_error = 0;
  std::size_t k = 0;
  for (std::size_t tensor = 0; tensor < sizes.size(); ++tensor)
    for (std::int64_t i = 0; i < sizes[tensor]; ++i, ++k) {
      parameter_error =
          std::max(parameter_error, std::abs(state[tensor].const_data_ptr<float>()[i] - reference.parameter[k]));
      average_error = std::max(
          average_error, std::abs(state[3 * sizes.size() + tensor].const_data_ptr<float>()[i] - reference.average[k]));
    }
  // 20 float32 roundings of numbers up to 4 in size: 20 * 2.4e-7 at most.
  EXPECT_LE(parameter_error, 5e-6);
  EXPECT_LE(average_error, 5e-6);
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, AdamOnEveryInstructionSet,
                         testing::Values(InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(Adam, LeavesEverythingAloneWhenAGradientIsNotFinite) {
  std::vector<at::Tensor> parameters = parameters_of_sizes({40, 1000});
  Adam adam(parameters);
  const at::Tensor before = parameters[1].detach().clone();
  for (const float poison : {std::nanf(""), INFINITY}) {
    for (at::Tensor& parameter : parameters) parameter.mutable_grad() = at::zeros({parameter.numel()});
    parameters[0].mutable_grad().mutable_data_ptr<float>()[37] = poison;
    const Adam::Step step = adam.step(1e-2, 20.0);
    EXPECT_FALSE(step.applied);
    EXPECT_FALSE(std::isfinite(step.gradient_norm));
  }
  EXPECT_TRUE(before.equal(parameters[1].detach()));
  EXPECT_EQ(adam.n_steps(), 0);
}

TEST(Adam, DoesNotDependOnTheNumberOfThreads) {
  const int threads_before = thread_count();
  std::vector<at::Tensor> results;
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    std::vector<at::Tensor> parameters = parameters_of_sizes({100'003, 70'000});
    Adam adam(parameters);
    RandomStream random(3);
    for (int step = 0; step < 3; ++step) {
      for (at::Tensor& parameter : parameters) parameter.mutable_grad() = random_tensor(parameter.numel(), random, 1.0);
      adam.step(1e-3, 1.0);
    }
    results.push_back(parameters[0].detach());
  }
  set_thread_count(threads_before);
  EXPECT_TRUE(results[0].equal(results[1]));
  EXPECT_TRUE(results[0].equal(results[2]));
}

TEST(Adam, CopiesItsAverageIntoTheParameters) {
  std::vector<at::Tensor> parameters = parameters_of_sizes({64});
  Adam adam(parameters);
  adam.start_average(0.5);
  const at::Tensor start = parameters[0].detach().clone();
  RandomStream random(3);
  parameters[0].mutable_grad() = random_tensor(64, random, 1.0);
  adam.step(0.1, 0);
  const at::Tensor expected = start * 0.5 + parameters[0].detach() * 0.5;
  adam.copy_average_to_parameters();
  EXPECT_LE((parameters[0].detach() - expected).abs().max().item<float>(),
            2e-7);  // one float32 rounding of numbers up to 3
}

}  // namespace
}  // namespace boltzflow
