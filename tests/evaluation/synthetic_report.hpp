// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "boltzflow/evaluation/report/report.hpp"
#include "evaluation/torsion_mixture.hpp"

namespace boltzflow {

/// Made-up data that look like those of alanine dipeptide: a flow whose torsions are a little too broad, with exact
/// weights.
struct SyntheticReport {
  EvaluationInput data;
  Evaluation evaluation;
  ReportInput input;

  explicit SyntheticReport(std::size_t n_samples = 20'000, std::size_t n_reference = 20'000,
                           bool with_reference = true) {
    RandomStream random(77);
    // An energy of 60 harmonic degrees of freedom, 1/2 sum x^2 - 69 = chi-squared, and a flow that is 3 % too wide in
    // ten.
    const auto frame = [&](bool of_flow, double& log_prob, double& energy) {
      energy = -69;
      log_prob = 135;
      for (int k = 0; k < 60; ++k) {
        const double width = of_flow && k < 10 ? 1.1 : 1.0, x = width * random.normal();
        energy += 0.5 * x * x;
        log_prob -= k < 10 ? 0.5 * x * x / 1.21 + std::log(1.1) : 0.5 * x * x;
      }
    };
    const auto fill = [&](FrameColumns& columns, std::size_t n, bool of_flow) {
      columns.log_prob.resize(n);
      columns.reduced_energy.resize(n);
      for (std::size_t i = 0; i < n; ++i) frame(of_flow, columns.log_prob[i], columns.reduced_energy[i]);
      columns.phi.resize(1);
      columns.psi.resize(1);
      TorsionMixture mixture;
      if (of_flow)
        for (auto& basin : mixture.basins) basin.deviation *= 1.05;
      mixture.sample(n, RandomStream(78, of_flow ? 1 : 2), columns.phi[0], columns.psi[0]);
    };
    fill(data.samples, n_samples, true);
    data.torsion_pair_names = {"ALA 2"};
    if (with_reference) {
      ReferenceColumns reference;
      fill(reference, n_reference, false);
      reference.n_blocks = 50;
      data.reference = std::move(reference);
    }
    evaluation = evaluate(data, {.n_replicates = 20, .n_splits = 3});

    input.title = "alanine-dipeptide <quick>";
    input.subtitle = "ACE-ALA-NME, amber96, OBC1 with ACE surface term; 300 K";
    input.system = {
        {"Atoms", "22"}, {"Degrees of freedom", "60"}, {"Flow", "16 couplings of 3 x 128, 2.14 M parameters"}};
    input.run = {{"Seed", "1"},
                 {"Hardware", "2 cores, Intel Xeon, AVX-512, AMX"},
                 {"Time", "7 min 33 s"},
                 {"Target evaluations", "5.7 M"}};
    input.commands = {"boltzflow train alanine-dipeptide --seed 1 --run runs/alanine-dipeptide-2026-11-22-1",
                      "boltzflow sample runs/alanine-dipeptide-2026-11-22-1 -n 10000 -o samples.dcd && echo \"done\""};
    input.data = &data;
    input.evaluation = &evaluation;
    add_coordinates(with_reference, random);
    add_history();
  }
  SyntheticReport(const SyntheticReport&) = delete;

 private:
  void add_coordinates(bool with_reference, RandomStream& random) {
    const char* atoms[] = {"CH3", "C", "O", "N", "H", "CA", "HA", "CB", "HB1", "HB2", "HB3"};
    for (int k = 0; k < 10; ++k)
      for (const bool is_angle : {false, true}) {
        CoordinateColumn column;
        column.is_angle = is_angle;
        column.name =
            std::string(atoms[k]) + "-" + atoms[k + 1] + (is_angle ? "-" + std::string(atoms[(k + 4) % 11]) : "");
        const double mean = is_angle ? 1.95 + 0.01 * k : 0.10 + 0.005 * k, width = is_angle ? 0.06 : 0.003;
        for (int n = 0; n < 5000; ++n) column.samples.push_back(mean + width * (1.02 * random.normal() + 0.01 * k));
        for (int n = 0; with_reference && n < 5000; ++n) column.reference.push_back(mean + width * random.normal());
        input.coordinates.push_back(std::move(column));
      }
  }
  void add_history() {
    double evaluations = 0;
    for (int step = 1; step <= 46; ++step) {
      evaluations += 102'400;
      const double t = step / 46.0, lambda = 300 * std::exp(-7.5 * t);
      input.history.push_back({"anneal",
                               step,
                               {{"evaluations", evaluations},
                                {"lambda", lambda},
                                {"eta", step > 37 ? 0 : 4 * (1 - t)},
                                {"kl", lambda > 50 ? 0.6 : 0.3},
                                {"entropy", -137.8 - 76 * t},
                                {"entropy_next", -139 - 76 * t},
                                {"alpha", 1 - t},
                                {"beta", t * t},
                                {"ess_next", 0.5 + 0.1 * t},
                                {"ess_target", 0.3 * std::pow(t, 8)},
                                {"ess_target_raw", 0.2 * std::pow(t, 8)},
                                {"phi>0 of ALA 2", 0.05 * (1 - t) + 0.002},
                                {"phi>0 of ALA 2_reweighted", 0.04 * (1 - t) + 0.0025},
                                {"nll", -140 - 70 * t}}});
    }
    for (int step = 1; step <= 20; ++step) {
      evaluations += 102'400;
      const double t = step / 20.0;
      input.history.push_back({"refine",
                               step,
                               {{"evaluations", evaluations},
                                {"ess_target", 0.3 + 0.6 * std::sqrt(t)},
                                {"ess_target_raw", 0.25 + 0.6 * std::sqrt(t)},
                                {"phi>0 of ALA 2", 0.0022},
                                {"phi>0 of ALA 2_reweighted", 0.0024},
                                {"nll", -210 - 3.5 * t}}});
    }
  }
};

}  // namespace boltzflow
