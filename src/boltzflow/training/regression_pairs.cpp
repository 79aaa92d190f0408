// SPDX-License-Identifier: MIT
#include "boltzflow/training/regression_pairs.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/transport/block_transport.hpp"
#include "boltzflow/base/transport/optimal_transport.hpp"
#include "boltzflow/flow/boltzmann_generator.hpp"
#include "boltzflow/flow/continuous/continuous_flow.hpp"
#include "boltzflow/training/reflow_pairs.hpp"
#include "boltzflow/training/trainer.hpp"
#include "boltzflow/training/training_data.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t most_exact_pairs = 20'000;  // 1.6 GB of costs

/// Pairs that fit into memory.
class PairsInMemory final : public RegressionPairs {
 public:
  PairsInMemory(at::Tensor x0, at::Tensor x1) : x0_(std::move(x0)), x1_(std::move(x1)) {}
  std::int64_t size() const override { return x0_.size(0); }
  Batch draw(std::int64_t n, RandomStream& random) const override {
    at::Tensor index = at::empty({n}, at::kLong);
    auto* rows = index.mutable_data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < n; ++i)
      rows[i] = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(size())));
    return {x0_.index_select(0, index), x1_.index_select(0, index)};
  }
  double root_mean_square_distance() const override {
    return std::sqrt((x1_ - x0_).to(at::kDouble).square().sum(1).mean().item<double>());
  }

 private:
  at::Tensor x0_, x1_;
};

std::span<const float> points(const at::Tensor& x) {
  return {x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel())};
}

/// Pairs in a file.
class PairsInFile final : public RegressionPairs {
 public:
  PairsInFile(const std::filesystem::path& path, std::int64_t n_pairs)
      : pairs_(path), n_pairs_(std::min(n_pairs, pairs_.size())) {}
  std::int64_t size() const override { return n_pairs_; }
  Batch draw(std::int64_t n, RandomStream& random) const override {
    std::vector<std::int64_t> index(static_cast<std::size_t>(n));
    for (std::int64_t& i : index) i = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(size())));
    const std::int64_t d = pairs_.header().dimension;
    Batch batch{at::empty({n, d}, at::kFloat), at::empty({n, d}, at::kFloat)};
    const auto rows = [&](at::Tensor& x) {
      return std::span(x.mutable_data_ptr<float>(), static_cast<std::size_t>(n * d));
    };
    pairs_.read(index, rows(batch.x0), rows(batch.x1));
    return batch;
  }
  double root_mean_square_distance() const override {
    RandomStream random(0);
    const Batch batch = draw(std::min<std::int64_t>(n_pairs_, 10'000), random);
    return std::sqrt((batch.x1 - batch.x0).to(at::kDouble).square().sum(1).mean().item<double>());
  }

 private:
  ReflowPairs pairs_;
  std::int64_t n_pairs_;
};

BoltzmannGenerator load_teacher(const std::string& name, const Trainer& trainer) {
  if (name.empty())
    throw ConfigurationError("method.regflow.teacher: reflow needs a run folder or model file with a trained flow");
  const std::filesystem::path path(name);
  BoltzmannGenerator teacher =
      BoltzmannGenerator::load(std::filesystem::is_directory(path) ? path / "model.boltzflow" : path);
  const std::string coordinates = description_of(teacher.coordinate_options());
  if (coordinates != trainer.coordinates || teacher.flow().dimension() != trainer.target().dimension())
    throw ConfigurationError(fmt::format(
        "method.regflow.teacher: {} is a flow of {} on {} dimensions, {}; the flow to train is on {} dimensions, {}. "
        "Train both on the same data",
        name, teacher.system().name, teacher.flow().dimension(), coordinates, trainer.target().dimension(),
        trainer.coordinates));
  return teacher;
}

}  // namespace

std::unique_ptr<RegressionPairs> make_optimal_transport_pairs(const Density& flow, const TrainingData& data,
                                                              std::int64_t n_pairs, RandomStream& random) {
  if (n_pairs > data.n_training())
    throw ConfigurationError(
        fmt::format("method.regflow.n_pairs: {} pairs need as many frames, and the training part "
                    "of the data has {}",
                    n_pairs, data.n_training()));
  const c10::NoGradGuard no_grad;
  const at::Tensor x0 = flow.base_sample(n_pairs, random).cpu().contiguous();
  const at::Tensor x1 = data.first(n_pairs, random).contiguous();
  const auto d = static_cast<std::size_t>(x1.size(1));
  const std::vector<std::int32_t> target = n_pairs <= most_exact_pairs
                                               ? optimal_transport(points(x0), points(x1), d).target_of_source
                                               : block_optimal_transport(points(x0), points(x1), d).target_of_source;
  const at::Tensor order = at::tensor(target, at::kInt).to(at::kLong);
  return std::make_unique<PairsInMemory>(x0, x1.index_select(0, order));
}

std::unique_ptr<RegressionPairs> make_reflow_pairs(Trainer& trainer, const RegflowOptions& options) {
  const c10::NoGradGuard no_grad;
  const BoltzmannGenerator teacher = load_teacher(options.teacher, trainer);
  const Density& flow = teacher.flow();
  const auto* continuous = dynamic_cast<const ContinuousFlow*>(&flow);
  const ReflowPairsHeader header = {.dimension = flow.dimension(),
                                    .seed = trainer.random().seed(),
                                    .teacher_hash = parameters_hash(flow),
                                    .coordinates = teacher.system().name + ", " + trainer.coordinates};
  const auto transport = [&](std::span<const float> x0, std::span<float> x1) {
    const std::int64_t d = flow.dimension(), n = std::ssize(x0) / d;
    const at::Tensor from = at::from_blob(const_cast<float*>(x0.data()), {n, d}, at::kFloat);
    const at::Tensor to =
        continuous ? continuous->transport(from) : flow.forward(from, ConditionerPrecision::float32).x;
    const at::Tensor values = to.to(at::kCPU, at::kFloat).contiguous();
    std::copy_n(values.const_data_ptr<float>(), x1.size(), x1.data());
  };
  const std::filesystem::path path = trainer.folder() / "pairs.boltzflow";
  const double begin = trainer.elapsed_seconds();
  std::int64_t n_before = -1;
  double said = begin;
  const std::int64_t n = generate_reflow_pairs(path, header, options.n_pairs, transport, [&](std::int64_t n_done) {
    if (n_before < 0) n_before = n_done;
    const double now = trainer.elapsed_seconds();
    if (now - said > 30 && n_done > n_before) {
      said = now;
      const double left =
          (now - begin) / static_cast<double>(n_done - n_before) * static_cast<double>(options.n_pairs - n_done);
      trainer.message(
          fmt::format("{} of {} pairs made by the teacher, about {:.0f} s left", n_done, options.n_pairs, left));
    }
    return !trainer.stop_requested();
  });
  if (n < options.n_pairs) return nullptr;
  return std::make_unique<PairsInFile>(path, options.n_pairs);
}

}  // namespace boltzflow
