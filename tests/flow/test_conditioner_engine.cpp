// SPDX-License-Identifier: MIT
// The conditioner engine against a multilayer perceptron in float64, straight from its definition.
#include "boltzflow/flow/conditioner_engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

using Doubles = std::vector<double>;

struct Evaluation {
  Doubles outputs, input_gradients, parameter_gradients;
};

/// y = W x + b and relu, sample by sample, and its gradients by the chain rule.
Evaluation reference(const ConditionerEngine& engine, const std::vector<float>& parameters,
                     const std::vector<float>& inputs, const std::vector<float>& output_gradients, int stride,
                     int n_samples) {
  const auto& layout = engine.layout();
  Evaluation result{Doubles(std::size_t(engine.shape().n_outputs) * stride),
                    Doubles(std::size_t(engine.shape().n_inputs) * stride), Doubles(parameters.size())};
  for (int s = 0; s < n_samples; ++s) {
    std::vector<Doubles> activations(1);
    for (int i = 0; i < engine.shape().n_inputs; ++i) activations[0].push_back(inputs[std::size_t(i) * stride + s]);
    for (std::size_t l = 0; l < layout.size(); ++l) {
      Doubles y(layout[l].n_outputs);
      for (int o = 0; o < layout[l].n_outputs; ++o) {
        y[o] = parameters[layout[l].bias_offset + o];
        for (int i = 0; i < layout[l].n_inputs; ++i)
          y[o] += double(parameters[layout[l].weight_offset + std::int64_t(o) * layout[l].n_inputs + i]) *
                  activations[l][i];
        if (l + 1 < layout.size()) y[o] = std::max(y[o], 0.0);
      }
      activations.push_back(y);
    }
    Doubles g;
    for (int o = 0; o < engine.shape().n_outputs; ++o) {
      result.outputs[std::size_t(o) * stride + s] = activations.back()[o];
      g.push_back(output_gradients[std::size_t(o) * stride + s]);
    }
    for (std::size_t l = layout.size(); l-- > 0;) {
      Doubles next(layout[l].n_inputs);
      for (int o = 0; o < layout[l].n_outputs; ++o) {
        result.parameter_gradients[layout[l].bias_offset + o] += g[o];
        for (int i = 0; i < layout[l].n_inputs; ++i) {
          const std::int64_t w = layout[l].weight_offset + std::int64_t(o) * layout[l].n_inputs + i;
          result.parameter_gradients[w] += g[o] * activations[l][i];
          next[i] += g[o] * parameters[w];
        }
      }
      for (int i = 0; i < layout[l].n_inputs && l > 0; ++i) next[i] *= activations[l][i] > 0;
      g = next;
    }
    for (int i = 0; i < engine.shape().n_inputs; ++i) result.input_gradients[std::size_t(i) * stride + s] = g[i];
  }
  return result;
}

/// Norm of the difference over the norm of the reference; both over the valid samples.
double relative_error(const float* a, const Doubles& reference, std::size_t rows, int stride, int n_samples) {
  double difference = 0, norm = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    for (int s = 0; s < n_samples; ++s) {
      const double r = reference[row * stride + s], d = a[row * stride + s] - r;
      difference += d * d;
      norm += r * r;
    }
  }
  return std::sqrt(difference / norm);
}

struct Problem {
  ConditionerShape shape;
  int n_samples;  ///< valid; the block is padded
  std::uint64_t seed;
};

std::vector<float> normals(std::size_t n, double scale, RandomStream& random) {
  std::vector<float> values(n);
  for (auto& value : values) value = static_cast<float>(scale * random.normal());
  return values;
}

struct Errors {
  double outputs, input_gradients, parameter_gradients;
};

Errors errors_of(const Problem& problem, ConditionerPrecision precision) {
  RandomStream random(problem.seed);
  ConditionerEngine engine(problem.shape);
  const int padded = (problem.n_samples + 31) / 32 * 32;
  auto parameters = normals(engine.n_parameters(), 1.0, random);
  for (const auto& linear : engine.layout()) {  // so that every layer keeps the size of its input
    for (std::int64_t i = linear.weight_offset; i < linear.bias_offset; ++i)
      parameters[i] *= static_cast<float>(std::sqrt(2.0 / linear.n_inputs));
  }
  auto inputs = normals(std::size_t(problem.shape.n_inputs) * padded, 1.0, random);
  auto output_gradients = normals(std::size_t(problem.shape.n_outputs) * padded, 1.0, random);
  for (int o = 0; o < problem.shape.n_outputs; ++o)
    std::fill(output_gradients.begin() + std::size_t(o) * padded + problem.n_samples,
              output_gradients.begin() + std::size_t(o + 1) * padded, 0.0f);
  const auto expected = reference(engine, parameters, inputs, output_gradients, padded, problem.n_samples);

  const bool with_backward = precision != ConditionerPrecision::split_bfloat16;
  engine.prepare(parameters.data(), precision, with_backward);
  AlignedBuffer<std::byte> activations(engine.activation_bytes(precision, padded));
  AlignedBuffer<float> outputs(std::size_t(engine.padded_outputs()) * padded);
  engine.forward(precision, padded, inputs.data(), outputs.data(), with_backward ? activations.data() : nullptr);
  Errors errors{relative_error(outputs.data(), expected.outputs, problem.shape.n_outputs, padded, problem.n_samples), 0,
                0};
  if (!with_backward) return errors;

  // The same again without keeping activations gives the same numbers.
  AlignedBuffer<float> again(outputs.size());
  engine.forward(precision, padded, inputs.data(), again.data(), nullptr);
  for (std::size_t i = 0; i < std::size_t(problem.shape.n_outputs) * padded; ++i) EXPECT_EQ(again[i], outputs[i]);

  AlignedBuffer<float> input_gradients(std::size_t(engine.padded_inputs()) * padded);
  std::vector<AlignedBuffer<float>> sums;
  std::vector<const float*> sum_pointers;
  for (int thread = 0; thread < 2; ++thread) {
    sums.emplace_back(engine.gradient_sum_size());
    std::fill(sums.back().begin(), sums.back().end(), 7.0f);  // to be overwritten
    engine.backward(precision, padded, activations.data(), output_gradients.data(), input_gradients.data(),
                    sums.back().data(), true);
    if (thread == 1)
      engine.backward(precision, padded, activations.data(), output_gradients.data(), nullptr, sums.back().data(),
                      false);
  }
  for (const auto& sum : sums) sum_pointers.push_back(sum.data());
  std::vector<float> gradient(parameters.size());
  const std::int64_t half = engine.n_gradient_rows() / 2;
  engine.reduce_gradients(sum_pointers, 0, half, gradient.data());
  engine.reduce_gradients(sum_pointers, half, engine.n_gradient_rows(), gradient.data());
  for (auto& value : gradient) value /= 3;  // one pass on the first thread's sums, two on the second's
  errors.input_gradients = relative_error(input_gradients.data(), expected.input_gradients, problem.shape.n_inputs,
                                          padded, problem.n_samples);
  errors.parameter_gradients = relative_error(gradient.data(), expected.parameter_gradients, gradient.size(), 1, 1);

  AlignedBuffer<float> without_sums(input_gradients.size());
  engine.backward(precision, padded, activations.data(), output_gradients.data(), without_sums.data(), nullptr, false);
  for (std::size_t i = 0; i < std::size_t(problem.shape.n_inputs) * padded; ++i)
    EXPECT_EQ(without_sums[i], input_gradients[i]);
  return errors;
}

const std::vector<Problem> problems = {
    {{50, 256, 5, 740}, 256, 1}, {{50, 256, 5, 740}, 250, 2}, {{1, 1, 1, 1}, 1, 3},     {{3, 17, 2, 33}, 1, 4},
    {{33, 31, 3, 65}, 63, 5},    {{40, 100, 1, 7}, 96, 6},    {{64, 32, 0, 48}, 32, 7}, {{65, 257, 2, 100}, 100, 8},
};

/// Norms of errors follow from the roundings: a product of random factors rounded to relative accuracy r is off by
/// about r sqrt(2/3), every layer adds its own, and a relu kept on one side but not the other adds in the gradients as
/// sqrt(r).
void expect_errors_below(ConditionerPrecision precision, Errors limit) {
  for (const auto& problem : problems) {
    SCOPED_TRACE("seed " + std::to_string(problem.seed));
    const auto errors = errors_of(problem, precision);
    EXPECT_LE(errors.outputs, limit.outputs);
    EXPECT_LE(errors.input_gradients, limit.input_gradients);
    EXPECT_LE(errors.parameter_gradients, limit.parameter_gradients);
  }
}

TEST(ConditionerEngine, Float32AgreesWithTheReference) {
  // float32 has 6e-8; six layers, and about sqrt(6e-8 * 1000 units) of relus in doubt at the very most.
  expect_errors_below(ConditionerPrecision::float32, {2e-6, 1e-5, 1e-5});
}

TEST(ConditionerEngine, Bfloat16AgreesToItsAccuracy) {
  // bfloat16 has 2^-9 = 2e-3 per rounding; measured 6e-3, 5e-2 and 5e-2 in the paper's network.
  expect_errors_below(ConditionerPrecision::bfloat16, {1.5e-2, 1.2e-1, 1.2e-1});
}

TEST(ConditionerEngine, SplitBfloat16IsNearFloat32) {
  // Two halves hold 16 bits of mantissa, 2^-17 = 8e-6 per factor; the low-low product that is left out is as small.
  expect_errors_below(ConditionerPrecision::split_bfloat16, {3e-5, 0, 0});
}

TEST(ConditionerEngine, PathWithoutTilesAgreesInEveryInstructionSet) {
  const auto best = best_instruction_set();
  for (auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > best) continue;
    SCOPED_TRACE(name_of(set));
    force_instruction_set(set);  // below AVX-512 there are no tiles: oneDNN's bfloat16, float32 for split
    expect_errors_below(ConditionerPrecision::float32, {2e-6, 1e-5, 1e-5});
    expect_errors_below(ConditionerPrecision::bfloat16, {1.5e-2, 1.2e-1, 1.2e-1});
    expect_errors_below(ConditionerPrecision::split_bfloat16, {3e-5, 0, 0});
  }
  force_instruction_set(best);
}

TEST(ConditionerEngine, RepeatsItselfToTheBit) {
  for (auto precision : {ConditionerPrecision::float32, ConditionerPrecision::bfloat16}) {
    const auto first = errors_of(problems[1], precision), second = errors_of(problems[1], precision);
    EXPECT_EQ(first.outputs, second.outputs);
    EXPECT_EQ(first.input_gradients, second.input_gradients);
    EXPECT_EQ(first.parameter_gradients, second.parameter_gradients);
  }
}

TEST(ConditionerEngine, PacksAgainOnlyWhenParametersAreAnnouncedAsChanged) {
  for (auto precision :
       {ConditionerPrecision::float32, ConditionerPrecision::bfloat16, ConditionerPrecision::split_bfloat16}) {
    SCOPED_TRACE(name_of(precision));
    ConditionerEngine engine({4, 8, 1, 2});
    std::vector<float> parameters(engine.n_parameters(), 0.25f), inputs(4 * 32, 1.0f);
    AlignedBuffer<float> outputs(std::size_t(engine.padded_outputs()) * 32);
    engine.prepare(parameters.data(), precision, false);
    engine.forward(precision, 32, inputs.data(), outputs.data(), nullptr);
    EXPECT_FLOAT_EQ(outputs[0], 8 * 0.25f * 1.25f + 0.25f);  // exact in bfloat16
    std::fill(parameters.begin(), parameters.end(), 0.5f);
    engine.parameters_changed();
    engine.prepare(parameters.data(), precision, false);
    engine.forward(precision, 32, inputs.data(), outputs.data(), nullptr);
    EXPECT_FLOAT_EQ(outputs[0], 8 * 0.5f * 2.5f + 0.5f);
  }
}

TEST(ConditionerEngine, NamesWhatIsWrongWithAShape) {
  EXPECT_THROW(ConditionerEngine({0, 8, 1, 2}), InputError);
  EXPECT_THROW(ConditionerEngine({4, 0, 1, 2}), InputError);
  EXPECT_THROW(ConditionerEngine({4, 8, -1, 2}), InputError);
  ConditionerEngine engine({4, 8, 1, 2});
  EXPECT_THROW(engine.backward(ConditionerPrecision::split_bfloat16, 32, nullptr, nullptr, nullptr, nullptr, true),
               InputError);
}

TEST(ConditionerPrecision, NamesAreReadBack) {
  for (auto precision :
       {ConditionerPrecision::float32, ConditionerPrecision::bfloat16, ConditionerPrecision::split_bfloat16})
    EXPECT_EQ(parse_conditioner_precision(name_of(precision)), precision);
  EXPECT_THROW(parse_conditioner_precision("half"), InputError);
}

}  // namespace
}  // namespace boltzflow
