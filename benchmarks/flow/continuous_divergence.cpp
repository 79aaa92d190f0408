// SPDX-License-Identifier: MIT
// What the exact divergence of each velocity network costs at the size of alanine dipeptide (22 atoms, 66 coordinates),
// beside d sequential vector-Jacobian products, a Hutchinson estimate, and the velocity alone. Processor time of one
// thread, the fastest of a few interleaved rounds.
//
//     benchmark_continuous_divergence [rounds] [evaluations] [batch]
//
// The last column is what 200,000 samples with likelihoods cost at so many evaluations of the field on a sample's path
// (100 unless told: the order of what a trained field needs at a tolerance of 1e-5). The second table has the flows
// that sample in one pass, at their default sizes (measured on 2,048 samples each), and how many times as fast they
// are.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/continuous/continuous_flow.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"

namespace boltzflow::benchmark {
namespace {

constexpr int n_atoms = 22, dimension = 3 * n_atoms;

at::Tensor random_normal(at::IntArrayRef sizes, std::uint64_t seed) {
  at::Tensor values = at::empty(sizes, at::kFloat);
  RandomStream random(seed);
  float* data = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) data[i] = static_cast<float>(random.normal());
  return values;
}

struct Network {
  const char* velocity;
  std::int64_t hidden_width, n_layers, n_heads;
};
constexpr Network networks[] = {{"two-layer", 256, 2, 1}, {"egnn", 64, 5, 1}, {"dit", 128, 4, 4}};

struct Job {
  std::function<void()> run;
  double seconds = std::numeric_limits<double>::infinity();
};

constexpr double n_drawn = 200'000;

/// Prints a row; the seconds that n_drawn samples with likelihoods take.
double measure(const Network& network, int n_rounds, double n_evaluations, std::int64_t batch) {
  ContinuousFlowOptions options;
  options.velocity = network.velocity;
  options.hidden_width = network.hidden_width;
  options.n_layers = network.n_layers;
  options.n_heads = network.n_heads;
  std::vector<int> types;
  for (int i = 0; i < n_atoms; ++i) types.push_back(i % 10);
  const ContinuousFlow flow = make_continuous_flow(dimension, types, options, 1);
  const VelocityField& field = flow.velocity();
  std::uint64_t seed = 10;
  for (const at::Tensor& parameter : field.parameters()) {  // a new field is zero, and so is its divergence
    const c10::AutoGradMode no_gradients(false);
    at::Tensor(parameter).add_(0.02 * random_normal(parameter.sizes(), seed++));
  }
  if (batch == 0) batch = field.cpu_batch();
  const at::Tensor x = random_normal({batch, dimension}, 2), t = at::full({1}, 0.5);
  const at::Tensor probes = random_normal({1, batch, dimension}, 3).sign();
  std::vector<Job> jobs = {{[&] {
                             const c10::AutoGradMode no_gradients(false);
                             field.velocity(x, t, ConditionerPrecision::float32);
                           }},
                           {[&] { field.with_exact_divergence(x, t); }},
                           {[&] { field.VelocityField::with_exact_divergence(x, t); }},
                           {[&] { field.with_estimated_divergence(x, t, probes); }}};
  for (int round = 0; round < n_rounds; ++round) {
    for (Job& job : jobs) {
      const std::clock_t start = std::clock();
      job.run();
      job.seconds = std::min(job.seconds, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    }
  }
  const at::Tensor exact = field.with_exact_divergence(x, t).divergence;
  const at::Tensor products = field.VelocityField::with_exact_divergence(x, t).divergence;
  const double difference = ((exact - products).abs().max() / products.abs().max()).item<double>();
  const auto microseconds = [&](std::size_t k) { return 1e6 * jobs[k].seconds / static_cast<double>(batch); };
  fmt::print("{:<11}{:>10}{:>7}{:>11.1f}{:>11.1f}{:>12.1f}{:>9.1f}x{:>12.1f}{:>12.1e}{:>14.2f}\n", network.velocity,
             flow.n_parameters(), batch, microseconds(0), microseconds(1), microseconds(2),
             jobs[2].seconds / jobs[1].seconds, microseconds(3), difference,
             microseconds(1) * 1e-6 * n_evaluations * n_drawn / 3600);
  return microseconds(1) * 1e-6 * n_evaluations * n_drawn;
}

void measure(const EuclideanFlowEntry& entry, int n_rounds, const std::vector<double>& seconds_of_teachers) {
  constexpr std::int64_t n_samples = 2048;
  EuclideanFlowOptions options;
  options.architecture = entry.name;
  const auto flow = make_euclidean_flow(dimension, options, 1);
  RandomStream random(2);
  Job draw{[&] { flow->sample(n_samples, random, ConditionerPrecision::float32); }};
  draw.run();
  for (int round = 0; round < n_rounds; ++round) {
    const std::clock_t start = std::clock();
    draw.run();
    draw.seconds = std::min(draw.seconds, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  const double seconds = draw.seconds / n_samples * n_drawn;
  fmt::print("{:<19}{:>10}{:>13.1f} s", entry.name, flow->n_parameters(), seconds);
  for (const double teacher : seconds_of_teachers) fmt::print("{:>10.0f}x", teacher / seconds);
  fmt::print("\n");
  std::fflush(stdout);
}

}  // namespace
}  // namespace boltzflow::benchmark

int main(int argc, char** argv) {
  const int n_rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
  const double n_evaluations = argc > 2 ? std::max(1, std::atoi(argv[2])) : 100;
  const int batch = argc > 3 ? std::max(1, std::atoi(argv[3])) : 0;  // 0: what the network wants on a CPU
  at::set_num_threads(1);
  fmt::print("{} coordinates, one thread, float32; microseconds of processor time per sample, fastest of {}\n",
             boltzflow::benchmark::dimension, n_rounds);
  fmt::print("{:<11}{:>10}{:>7}{:>11}{:>11}{:>12}{:>10}{:>12}{:>12}{:>14}\n", "network", "parameters", "batch",
             "velocity", "exact", "d products", "gain", "1 probe", "difference",
             fmt::format("200k, {:.0f} (h)", n_evaluations));
  std::vector<double> seconds_of_teachers;
  for (const auto& network : boltzflow::benchmark::networks)
    seconds_of_teachers.push_back(boltzflow::benchmark::measure(network, n_rounds, n_evaluations, batch));
  boltzflow::set_thread_count(1);
  fmt::print("\n{:<19}{:>10}{:>15}", "flow", "parameters", "200k samples");
  for (const auto& network : boltzflow::benchmark::networks) fmt::print("{:>11}", network.velocity);
  fmt::print("\n");
  for (const auto& entry : boltzflow::euclidean_flows())
    boltzflow::benchmark::measure(entry, n_rounds, seconds_of_teachers);
}
