// SPDX-License-Identifier: MIT
// What every flow on Cartesian coordinates costs at its default size for alanine dipeptide (66 coordinates): a gradient
// step of regression (|forward(x0) - x1|^2) and of maximum likelihood (log_prob), without the optimiser, and drawing
// samples with their log_prob. One row a flow; processor time.
//
//     benchmark_euclidean_flows [--samples N] [--batch N] [--threads N] [--precision float32|bfloat16] [FLOW ...]
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <fmt/core.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"

namespace boltzflow::benchmark {
namespace {

constexpr int dimension = 66;

struct Settings {
  std::int64_t n_samples = 200'000, batch = 1024;
  ConditionerPrecision precision = ConditionerPrecision::float32;
  std::vector<std::string> flows;
};

/// Processor time of all threads: on a machine that others use too, elapsed time says little.
double seconds_of(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// The fastest of a few: what disturbs a measurement only ever adds to it.
double best_seconds(const std::function<void()>& work) {
  work();
  double best = 1e300, spent = 0;
  for (int k = 0; k < 3 || (spent < 2 && k < 20); ++k) {
    const double taken = seconds_of(work);
    best = std::min(best, taken);
    spent += taken;
  }
  return best;
}

void measure(const EuclideanFlowEntry& entry, const Settings& settings) {
  EuclideanFlowOptions options;
  options.architecture = entry.name;
  const auto flow = make_euclidean_flow(dimension, options, 1);
  const at::Tensor x0 = at::randn({settings.batch, dimension}), x1 = at::randn({settings.batch, dimension});
  const auto step = [&](const at::Tensor& loss) {
    for (at::Tensor& parameter : flow->parameters()) parameter.mutable_grad() = at::Tensor();
    torch::autograd::backward({loss}, {});
  };
  const double regression = best_seconds([&] { step((flow->forward(x0, settings.precision).x - x1).square().mean()); });
  // Where the inverse is sequential, likelihood is trained with the other fast direction: the same work as forward.
  const bool sequential = entry.name == "nsf-autoregressive" || entry.name == "tarflow";
  const double likelihood = best_seconds([&] {
    if (!sequential) return step(-flow->log_prob(x1, settings.precision).mean());
    const auto mapped = flow->forward(x1, settings.precision);
    step(-(flow->base_log_prob(mapped.x) + mapped.log_det).mean());
  });
  RandomStream random(2);
  const double sampling = seconds_of([&] { flow->sample(settings.n_samples, random, settings.precision); });
  const std::int64_t n_evaluated = std::min<std::int64_t>(settings.n_samples, 8192);
  const double inverse = seconds_of([&] {
    flow->log_prob_no_grad(at::randn({n_evaluated, dimension}), settings.precision);
  });
  fmt::print("{:<19}{:>9.2f} M{:>14.1f}{:>14.1f}{:>19.2f}{:>12.1f}\n", entry.name,
             1e-6 * static_cast<double>(flow->n_parameters()), 1e6 * regression / static_cast<double>(settings.batch),
             1e6 * likelihood / static_cast<double>(settings.batch), sampling,
             1e6 * inverse / static_cast<double>(n_evaluated));
  std::fflush(stdout);
}

Settings read(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] {
      if (++i == argc) throw InputError(word + " needs a value");
      return std::string(argv[i]);
    };
    if (word == "--samples")
      settings.n_samples = std::stoll(value());
    else if (word == "--batch")
      settings.batch = std::stoll(value());
    else if (word == "--threads")
      set_thread_count(std::stoi(value()));
    else if (word == "--precision")
      settings.precision = parse_conditioner_precision(value());
    else
      settings.flows.push_back(word);
  }
  return settings;
}

}  // namespace
}  // namespace boltzflow::benchmark

int main(int argc, char** argv) {
  using namespace boltzflow;
  try {
    const auto settings = benchmark::read(argc, argv);
    at::set_num_threads(1);
    fmt::print("{} coordinates, {} threads, {}; processor time, microseconds per sample, batch {}\n",
               benchmark::dimension, thread_count(), name_of(settings.precision), settings.batch);
    fmt::print("{:<19}{:>11}{:>14}{:>14}{:>19}{:>12}\n", "flow", "parameters", "regression", "likelihood",
               fmt::format("{} samples s", settings.n_samples), "inverse");
    for (const EuclideanFlowEntry& entry : euclidean_flows()) {
      const auto& wanted = settings.flows;
      if (wanted.empty() || std::ranges::find(wanted, entry.name) != wanted.end()) benchmark::measure(entry, settings);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
