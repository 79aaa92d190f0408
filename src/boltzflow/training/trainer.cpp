// SPDX-License-Identifier: MIT
#include "boltzflow/training/trainer.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <variant>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/training/checkpoint.hpp"

namespace boltzflow {
namespace {

std::int64_t now_nanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
double seconds_since(std::int64_t nanoseconds) { return static_cast<double>(now_nanoseconds() - nanoseconds) * 1e-9; }

/// Checkpoints of large flows take seconds; they never take more than a twentieth of the time.
constexpr double least_interval_per_duration = 20;

/// Budgets may change between sessions; everything else decides the numbers.
bool may_change_on_resume(const std::string& key) {
  return key == "training.maximum_minutes" || key == "training.maximum_evaluations" ||
         key == "training.checkpoint_minutes" || key == "method.cmt.refinement_rounds";
}

nlohmann::json settings_of(TrainingOptions options) {
  OptionTable table;
  options.describe(table);
  nlohmann::json settings = nlohmann::json::object();
  for (const Option& option : table.options())
    if (!may_change_on_resume(option.key))
      std::visit([&](const auto* field) { settings[option.key] = *field; }, option.value);
  return settings;
}

nlohmann::json position_of(const RandomStream& random) { return {random.seed(), random.stream(), random.position()}; }

constexpr std::uint64_t sampling_stream = 1, resampling_stream = 2;

}  // namespace

Trainer::Trainer(Density& flow, const TargetDensity& target, const TrainingOptions& options, TrainingObserver& observer,
                 const TrainingData* data)
    : flow_(flow),
      target_(target),
      options_(options),
      observer_(observer),
      data_(data),
      sampling_precision_(parse_conditioner_precision(options.trainer.sampling_precision)),
      optimizer_(flow.parameters(), {.weight_decay = options.trainer.weight_decay}),
      kept_flow_(flow.copy()),
      sampling_random_(static_cast<std::uint64_t>(options.trainer.seed), sampling_stream),
      random_(static_cast<std::uint64_t>(options.trainer.seed), resampling_stream),
      start_nanoseconds_(now_nanoseconds()) {
  if (flow.dimension() != target.dimension())
    throw InputError(fmt::format("the flow has {} dimensions, its target {}", flow.dimension(), target.dimension()));
}

double Trainer::elapsed_seconds() const { return seconds_before_ + seconds_since(start_nanoseconds_); }

double Trainer::seconds_left() const {
  if (options_.trainer.maximum_minutes <= 0) return std::numeric_limits<double>::infinity();
  return 60 * options_.trainer.maximum_minutes - elapsed_seconds();
}

std::int64_t Trainer::evaluations_left() const {
  if (options_.trainer.maximum_evaluations <= 0) return std::numeric_limits<std::int64_t>::max();
  return options_.trainer.maximum_evaluations - n_evaluations_;
}

double Trainer::warm_up_factor() const noexcept {
  const std::int64_t warm_up = options_.trainer.warm_up_steps;
  if (n_gradient_steps_ + 1 >= warm_up) return 1;
  return static_cast<double>(n_gradient_steps_ + 1) / static_cast<double>(warm_up);
}

void Trainer::report(const StepReport& report) {
  ++n_reports_;
  observer_.on_step(report);
}

SampleBuffer Trainer::draw(std::int64_t n_samples, bool with_score) {
  const int d = target_.dimension();
  Density::Sample sample = flow_.sample(n_samples, sampling_random_, sampling_precision_);
  const at::Tensor z = sample.z.cpu().contiguous(), log_prob = sample.log_prob.cpu().contiguous();
  std::vector<double> log_det(n_samples), reduced_energy(n_samples);
  std::vector<std::uint32_t> basins(n_samples);
  const std::span<const float> z_values(z.const_data_ptr<float>(), static_cast<std::size_t>(n_samples) * d);
  std::vector<float> score(with_score ? z_values.size() : 0);
  target_.evaluate(z_values, log_det, reduced_energy, basins, score);
  n_evaluations_ += n_samples;

  SampleBuffer buffer;
  buffer.dimension = d;
  buffer.n_drawn = n_samples;
  buffer.z.reserve(z_values.size());
  buffer.score.reserve(score.size());
  for (auto* column : {&buffer.log_prob, &buffer.log_det, &buffer.reduced_energy}) column->reserve(n_samples);
  buffer.basins.reserve(n_samples);
  const double* log_prob_values = log_prob.const_data_ptr<double>();
  for (std::int64_t i = 0; i < n_samples; ++i) {
    const double log_prob_x = log_prob_values[i] - log_det[i];
    if (!std::isfinite(log_prob_x) || !std::isfinite(log_det[i]) || !std::isfinite(reduced_energy[i])) continue;
    if (with_score) {
      const auto row = score.begin() + i * d;
      if (!std::all_of(row, row + d, [](float value) { return std::isfinite(value); })) continue;
      buffer.score.insert(buffer.score.end(), row, row + d);
    }
    buffer.z.insert(buffer.z.end(), z_values.begin() + i * d, z_values.begin() + (i + 1) * d);
    buffer.log_prob.push_back(log_prob_x);
    buffer.log_det.push_back(log_det[i]);
    buffer.reduced_energy.push_back(reduced_energy[i]);
    buffer.basins.push_back(basins[i]);
  }
  n_non_finite_ += n_samples - buffer.size();
  if (buffer.size() == 0)
    throw Error(ExitStatus::failure,
                fmt::format("not one of {} samples of the flow has a finite energy and likelihood: the training has "
                            "diverged (lower training.learning_rate) or the system has no finite energy",
                            n_samples));
  return buffer;
}

std::vector<double> Trainer::log_prob(const at::Tensor& flat_parameters, const SampleBuffer& samples) {
  kept_flow_->set_flat_parameters(flat_parameters);
  const at::Tensor z =
      at::from_blob(const_cast<float*>(samples.z.data()), {samples.size(), samples.dimension}, at::kFloat);
  const at::Device device = optimizer_.parameters().front().device();
  const at::Tensor values =
      kept_flow_->log_prob_no_grad(z.to(device), sampling_precision_).to(at::kCPU, at::kDouble).contiguous();
  std::vector<double> log_prob(samples.size());
  for (std::int64_t i = 0; i < samples.size(); ++i)
    log_prob[i] = values.const_data_ptr<double>()[i] - samples.log_det[i];
  return log_prob;
}

Trainer::GradientStep Trainer::gradient_step(double learning_rate, const std::function<double()>& backward) {
  const double rate = learning_rate * warm_up_factor();
  ++n_gradient_steps_;
  optimizer_.zero_gradients();
  GradientStep step{backward(), std::numeric_limits<double>::quiet_NaN(), false};
  if (std::isfinite(step.loss)) {
    const Adam::Step taken = optimizer_.step(rate, options_.trainer.gradient_norm_clip);
    step.gradient_norm = taken.gradient_norm;
    step.applied = taken.applied;
  }
  if (step.applied)
    flow_.parameters_changed();
  else
    ++n_skipped_;
  return step;
}

void Trainer::save(const Method& method, const std::filesystem::path& file, MethodState state) const {
  CheckpointWriter checkpoint;
  checkpoint.values["target"] = target_.description();
  if (data_) checkpoint.values["data"] = data_->description();
  checkpoint.values["settings"] = settings_of(options_);
  checkpoint.values["threads"] = thread_count();
  checkpoint.values["state"] = static_cast<int>(state);
  checkpoint.values["n_reports"] = n_reports_;
  checkpoint.values["n_evaluations"] = n_evaluations_;
  checkpoint.values["n_non_finite"] = n_non_finite_;
  checkpoint.values["n_gradient_steps"] = n_gradient_steps_;
  checkpoint.values["n_skipped"] = n_skipped_;
  checkpoint.values["elapsed_seconds"] = elapsed_seconds();
  checkpoint.values["sampling_random"] = position_of(sampling_random_);
  checkpoint.values["random"] = position_of(random_);
  checkpoint.values["optimizer_steps"] = optimizer_.n_steps();
  checkpoint.values["average_decay"] = optimizer_.average_decay();
  const std::vector<at::Tensor> tensors = optimizer_.state();
  for (std::size_t k = 0; k < tensors.size(); ++k) checkpoint.add(fmt::format("optimizer.{}", k), tensors[k]);
  method.save(checkpoint);
  checkpoint.write(file);
}

MethodState Trainer::load(Method& method, const std::filesystem::path& file) {
  const CheckpointReader checkpoint(file);
  const auto target = checkpoint.value<std::string>("target");
  if (target != target_.description())
    checkpoint.fail(fmt::format("the checkpoint is of another run: of {}, not of {}", target, target_.description()));
  if (data_)
    if (const auto data = checkpoint.value<std::string>("data"); data != data_->description())
      checkpoint.fail(
          fmt::format("the checkpoint is of another run: it learnt from {}, not from {}", data, data_->description()));
  const auto saved = checkpoint.value<nlohmann::json>("settings");
  const nlohmann::json settings = settings_of(options_);
  // In the table's order, so that the key a user changed is named before those derived from it.
  OptionTable table;
  TrainingOptions named = options_;
  named.describe(table);
  for (const Option& option : table.options()) {
    const std::string& key = option.key;
    if (!settings.contains(key) || (saved.contains(key) && saved[key] == settings[key])) continue;
    checkpoint.fail(fmt::format("the checkpoint is of another run: {} was {}, now it is {}", key,
                                saved.contains(key) ? saved[key].dump() : "not set", settings[key].dump()));
  }
  if (const int threads = checkpoint.value<int>("threads"); threads != thread_count())
    message(fmt::format(
        "the run was started on {} threads and goes on with {}: its numbers will differ in their last digits", threads,
        thread_count()));
  n_reports_ = checkpoint.value<std::int64_t>("n_reports");
  n_evaluations_ = checkpoint.value<std::int64_t>("n_evaluations");
  n_non_finite_ = checkpoint.value<std::int64_t>("n_non_finite");
  n_gradient_steps_ = checkpoint.value<std::int64_t>("n_gradient_steps");
  n_skipped_ = checkpoint.value<std::int64_t>("n_skipped");
  seconds_before_ = checkpoint.value<double>("elapsed_seconds");
  start_nanoseconds_ = now_nanoseconds();
  const auto sampling = checkpoint.value<std::array<std::uint64_t, 3>>("sampling_random");
  const auto random = checkpoint.value<std::array<std::uint64_t, 3>>("random");
  sampling_random_ = RandomStream(sampling[0], sampling[1], sampling[2]);
  random_ = RandomStream(random[0], random[1], random[2]);
  optimizer_.restore(checkpoint.value<std::int64_t>("optimizer_steps"), checkpoint.value<double>("average_decay"));
  {
    const at::NoGradGuard no_grad;
    const std::vector<at::Tensor> tensors = optimizer_.state();
    for (std::size_t k = 0; k < tensors.size(); ++k) checkpoint.copy_into(fmt::format("optimizer.{}", k), tensors[k]);
  }
  flow_.parameters_changed();
  try {
    method.load(checkpoint, *this);
  } catch (const nlohmann::json::exception& error) {
    checkpoint.fail(std::string("the state of the method is malformed: ") + error.what());
  }
  return static_cast<MethodState>(checkpoint.value<int>("state"));
}

TrainingEnd Trainer::run(Method& method, const std::filesystem::path& checkpoint_folder, bool resume,
                         const StopFlag& stop) {
  const std::filesystem::path file = checkpoint_folder / "training.checkpoint";
  folder_ = checkpoint_folder;
  stop_ = &stop;
  MethodState state = MethodState::running;
  start_nanoseconds_ = now_nanoseconds();
  if (resume) {
    state = load(method, file);
    if (state == MethodState::out_of_budget) state = MethodState::running;  // the budget may be larger now
  } else {
    std::error_code error;
    std::filesystem::create_directories(checkpoint_folder, error);
    if (error)
      throw IoError(fmt::format("{}: cannot create the folder: {}", checkpoint_folder.string(), error.message()));
  }

  std::int64_t last_checkpoint = now_nanoseconds();
  double interval = 60 * options_.trainer.checkpoint_minutes;
  const auto write_checkpoint = [&] {
    const std::int64_t begin = now_nanoseconds();
    save(method, file, state);
    observer_.on_checkpoint();
    last_checkpoint = now_nanoseconds();
    interval = std::max(60 * options_.trainer.checkpoint_minutes, least_interval_per_duration * seconds_since(begin));
  };
  while (state == MethodState::running) {
    state = method.advance(*this);
    if (state != MethodState::running) break;
    if (stop.stop_requested()) {
      write_checkpoint();
      return TrainingEnd::stopped;
    }
    if (seconds_since(last_checkpoint) >= interval) write_checkpoint();
  }
  write_checkpoint();
  method.finish(*this);
  return state == MethodState::finished ? TrainingEnd::finished : TrainingEnd::budget;
}

}  // namespace boltzflow
