// SPDX-License-Identifier: MIT
#include "boltzflow/flow/coupling_layer.hpp"

#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/coupling_block.hpp"

namespace boltzflow {
namespace {

/// How a batch is cut: equal blocks, a whole number of them for every thread.
struct BlockPlan {
  std::int64_t n_samples;
  int block;  ///< samples, a multiple of ConditionerEngine::sample_multiple
  std::int64_t n_blocks;

  BlockPlan(std::int64_t n, std::int64_t largest_block) : n_samples(n) {
    const auto up = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
    const std::int64_t n_threads = thread_count();
    const std::int64_t blocks_per_thread = up(up(n, n_threads), largest_block);
    const std::int64_t samples = up(n, n_threads * std::max<std::int64_t>(blocks_per_thread, 1));
    block = static_cast<int>(up(std::max<std::int64_t>(samples, 1), ConditionerEngine::sample_multiple) *
                             ConditionerEngine::sample_multiple);
    n_blocks = up(n, block);
  }
  std::int64_t first(std::int64_t b) const { return b * block; }
  CouplingBlock::Extent extent(std::int64_t b) const {
    return {static_cast<int>(std::min<std::int64_t>(block, n_samples - first(b))), block};
  }
};

/// Memory that forward fills and backward reads, given out as byte tensors and taken back when they die, so that a
/// training step touches the pages that the last one did.
class KeptMemory : public std::enable_shared_from_this<KeptMemory> {
 public:
  at::Tensor take(std::int64_t n_bytes) {
    AlignedBuffer<std::byte> buffer;
    {
      std::lock_guard lock(mutex_);
      if (!free_.empty() && static_cast<std::int64_t>(free_.back().size()) >= n_bytes) {
        buffer = std::move(free_.back());
        free_.pop_back();
      } else {
        free_.clear();
      }
    }
    if (buffer.size() == 0) buffer = AlignedBuffer<std::byte>(static_cast<std::size_t>(n_bytes));
    auto owned = std::make_shared<AlignedBuffer<std::byte>>(std::move(buffer));
    void* data = owned->data();
    return at::from_blob(
        data, {n_bytes}, [self = shared_from_this(), owned](void*) { self->give_back(std::move(*owned)); },
        at::TensorOptions(at::kByte));
  }

 private:
  void give_back(AlignedBuffer<std::byte> buffer) {
    std::lock_guard lock(mutex_);
    free_.push_back(std::move(buffer));
  }
  std::mutex mutex_;
  std::vector<AlignedBuffer<std::byte>> free_;
};

/// One thread's gradient sums each; shared by all layers, which are backpropagated one after the other, so that the
/// sums stay in the cache.
class GradientSums {
 public:
  GradientSums(std::size_t n_threads, std::int64_t size) : sums_(take()) {
    if (sums_.size() < n_threads) sums_.resize(n_threads);
    for (std::size_t t = 0; t < n_threads; ++t) {
      if (static_cast<std::int64_t>(sums_[t].size()) < size) sums_[t] = AlignedBuffer<float>(size);
    }
  }
  ~GradientSums() {
    std::lock_guard lock(mutex());
    spare() = std::move(sums_);
  }
  GradientSums(const GradientSums&) = delete;
  GradientSums& operator=(const GradientSums&) = delete;
  float* of(int thread) { return sums_[thread].data(); }

 private:
  using Sums = std::vector<AlignedBuffer<float>>;
  static std::mutex& mutex() {
    static std::mutex instance;
    return instance;
  }
  static Sums& spare() {
    static Sums instance;
    return instance;
  }
  static Sums take() {
    std::lock_guard lock(mutex());
    return std::exchange(spare(), {});
  }
  Sums sums_;
};

}  // namespace

struct CouplingLayer::Implementation {
  explicit Implementation(CouplingLayout layout) : block(std::move(layout)) {}

  /// Packs the weights if they changed.
  void prepare(ConditionerPrecision precision, bool with_backward) {
    const std::int64_t version = parameters._version();
    if (version != seen_version) block.engine().parameters_changed();
    seen_version = version;
    block.engine().prepare(parameters.const_data_ptr<float>(), precision, with_backward);
  }

  /// Memory for the parameters' gradient: the last step's, unless somebody still holds it.
  at::Tensor take_gradient() {
    std::lock_guard lock(mutex);
    if (!gradient.defined() || gradient.storage().use_count() > 1)
      gradient = at::empty({block.engine().n_parameters()}, at::TensorOptions(at::kFloat));
    return gradient.detach();  // shares the memory; autograd adopts it as the leaf's gradient without a copy
  }

  CouplingBlock block;
  at::Tensor parameters, gradient;
  std::int64_t seen_version = -1;
  std::mutex mutex;
  std::shared_ptr<KeptMemory> kept_memory = std::make_shared<KeptMemory>();
};

namespace {

using Implementation = CouplingLayer::Implementation;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What the autograd node of one pass knows beside its tensors.
struct Pass final : torch::CustomClassHolder {
  std::shared_ptr<Implementation> layer;
  CouplingDirection direction;
  ConditionerPrecision precision;
};

at::Tensor empty(at::IntArrayRef sizes) { return at::empty(sizes, at::TensorOptions(at::kFloat)); }

/// The points that the splines see: in the inverse direction the layer's shift comes off first.
at::Tensor without_shift(const CouplingBlock& block, CouplingDirection direction, const at::Tensor& x) {
  const auto shift = static_cast<float>(block.layout().circular_shift);
  if (direction == CouplingDirection::forward || shift == 0) return x;
  at::Tensor points = x.detach().clone();
  block.shift_circles(-shift, {points.mutable_data_ptr<float>(), points.size(1)}, points.size(1));
  return points;
}

/// Runs all blocks of x [dimension, n]. @param kept null, or memory for what backward needs of every block.
CouplingLayer::Mapped run_forward(const CouplingBlock& block, CouplingDirection direction,
                                  ConditionerPrecision precision, const at::Tensor& x, const BlockPlan& plan,
                                  std::byte* kept) {
  const std::int64_t n = plan.n_samples;
  const at::Tensor y = empty({block.layout().dimension, n}), log_det = empty({n});
  const float* x_data = x.const_data_ptr<float>();
  float *y_data = y.mutable_data_ptr<float>(), *log_det_data = log_det.mutable_data_ptr<float>();
  const std::int64_t kept_bytes = kept != nullptr ? block.kept_bytes(precision, plan.block) : 0;
  const auto shift = static_cast<float>(block.layout().circular_shift);
  parallel_for(plan.n_blocks, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t b = begin; b < end; ++b) {
      const auto extent = plan.extent(b);
      const std::int64_t first = plan.first(b);
      block.forward(direction, precision, extent, {x_data + first, n}, {y_data + first, n}, log_det_data + first,
                    kept != nullptr ? kept + b * kept_bytes : nullptr);
      if (direction == CouplingDirection::forward && shift != 0)
        block.shift_circles(shift, {y_data + first, n}, extent.n_samples);
    }
  });
  return {y, log_det};
}

struct CouplingNode : torch::autograd::Function<CouplingNode> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& parameters,
                               const c10::intrusive_ptr<Pass>& pass) {
    auto& layer = *pass->layer;
    const BlockPlan plan(x.size(1), layer.block.engine().largest_block(pass->precision));
    layer.prepare(pass->precision, true);
    const at::Tensor kept =
        layer.kept_memory->take(plan.n_blocks * layer.block.kept_bytes(pass->precision, plan.block));
    const at::Tensor points = without_shift(layer.block, pass->direction, x);
    const auto mapped = run_forward(layer.block, pass->direction, pass->precision, points, plan,
                                    reinterpret_cast<std::byte*>(kept.mutable_data_ptr<std::uint8_t>()));
    context->save_for_backward({points, parameters, kept});
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    return {mapped.x, mapped.log_det};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();  // throws if the parameters were changed since forward
    const auto capsule = context->saved_data["pass"].toCapsule();
    const auto& pass = static_cast<const Pass&>(*capsule);
    auto& layer = *pass.layer;
    const auto& block = layer.block;
    const at::Tensor& x = saved[0];
    const BlockPlan plan(x.size(1), block.engine().largest_block(pass.precision));
    const std::int64_t n = plan.n_samples;
    const bool wants_x = context->needs_input_grad(0), wants_parameters = context->needs_input_grad(1);
    layer.prepare(pass.precision, true);

    const at::Tensor y_gradient = gradients[0].contiguous(), log_det_gradient = gradients[1].contiguous();
    const at::Tensor x_gradient = wants_x ? empty({x.size(0), n}) : at::Tensor();
    const float *x_data = x.const_data_ptr<float>(), *y_gradient_data = y_gradient.const_data_ptr<float>();
    const float* log_det_gradient_data = log_det_gradient.const_data_ptr<float>();
    float* x_gradient_data = wants_x ? x_gradient.mutable_data_ptr<float>() : nullptr;
    const auto* kept = reinterpret_cast<const std::byte*>(saved[2].const_data_ptr<std::uint8_t>());
    const std::int64_t kept_bytes = block.kept_bytes(pass.precision, plan.block);
    const auto n_threads = static_cast<std::size_t>(thread_count());
    GradientSums sums(n_threads, wants_parameters ? block.engine().gradient_sum_size() : 0);
    std::vector<char> used(n_threads, 0);
    parallel_for(plan.n_blocks, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
      used[thread] = 1;
      for (std::int64_t b = begin; b < end; ++b) {
        const std::int64_t first = plan.first(b);
        block.backward(pass.direction, pass.precision, plan.extent(b), {x_data + first, n}, kept + b * kept_bytes,
                       {y_gradient_data + first, n}, log_det_gradient_data + first,
                       {wants_x ? x_gradient_data + first : nullptr, n}, wants_parameters ? sums.of(thread) : nullptr,
                       b == begin);
      }
    });
    if (!wants_parameters) return {x_gradient, at::Tensor(), at::Tensor()};

    at::Tensor parameter_gradient = layer.take_gradient();
    std::vector<const float*> used_sums;
    for (std::size_t t = 0; t < n_threads; ++t) {
      if (used[t] != 0) used_sums.push_back(sums.of(static_cast<int>(t)));
    }
    if (used_sums.empty()) return {x_gradient, parameter_gradient.zero_(), at::Tensor()};
    float* gradient = parameter_gradient.mutable_data_ptr<float>();
    parallel_for(block.engine().n_gradient_rows(), 32, [&](std::int64_t begin, std::int64_t end, int) {
      block.engine().reduce_gradients(used_sums, begin, end, gradient);
    });
    return {x_gradient, parameter_gradient, at::Tensor()};
  }
};

void check_points(const at::Tensor& x, int dimension) {
  if (x.dim() == 2 && x.size(0) == dimension && x.scalar_type() == at::kFloat && x.is_cpu()) return;
  std::string shape;
  for (const auto size : x.sizes()) shape += (shape.empty() ? "" : ", ") + std::to_string(size);
  throw InputError("a coupling layer of " + std::to_string(dimension) + " dimensions maps float32 points [" +
                   std::to_string(dimension) + ", n_samples] on the CPU; it was given " + x.toString() + " [" + shape +
                   "]");
}

/// Columns of a block, transposed from or to sample-major rows.
void gather(const float* x, int dimension, CouplingBlock::Extent extent, float* block) {
  for (int s = 0; s < extent.n_samples; ++s) {
    for (int i = 0; i < dimension; ++i)
      block[std::int64_t{i} * extent.n_padded + s] = x[std::int64_t{s} * dimension + i];
  }
}
void scatter(const float* block, int dimension, CouplingBlock::Extent extent, float* x) {
  for (int s = 0; s < extent.n_samples; ++s) {
    for (int i = 0; i < dimension; ++i)
      x[std::int64_t{s} * dimension + i] = block[std::int64_t{i} * extent.n_padded + s];
  }
}

}  // namespace

CouplingLayer::CouplingLayer(CouplingLayout layout)
    : implementation_(std::make_shared<Implementation>(std::move(layout))) {}
CouplingLayer::~CouplingLayer() = default;
CouplingLayer::CouplingLayer(CouplingLayer&&) noexcept = default;
CouplingLayer& CouplingLayer::operator=(CouplingLayer&&) noexcept = default;

const CouplingLayout& CouplingLayer::layout() const noexcept { return implementation_->block.layout(); }
const std::vector<LinearLayout>& CouplingLayer::parameter_layout() const noexcept {
  return implementation_->block.engine().layout();
}
std::int64_t CouplingLayer::n_parameters() const noexcept { return implementation_->block.engine().n_parameters(); }

void CouplingLayer::set_parameters(at::Tensor parameters) {
  if (parameters.dim() != 1 || parameters.size(0) != n_parameters() || parameters.scalar_type() != at::kFloat ||
      !parameters.is_cpu() || !parameters.is_contiguous())
    throw InputError("a coupling layer needs its " + std::to_string(n_parameters()) +
                     " parameters as one contiguous float32 vector on the CPU; it was given " + parameters.toString() +
                     " of " + std::to_string(parameters.numel()) + " numbers");
  implementation_->parameters = std::move(parameters);
  implementation_->block.engine().parameters_changed();
}

const at::Tensor& CouplingLayer::parameters() const noexcept { return implementation_->parameters; }
void CouplingLayer::parameters_changed() const { implementation_->block.engine().parameters_changed(); }

CouplingLayer::Mapped CouplingLayer::map(CouplingDirection direction, const at::Tensor& x,
                                         ConditionerPrecision precision) const {
  auto& layer = *implementation_;
  check_points(x, layout().dimension);
  const at::Tensor points = x.contiguous();
  if (!at::GradMode::is_enabled() || !(points.requires_grad() || layer.parameters.requires_grad())) {
    layer.prepare(precision, false);
    return run_forward(layer.block, direction, precision, without_shift(layer.block, direction, points),
                       BlockPlan(points.size(1), layer.block.engine().largest_block(precision)), nullptr);
  }
  // Split products have no backward pass; float32 is what they stand in for.
  if (precision == ConditionerPrecision::split_bfloat16) precision = ConditionerPrecision::float32;
  auto pass = c10::make_intrusive<Pass>();
  pass->layer = implementation_;
  pass->direction = direction;
  pass->precision = precision;
  const auto mapped = CouplingNode::apply(points, layer.parameters, pass);
  return {mapped[0], mapped[1]};
}

void map_through(std::span<const CouplingLayer> layers, CouplingDirection direction, ConditionerPrecision precision,
                 std::int64_t n_samples, const float* x, float* y, double* log_det) {
  std::vector<const CouplingBlock*> order;
  for (const auto& layer : layers) {
    layer.implementation().prepare(precision, false);
    order.push_back(&layer.implementation().block);
  }
  if (order.empty()) throw InputError("a flow needs at least one coupling layer");
  const bool forward = direction == CouplingDirection::forward;
  if (!forward) std::reverse(order.begin(), order.end());
  const int dimension = order.front()->layout().dimension;
  const BlockPlan plan(n_samples, order.front()->engine().largest_block(precision));
  parallel_for(plan.n_blocks, 1, [&](std::int64_t begin, std::int64_t end, int) {
    thread_local AlignedBuffer<float> memory;
    const std::size_t size = std::size_t(dimension + 1) * plan.block;
    if (memory.size() < size) memory = AlignedBuffer<float>(size);
    float *block = memory.data(), *layer_log_det = block + std::size_t(dimension) * plan.block;
    for (std::int64_t b = begin; b < end; ++b) {
      const auto extent = plan.extent(b);
      const FeatureRows<float> rows{block, extent.n_padded};
      const std::int64_t first = plan.first(b);
      gather(x + first * dimension, dimension, extent, block);
      std::fill_n(log_det + first, extent.n_samples, 0.0);
      for (const auto* layer : order) {
        const auto shift = static_cast<float>(layer->layout().circular_shift);
        if (!forward && shift != 0) layer->shift_circles(-shift, rows, extent.n_samples);
        layer->forward(direction, precision, extent, {block, extent.n_padded}, rows, layer_log_det, nullptr);
        if (forward && shift != 0) layer->shift_circles(shift, rows, extent.n_samples);
        for (int s = 0; s < extent.n_samples; ++s) log_det[first + s] += layer_log_det[s];
      }
      scatter(block, dimension, extent, y + first * dimension);
    }
  });
}

}  // namespace boltzflow
