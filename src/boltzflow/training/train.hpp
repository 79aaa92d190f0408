// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "boltzflow/base/options.hpp"
#include "boltzflow/base/stop_flag.hpp"
#include "boltzflow/energy/reduced_potential.hpp"
#include "boltzflow/flow/boltzmann_generator.hpp"
#include "boltzflow/training/fit_options.hpp"

namespace boltzflow {

class TrainingData;

/// Settings of the optimiser and of everything that methods share. A zero marked "derived" is replaced by
/// resolve_training_options() with a value that follows from the dimension and the size of the flow.
struct TrainerOptions {
  std::string method = "cmt";
  std::int64_t seed = 1;
  double learning_rate = 1e-3;
  std::int64_t warm_up_steps = 200;
  double gradient_norm_clip = 20;
  std::int64_t batch_size = 512;
  double ema_decay = 0.998;                           ///< of the parameters, during the refinement
  double weight_decay = 0;                            ///< decoupled from the gradient (AdamW)
  std::string precision = "bfloat16";                 ///< conditioner precision of gradient steps
  std::string sampling_precision = "split-bfloat16";  ///< of passes whose log q is kept
  double maximum_minutes = 0;                         ///< wall-clock budget of training; 0: none
  std::int64_t maximum_evaluations = 0;               ///< budget of target energies; 0: none
  double checkpoint_minutes = 2;                      ///< between checkpoints
};

/// Constrained Mass Transport; fixed schedules are the same method with constraints = "none".
struct CmtOptions {
  std::string constraints = "both";    ///< "both", "trust-region", "entropy", "none"
  std::string schedule = "geometric";  ///< with "none": "geometric" or "linear" in the exponent
  double trust_region = 0.3;           ///< nats
  double early_trust_region = 0.6;     ///< nats, while lambda > early_lambda
  double early_lambda = 50;
  double entropy_decrease = 0;             ///< nats per step; 0: derived
  std::int64_t annealing_steps = 0;        ///< most annealing steps; 0: derived
  bool fixed_annealing_steps = false;      ///< run exactly annealing_steps, as the paper does
  std::int64_t samples_per_step = 102400;  ///< fresh energies per annealing step
  std::int64_t gradient_steps = 100;       ///< per annealing step
  /// Within every annealing step the learning rate falls by a cosine to this fraction of itself; 1: it does not.
  double annealing_learning_rate_end = 0.1;
  std::string buffer_weighting = "resample";  ///< "resample" or "weight"
  double log_dispersion = 0.25;               ///< coefficient while annealing
  double log_dispersion_clip = 5;             ///< nats
  double weight_clip_fraction = 1e-4;
  double refinement_ess = 0.3;  ///< go to the refinement at this ESS to the target
  // refinement on the target
  std::int64_t refinement_rounds = 0;        ///< most rounds; 0: derived
  std::int64_t refinement_samples = 102400;  ///< fresh energies per round
  std::int64_t refinement_gradient_steps = 500;
  double refinement_learning_rate = 0;  ///< 0: learning_rate; falls by a cosine to 0
  double refinement_log_dispersion = 2;
  bool refinement_path_gradient = false;    ///< fit with forces
  std::int64_t kept_annealing_buffers = 4;  ///< reused under mixture weights; 0 and 1 below: no reuse
  std::int64_t kept_refinement_buffers = 4;
  double early_stop_gain = 0;  ///< end when the smoothed ESS grew by less than this over 10 rounds; 0: run all rounds
};

struct TrainingOptions {
  TrainerOptions trainer;
  CmtOptions cmt;
  FitOptions fit;
  RegflowOptions regflow;
  FlowMatchingOptions flow_matching;
  FlowOptions flow;
  /// Every setting under its key: "training.*", "flow.*", "method.*".
  void describe(OptionTable& table);
};

/// Replaces derived values. @throws ConfigurationError naming keys for combinations that cannot work.
TrainingOptions resolve_training_options(TrainingOptions options, int dimension);

/// One row of metrics.csv: what a step did. Names and values in a fixed order within a phase.
struct StepReport {
  std::string phase;                ///< "anneal" or "refine"
  std::int64_t step = 0;            ///< from 1, within the phase
  std::int64_t expected_steps = 0;  ///< best present guess of the phase's steps
  double expected_fraction = 0;     ///< of the whole training that is done, [0, 1], for the ETA
  std::vector<std::pair<std::string, double>> metrics;
};

class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void on_step(const StepReport& report) = 0;
  /// Something the user should know: a warning, a phase change. One line.
  virtual void on_message(const std::string& message) = 0;
  /// After a checkpoint was written: every report before it is part of it.
  virtual void on_checkpoint() {}
};

enum class TrainingEnd { finished, budget, stopped };

/// Trains `generator` on `target` with the method options.trainer.method and leaves the best parameters (EMA) in it.
///
/// Writes checkpoints to checkpoint_folder (atomic; also when `stop` asks to stop) and continues from the one there if
/// `resume`: the same numbers to the bit as without the interruption, on the same machine and thread count.
/// @throws ConfigurationError for an unknown method, InputError for a checkpoint of another run.
/// @param data what methods learn from that need data; null for the others.
TrainingEnd train(BoltzmannGenerator& generator, const ReducedPotential& target, const TrainingData* data,
                  const TrainingOptions& options, const std::filesystem::path& checkpoint_folder, bool resume,
                  TrainingObserver& observer, const StopFlag& stop);

/// What a checkpoint says about its run.
struct CheckpointSummary {
  std::string target;          ///< molecule and temperature
  std::int64_t n_reports = 0;  ///< step reports that are part of it: later rows of metrics are written again
  std::int64_t n_evaluations = 0;
  std::int64_t n_gradient_steps = 0;
  double elapsed_seconds = 0;  ///< of training, all sessions
  bool finished = false;
};

/// @throws MissingInputError if the folder holds no checkpoint, InputError if it is damaged.
CheckpointSummary read_checkpoint_summary(const std::filesystem::path& checkpoint_folder);

}  // namespace boltzflow
