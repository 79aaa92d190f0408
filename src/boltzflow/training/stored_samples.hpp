// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "boltzflow/training/buffer_mixture.hpp"
#include "boltzflow/training/checkpoint.hpp"
#include "boltzflow/training/sample_buffer.hpp"

namespace boltzflow {

/// Buffers in checkpoints, under names that begin with `name`. What is saved must outlive the writer's write().
void save_samples(CheckpointWriter& checkpoint, const std::string& name, const SampleBuffer& samples);
SampleBuffer load_samples(const CheckpointReader& checkpoint, const std::string& name);
void save_mixture(CheckpointWriter& checkpoint, const std::string& name, const BufferMixture& mixture);
void load_mixture(const CheckpointReader& checkpoint, const std::string& name, BufferMixture& mixture);

}  // namespace boltzflow
