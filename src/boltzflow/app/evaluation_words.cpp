// SPDX-License-Identifier: MIT
#include "boltzflow/app/evaluation_words.hpp"

#include <CLI/CLI.hpp>

#include "boltzflow/app/run_folder.hpp"
#include "boltzflow/app/run_settings.hpp"

namespace boltzflow {

void EvaluationWords::define(CLI::App& options) {
  CLI::Option* frames = options.add_option(
      "--reference", reference,
      "frames sampled without the flow: .npz, .npy, .dcd, .nc, .xtc or .pdb (default: the run's own)");
  frames->type_name("FRAMES");
  options.add_flag("--no-reference", no_reference, "compare with nothing")->excludes(frames);
  options
      .add_option("--reference-blocks", n_reference_blocks,
                  "contiguous blocks of the reference that its errors come from (default 64); 0: independent frames")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000}));
  options.add_option("-n,--samples", n_samples, "fresh samples (default 100000, or the run's setting)")
      ->check(CLI::Range(std::int64_t{1000}, std::int64_t{1'000'000'000}));
  options
      .add_option("--transport-points", n_transport_points,
                  "points of the subsets that T-W2 and distances are compared on (default 2000); 0: leave them out")
      ->check(CLI::Range(0, 100'000));
  options
      .add_option("--drop-fraction", drop_fraction,
                  "share of the largest weights left out of what is reweighted (default 0; the literature's 0.002)")
      ->check(CLI::Range(0.0, 0.5));
  options.add_option("--precision", precision, "of the conditioners: float32, bfloat16 or split-bfloat16")
      ->check(CLI::IsMember({"float32", "bfloat16", "split-bfloat16"}));
}

void EvaluationWords::complete_from(const std::filesystem::path& run) {
  if (!std::filesystem::exists(run / "config.toml")) return;
  RunSettings settings;
  read_settings(settings, {.preset = {}, .configuration_file = (run / "config.toml").string(), .assignments = {}});
  if (reference.empty() && !no_reference) reference = settings.evaluation.reference;
  if (reference.empty() && !no_reference && std::filesystem::exists(run / RunFolder::test_frames_name))
    reference = (run / RunFolder::test_frames_name).string();
  if (!n_samples) n_samples = settings.evaluation.samples;
  if (!n_reference_blocks) n_reference_blocks = settings.evaluation.reference_blocks;
  if (precision.empty()) precision = settings.evaluation.precision;
}

std::optional<Frames> EvaluationWords::read_reference(const MolecularSystem& system) const {
  if (reference.empty()) return std::nullopt;
  return read_frames(reference, &system);
}

ModelEvaluationOptions EvaluationWords::options(std::optional<std::int64_t> seed) const {
  ModelEvaluationOptions result;
  result.n_samples = n_samples.value_or(result.n_samples);
  result.n_reference_blocks = n_reference_blocks.value_or(result.n_reference_blocks);
  result.seed = seed.value_or(result.seed);
  result.n_transport_points = n_transport_points;
  result.drop_fraction = drop_fraction;
  result.precision = precision.empty() ? sampling_precision() : parse_conditioner_precision(precision);
  return result;
}

}  // namespace boltzflow
