// SPDX-License-Identifier: MIT
// Methods that learn from data, on a correlated normal distribution in 6 dimensions, whose entropy is known.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <memory>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/flow/continuous/continuous_flow.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"
#include "boltzflow/training/trainer.hpp"

namespace boltzflow {
namespace {

constexpr int d = 6;
constexpr double correlation = 0.8;

/// x = A e: coordinates 0 to 2 have deviation 0.5, coordinate k + 3 follows coordinate k with `correlation`.
at::Tensor correlated(const at::Tensor& e) {
  const at::Tensor first = 0.5 * e.narrow(1, 0, 3);
  return at::cat({first, 1 + correlation * first + 0.3 * e.narrow(1, 3, 3)}, 1);
}
/// log|det A|; the entropy is this and d / 2 (1 + log 2 pi).
const double log_det_a = 3 * std::log(0.5) + 3 * std::log(0.3);
const double entropy = log_det_a + 0.5 * d * (1 + std::log(2 * pi));

class NormalTarget final : public TargetDensity {
 public:
  int dimension() const override { return d; }
  std::string description() const override { return "a correlated normal"; }
  void evaluate(std::span<const float> z, std::span<double> log_det, std::span<double> reduced_energy,
                std::span<std::uint32_t> basins, std::span<float> /*score*/) const override {
    for (std::size_t n = 0; n < log_det.size(); ++n) {
      const float* x = z.data() + n * d;
      reduced_energy[n] = 0;
      for (int k = 0; k < 3; ++k) {
        const double a = x[k] / 0.5, b = (x[k + 3] - 1 - correlation * x[k]) / 0.3;
        reduced_energy[n] += 0.5 * (a * a + b * b);
      }
      log_det[n] = 0;
      basins[n] = 0;
    }
  }
};

at::Tensor normal(std::int64_t n, RandomStream& random) {
  at::Tensor e = at::empty({n, d}, at::kFloat);
  for (std::int64_t i = 0; i < n * d; ++i) e.mutable_data_ptr<float>()[i] = static_cast<float>(random.normal());
  return e;
}

class NormalData final : public TrainingData {
 public:
  explicit NormalData(StopFlag* stop = nullptr, int stop_after = 0) : stop_(stop), draws_left_(stop_after) {
    RandomStream random(5);
    training_ = correlated(normal(4000, random));
    validation_ = correlated(normal(4000, random));
  }
  int dimension() const override { return d; }
  std::string description() const override { return "4000 draws"; }
  std::int64_t n_training() const override { return training_.size(0); }
  std::int64_t n_validation() const override { return validation_.size(0); }
  at::Tensor draw(std::int64_t n, RandomStream& random) const override {
    count();
    at::Tensor rows = at::empty({n}, at::kLong);
    for (std::int64_t i = 0; i < n; ++i)
      rows.mutable_data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(random.below(4000));
    return training_.index_select(0, rows);
  }
  at::Tensor first(std::int64_t n, RandomStream&) const override { return training_.narrow(0, 0, n); }
  at::Tensor validation(std::int64_t n) const override { return validation_.narrow(0, 0, n); }
  void rotate_together(at::Tensor&, at::Tensor&, RandomStream&) const override { count(); }

 private:
  void count() const {
    if (stop_ && --draws_left_ == 0) stop_->request_stop();
  }
  at::Tensor training_, validation_;
  StopFlag* stop_;
  mutable int draws_left_;
};

struct Reports final : TrainingObserver {
  void on_step(const StepReport& report) override { rows.push_back(report); }
  void on_message(const std::string&) override {}
  double last(const std::string& name) const {
    for (const auto& [key, value] : rows.back().metrics)
      if (key == name) return value;
    ADD_FAILURE() << "no metric " << name;
    return 0;
  }
  std::vector<StepReport> rows;
};

TrainingOptions small_options(const std::string& method) {
  TrainingOptions options;
  options.trainer.method = method;
  options.trainer.batch_size = 128;
  options.trainer.learning_rate = 4e-3;
  options.trainer.warm_up_steps = 10;
  options.trainer.ema_decay = 0.98;
  options.trainer.precision = options.trainer.sampling_precision = "float32";
  options.fit.gradient_steps = 400;
  options.fit.report_steps = 100;
  options.regflow.n_pairs = 3000;
  options.regflow.regularization_coefficient = 1e-5;
  return options;
}

class DataMethods : public testing::Test {
 protected:
  DataMethods() : folder_(std::filesystem::temp_directory_path() / ("boltzflow-data-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(folder_);
  }
  ~DataMethods() override { std::filesystem::remove_all(folder_); }

  static std::unique_ptr<Density> flow_for(const std::string& method) {
    if (method == "flow-matching")
      return std::make_unique<ContinuousFlow>(
          make_continuous_flow(d, {}, {.velocity = "two-layer", .hidden_width = 48}, 3));
    EuclideanFlowOptions options;
    options.architecture = "real-nvp";
    options.n_layers = 4, options.hidden_width = 32, options.n_hidden_layers = 1;
    options.masking = "random";
    return make_euclidean_flow(d, options, 3);
  }
  TrainingEnd run(Density& flow, const TrainingOptions& options, Reports& reports, const TrainingData* data,
                  bool resume = false, const StopFlag& stop = {}) const {
    const TrainingOptions resolved = resolve_training_options(options, d);
    const std::unique_ptr<Method> method = find_method(resolved.trainer.method).make(resolved);
    const NormalTarget target;
    Trainer trainer(flow, target, resolved, reports, data);
    return trainer.run(*method, folder_, resume, stop);
  }

  const std::filesystem::path folder_;
};

TEST_F(DataMethods, MaximumLikelihoodComesCloseToTheEntropy) {
  const auto flow = flow_for("maximum-likelihood");
  Reports reports;
  const NormalData data;
  ASSERT_EQ(run(*flow, small_options("maximum-likelihood"), reports, &data), TrainingEnd::finished);
  ASSERT_EQ(reports.rows.size(), 4u);
  // 1,000 validation points scatter by sqrt(d / 2 / 1000) = 0.055; the fit of 4,000 points itself costs about as much.
  EXPECT_NEAR(reports.last("nll"), entropy, 0.25);
  EXPECT_GT(reports.last("ess_target"), 0.8);
  EXPECT_EQ(reports.last("evaluations"), 4 * 2000);
}

TEST_F(DataMethods, FlowMatchingCarriesTheBaseDensityToTheData) {
  for (const char* coupling : {"independent", "optimal-transport"}) {
    const auto flow = flow_for("flow-matching");
    Reports reports;
    const NormalData data;
    TrainingOptions options = small_options("flow-matching");
    options.flow_matching.coupling = coupling;
    options.fit.gradient_steps = 800;
    ASSERT_EQ(run(*flow, options, reports, &data), TrainingEnd::finished);
    RandomStream random(8);
    const Density::Sample sample = flow->sample(4000, random, ConditionerPrecision::float32);
    const at::Tensor mean = sample.z.mean(0), deviation = sample.z.std(0);
    for (int k = 0; k < d; ++k) {
      EXPECT_NEAR(mean[k].item<double>(), k < 3 ? 0 : 1, 0.1) << coupling;
      EXPECT_NEAR(deviation[k].item<double>(), k < 3 ? 0.5 : 0.5, 0.08) << coupling;  // 0.4^2 + 0.3^2 = 0.5^2
    }
    EXPECT_NEAR(-flow->log_prob_no_grad(data.validation(500), ConditionerPrecision::float32).mean().item<double>(),
                entropy, 0.4)
        << coupling;
  }
}

TEST_F(DataMethods, RegressionOnOptimalTransportTargetsLearnsTheMap) {
  for (const char* regularization : {"none", "log-det", "forward-backward", "backward"}) {
    const auto flow = flow_for("regflow");
    Reports reports;
    const NormalData data;
    TrainingOptions options = small_options("regflow");
    options.regflow.regularization = regularization;
    ASSERT_EQ(run(*flow, options, reports, &data), TrainingEnd::finished);
    EXPECT_EQ(reports.rows.back().phase, "regress");
    // The optimal map of a finite sample wiggles about the linear one: nearest neighbours of 3,000 points in 6
    // dimensions are a few tenths apart.
    EXPECT_LT(reports.last("regression_error"), 0.05) << regularization;
    EXPECT_NEAR(reports.last("log_det"), log_det_a, 1.5) << regularization;
  }
}

TEST_F(DataMethods, RegressionMayEndInMaximumLikelihood) {
  const auto flow = flow_for("regflow");
  Reports reports;
  const NormalData data;
  TrainingOptions options = small_options("regflow");
  options.regflow.maximum_likelihood_steps = 200;
  ASSERT_EQ(run(*flow, options, reports, &data), TrainingEnd::finished);
  EXPECT_EQ(reports.rows.size(), 6u);
  EXPECT_EQ(reports.rows.back().phase, "fit");
  EXPECT_NEAR(reports.last("nll"), entropy, 0.3);
}

TEST_F(DataMethods, ResumeToTheBit) {
  for (const char* method : {"maximum-likelihood", "flow-matching", "regflow"}) {
    SCOPED_TRACE(method);
    TrainingOptions options = small_options(method);
    options.fit.gradient_steps = 30;
    options.fit.report_steps = 8;
    const auto whole = flow_for(method);
    Reports uninterrupted;
    const NormalData data;
    ASSERT_EQ(run(*whole, options, uninterrupted, &data), TrainingEnd::finished);

    StopFlag stop;
    const NormalData stopping(&stop, 13);
    const auto first = flow_for(method), second = flow_for(method);
    Reports before, after;
    ASSERT_EQ(run(*first, options, before, &stopping, false, stop), TrainingEnd::stopped);
    ASSERT_EQ(run(*second, options, after, &data, true), TrainingEnd::finished);
    EXPECT_TRUE(whole->flat_parameters().equal(second->flat_parameters()));
    ASSERT_EQ(before.rows.size() + after.rows.size(), uninterrupted.rows.size());
    EXPECT_EQ(after.last("loss"), uninterrupted.last("loss"));
    std::filesystem::remove_all(folder_);
  }
}

TEST_F(DataMethods, SayWhatIsMissing) {
  Reports reports;
  const NormalData data;
  const auto message_of = [&](const std::string& method, const TrainingData* training, const char* teacher = "") {
    const auto flow = flow_for("maximum-likelihood");
    TrainingOptions options = small_options(method);
    if (*teacher) options.regflow.targets = "reflow", options.regflow.teacher = teacher;
    try {
      run(*flow, options, reports, training);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  for (const char* method : {"maximum-likelihood", "flow-matching", "regflow"})
    EXPECT_NE(message_of(method, nullptr).find("--data"), std::string::npos) << method;
  EXPECT_NE(message_of("flow-matching", &data).find("flow.architecture"), std::string::npos);
  EXPECT_NE(message_of("regflow", &data, "/nowhere/model.boltzflow").find("/nowhere/model.boltzflow"),
            std::string::npos);
}

}  // namespace
}  // namespace boltzflow
