// SPDX-License-Identifier: MIT
// Estimators by name for estimators_in_other_programs.py: a JSON object on standard input, one on standard output.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/base/transport/optimal_transport.hpp"
#include "boltzflow/evaluation/free_energy_estimators.hpp"
#include "boltzflow/evaluation/multistate_bennett.hpp"
#include "boltzflow/evaluation/torus_wasserstein.hpp"
#include "boltzflow/evaluation/wasserstein.hpp"

namespace boltzflow {
namespace {

using Json = nlohmann::json;
using Numbers = std::vector<double>;

Json transport(const Json& in) {
  const auto x = in["x"].get<std::vector<float>>(), y = in["y"].get<std::vector<float>>();
  const auto start = std::chrono::steady_clock::now();
  const OptimalTransport found = optimal_transport(x, y, in["dimension"]);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return {{"target_of_source", found.target_of_source},
          {"mean_squared_distance", found.mean_squared_distance},
          {"resolution", found.resolution},
          {"seconds", seconds.count()}};
}

Json wasserstein(const Json& in) {
  const Numbers a = in["a"], weight = in["weight"], b = in["b"];
  return {{"order_1", wasserstein_distance(a, weight, b, {}, 1)},
          {"order_2", wasserstein_distance(a, weight, b, {}, 2)}};
}

Json torus(const Json& in) {
  const std::vector<Numbers> a = in["a"], b = in["b"];
  return {{"distance", torus_wasserstein(a, b)}};
}

Json bennett(const Json& in) {
  const Numbers forward = in["forward"], reverse = in["reverse"];
  const Estimate estimate = bennett_acceptance_ratio(forward, reverse);
  return {{"value", estimate.value},
          {"error", estimate.error},
          {"forward", exponential_average_forward(forward)},
          {"reverse", exponential_average_reverse(reverse)},
          {"overlap", work_overlap(forward, reverse, estimate.value).bar}};
}

Json multistate(const Json& in) {
  const Numbers energies = in["reduced_energy"];
  const std::vector<std::size_t> counts = in["counts"];
  const auto result = multistate_bennett(energies, counts);
  Json out{{"value", Json::array()}, {"error", Json::array()}};
  for (std::size_t i = 0; i < counts.size(); ++i)
    for (std::size_t j = 0; j < counts.size(); ++j) {
      const Estimate estimate = result.difference(i, j);
      out["value"].push_back(estimate.value);
      out["error"].push_back(i == j ? 0 : estimate.error);
    }
  return out;
}

Json answer(const std::string& name, const Json& in) {
  if (name == "transport") return transport(in);
  if (name == "wasserstein") return wasserstein(in);
  if (name == "torus") return torus(in);
  if (name == "bennett") return bennett(in);
  if (name == "multistate") return multistate(in);
  throw std::runtime_error("no estimator " + name);
}

}  // namespace
}  // namespace boltzflow

int main(int argc, char** argv) try {
  const std::string name = argc == 2 ? argv[1] : "";
  std::cout << boltzflow::answer(name, nlohmann::json::parse(std::cin)) << std::endl;
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
