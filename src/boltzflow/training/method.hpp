// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <span>
#include <string>

namespace boltzflow {

class CheckpointReader;
class CheckpointWriter;
class Trainer;
struct TrainingOptions;

enum class MethodState { running, finished, out_of_budget };

/// A way to train a flow on a target density. It owns what is special about it - path, buffers, loss - and uses the
/// Trainer for the rest.
class Method {
 public:
  virtual ~Method() = default;
  /// Does the next small piece of work: prepares a round of gradient steps, or takes one. Between two pieces the
  /// Trainer may write a checkpoint or stop; save() and load() must bring back everything the next piece depends on, to
  /// the bit.
  virtual MethodState advance(Trainer& trainer) = 0;
  /// After the last piece: leaves the best parameters in the flow.
  virtual void finish(Trainer& trainer) = 0;
  virtual void save(CheckpointWriter& checkpoint) const = 0;
  virtual void load(const CheckpointReader& checkpoint, Trainer& trainer) = 0;
};

/// A row of the table of methods. A method is one file in training/methods and one row of the table in methods.cpp.
struct MethodEntry {
  std::string name;         ///< training.method
  std::string description;  ///< one line
  std::unique_ptr<Method> (*make)(const TrainingOptions& options);
  bool needs_data = false;  ///< learns from data (TrainingData)
};

std::span<const MethodEntry> methods();

/// @throws ConfigurationError for an unknown name, listing the known ones.
const MethodEntry& find_method(const std::string& name);

}  // namespace boltzflow
