// SPDX-License-Identifier: MIT
// Training step and sampling of the flow of the TA-BG and CMT papers for alanine dipeptide, batch 1024, beside the same
// network in LibTorch's eager operations: one process, interleaved rounds, medians. A training step is log_prob of a
// batch, its gradient, clipping by the global norm, and Adam; sampling makes 1024 samples with their log_prob.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/conditioner_products.hpp"
#include "boltzflow/flow/coupling_plan.hpp"
#include "boltzflow/flow/spline_flow.hpp"
#include "boltzflow/training/adam.hpp"
#include "eager_spline_flow.hpp"

extern char** environ;

namespace boltzflow::benchmark {
namespace {

constexpr std::int64_t batch = 1024;
constexpr double learning_rate = 1e-4, gradient_norm_clip = 100;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// 21 bonds, 20 angles, 19 torsions; 16 couplings of 5 x 256, 8 bins.
std::vector<FlowDimension> alanine_dipeptide() {
  std::vector<FlowDimension> dimensions;
  for (int field = 0; field < 3; ++field) {
    for (int i = 0; i < 21 - field; ++i) dimensions.push_back({field == 2, field, 0});
  }
  return dimensions;
}

/// A trained network's splines are bent; the identity that a flow starts as would be too easy to evaluate.
void bend(SplineFlow& flow) {
  at::Tensor flat = flow.flat_parameters().clone();
  RandomStream random(7);
  float* values = flat.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < flat.numel(); ++i) values[i] += static_cast<float>(0.01 * random.normal());
  flow.set_flat_parameters(flat);
}

class OurFlow {
 public:
  OurFlow() : flow_(alanine_dipeptide(), {}, 1), adam_((bend(flow_), flow_.parameters())), random_(3) {
    z_ = flow_.sample(batch, random_, ConditionerPrecision::float32).z;
  }
  double train(ConditionerPrecision precision) {
    at::set_num_threads(1);  // as in the program: LibTorch's threads get in the way of ours
    adam_.zero_gradients();
    const at::Tensor loss = -flow_.log_prob(z_, precision).mean();
    torch::autograd::backward({loss}, {});
    adam_.step(learning_rate, gradient_norm_clip);
    flow_.parameters_changed();
    return loss.item<double>();
  }
  void sample(ConditionerPrecision precision) {
    at::set_num_threads(1);
    flow_.sample(batch, random_, precision);
  }
  SplineFlow& flow() { return flow_; }
  const at::Tensor& z() const { return z_; }

 private:
  SplineFlow flow_;
  Adam adam_;
  RandomStream random_;
  at::Tensor z_;
};

class EagerFlow {
 public:
  explicit EagerFlow(OurFlow& ours)
      : base_(ours.flow()),
        flow_(coupling_plan(alanine_dipeptide(), {}), ours.flow().parameters()),
        z_(ours.z()),
        random_(4) {
    for (const auto& parameter : flow_.parameters()) {
      first_moments_.push_back(at::zeros_like(parameter));
      second_moments_.push_back(at::zeros_like(parameter));
      steps_.push_back(at::zeros({}, at::kFloat));
    }
  }
  at::Tensor log_prob() const {
    const auto mapped = flow_.map(CouplingDirection::inverse, z_);
    return base_.base_log_prob(mapped.x) + mapped.log_det;
  }
  double train() {
    at::set_num_threads(thread_count());
    for (const auto& parameter : flow_.parameters()) parameter.mutable_grad().reset();
    const at::Tensor loss = -log_prob().mean();
    torch::autograd::backward({loss}, {});
    const c10::AutoGradMode no_gradients(false);
    std::vector<at::Tensor> gradients;
    for (const auto& parameter : flow_.parameters()) gradients.push_back(parameter.grad());
    const double norm = at::stack(at::_foreach_norm(gradients)).norm().item<double>();
    if (norm > gradient_norm_clip) at::_foreach_mul_(gradients, gradient_norm_clip / norm);
    for (auto& step : steps_) step.add_(1);
    at::_fused_adam_(flow_.parameters(), gradients, first_moments_, second_moments_, {}, steps_, learning_rate, 0.9,
                     0.999, 0, 1e-8, false, false);
    return loss.item<double>();
  }
  void sample() {
    at::set_num_threads(thread_count());
    const c10::AutoGradMode no_gradients(false);
    const at::Tensor base = base_.base_sample(batch, random_);
    const auto mapped = flow_.map(CouplingDirection::forward, base);
    const at::Tensor log_prob = base_.base_log_prob(base) - mapped.log_det;
  }

 private:
  const SplineFlow& base_;
  EagerSplineFlow flow_;
  at::Tensor z_;
  RandomStream random_;
  std::vector<at::Tensor> first_moments_, second_moments_, steps_;
};

/// The bare float32 products of one pass: `times` 1 for sampling, 3 for a training step.
void products_alone(const std::vector<CouplingLayout>& layouts, bool training) {
  constexpr int block = 512;
  parallel_for(batch / block, 1, [&](std::int64_t begin, std::int64_t end, int) {
    thread_local std::vector<float> weights(1 << 19, 0.01f), x(1 << 19, 0.01f), y(1 << 19, 0.01f), sums(1 << 19);
    const SerialProducts serial;
    for (std::int64_t b = begin; b < end; ++b) {
      for (const auto& layout : layouts) {
        for (const auto& linear : conditioner_layout(layout.conditioner_shape())) {
          const int m = linear.n_outputs, k = linear.n_inputs;
          multiply_float32({m, block, k, false, false, false, block}, weights.data(), x.data(), y.data());
          if (!training) continue;
          multiply_float32({m, k, block, false, true, true, k}, y.data(), x.data(), sums.data());
          multiply_float32({k, block, m, true, false, false, block}, weights.data(), y.data(), x.data());
          std::fill_n(x.data(), k * block, 0.01f);  // keeps the numbers from overflowing; a thousandth of the time
        }
      }
    }
  });
}

struct Job {
  std::string name;
  std::function<void()> run;
  std::vector<double> times = {};
  double median() {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }
};

void interleave(std::vector<Job>& jobs, int n_rounds) {
  for (int round = -1; round < n_rounds; ++round) {  // round -1 warms up
    for (auto& job : jobs) {
      const double start = seconds();
      job.run();
      if (round >= 0) job.times.push_back(1e3 * (seconds() - start));
    }
  }
}

void print(const char* title, std::vector<Job>& jobs) {
  const double eager = jobs.front().median();
  fmt::print("  {}\n", title);
  for (auto& job : jobs) {
    const double median = job.median();
    fmt::print("    {:<34} {:8.1f} ms  (fastest {:.1f})  {:5.2f}x\n", job.name, median, job.times.front(),
               eager / median);
  }
}

/// Wall time of this program started anew for one training step; it prints its own peak memory.
void print_start_up(const char* program, const char* what) {
  std::fflush(stdout);
  std::string name = program, flag = "--first-step", kind = what;
  char* arguments[] = {name.data(), flag.data(), kind.data(), nullptr};
  const double start = seconds();
  pid_t child = 0;
  int status = 0;
  if (posix_spawn(&child, program, nullptr, nullptr, arguments, environ) != 0 || waitpid(child, &status, 0) < 0 ||
      status != 0)
    fmt::print("{} could not be started again\n", what);
  else
    fmt::print("  {:.2f} s from the start to the end of the first training step\n", seconds() - start);
}

/// The largest resident memory of this process so far, in MB. (getrusage would give the parent's if that is larger.)
long peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    long kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes / 1024;
  }
  return -1;
}

int first_step(const std::string& what) {
  OurFlow ours;
  if (what == "eager")
    EagerFlow(ours).train();
  else
    ours.train(what == "float32" ? ConditionerPrecision::float32 : ConditionerPrecision::bfloat16);
  fmt::print("{:<10} peak memory {} MB,", what, peak_memory());
  return 0;
}

/// Runs one job over and over, for a profiler: `benchmark_flow --profile train-bfloat16 100 [threads]`.
int profile(const std::string& what, int n_times, int n_threads) {
  set_thread_count(n_threads);
  OurFlow ours;
  const auto precision = parse_conditioner_precision(what.substr(what.find('-') + 1));
  const double start = seconds();
  for (int i = 0; i < n_times; ++i) {
    if (what.starts_with("train"))
      ours.train(precision);
    else
      ours.sample(precision);
  }
  fmt::print("{}: {:.2f} ms\n", what, 1e3 * (seconds() - start) / n_times);
  return 0;
}

int run(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--first-step") return first_step(argv[2]);
  if (argc >= 4 && std::string(argv[1]) == "--profile")
    return profile(argv[2], std::atoi(argv[3]), argc > 4 ? std::atoi(argv[4]) : 1);
  const int n_rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 9;
  using enum ConditionerPrecision;
  OurFlow ours;
  EagerFlow eager(ours);
  const auto layouts = coupling_plan(alanine_dipeptide(), {});
  const double difference =
      (eager.log_prob() - ours.flow().log_prob(ours.z(), float32)).detach().abs().max().item<double>();
  fmt::print("{} parameters, batch {}, {} instructions, AMX {}; log_prob of the two differs by at most {:.1e}\n",
             ours.flow().n_parameters(), batch, name_of(instruction_set()), has_amx_bf16() ? "yes" : "no", difference);
  for (int n_threads : {1, 2}) {
    set_thread_count(n_threads);
    fmt::print("{} thread{}, median of {} interleaved rounds, speed relative to eager\n", n_threads,
               n_threads > 1 ? "s" : "", n_rounds);
    std::vector<Job> training = {{"LibTorch eager, float32", [&] { eager.train(); }},
                                 {"boltzflow float32", [&] { ours.train(float32); }},
                                 {"boltzflow bfloat16", [&] { ours.train(bfloat16); }},
                                 {"its float32 products alone", [&] { products_alone(layouts, true); }}};
    interleave(training, n_rounds);
    print("training step", training);
    std::vector<Job> sampling = {{"LibTorch eager, float32", [&] { eager.sample(); }},
                                 {"boltzflow float32", [&] { ours.sample(float32); }},
                                 {"boltzflow bfloat16", [&] { ours.sample(bfloat16); }},
                                 {"boltzflow split bfloat16", [&] { ours.sample(split_bfloat16); }},
                                 {"its float32 products alone", [&] { products_alone(layouts, false); }}};
    interleave(sampling, n_rounds);
    print("sampling", sampling);
  }
  for (const char* what : {"eager", "float32", "bfloat16"}) print_start_up(argv[0], what);
  return 0;
}

}  // namespace
}  // namespace boltzflow::benchmark

int main(int argc, char** argv) { return boltzflow::benchmark::run(argc, argv); }
