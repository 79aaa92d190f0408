// SPDX-License-Identifier: MIT
#include "boltzflow/app/device.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {

void prepare_threads(int n_threads) {
  set_thread_count(n_threads);
  // Our own threads share the work of a flow. LibTorch's would only get in their way: they keep spinning for a while
  // after each of the few small operations left to it, on the cores that ours want (measured: a training step of 1024
  // samples on two cores took 80 instead of 58 ms).
  at::set_num_threads(1);
}

void check_device(const std::string& device) {
  if (device == "cpu") return;
#ifdef BOLTZFLOW_CUDA
  if (!at::hasCUDA())
    throw UnavailableError(
        "--device cuda: no GPU with a working driver was found; use --device cpu, or see nvidia-smi");
#else
  throw UnavailableError(
      "--device cuda: this boltzflow was built without CUDA; use --device cpu, or build it with cmake --preset cuda");
#endif
}

}  // namespace boltzflow
