// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>
#include <vector>

#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/conditioner_path.hpp"
#include "boltzflow/flow/conditioner_tiles.hpp"

namespace boltzflow {
namespace {

using tiles::bfloat16;

/// One linear map in the forms that tiles multiply; sizes in tiles of 16.
struct PackedLinear {
  int row_tiles, column_tiles;
  AlignedBuffer<bfloat16> left, transposed;  ///< W and W^T, rounded
  AlignedBuffer<bfloat16> split_high, split_low;
  AlignedBuffer<float> bias;  ///< every value 16 times
};

struct TileConfiguration {
  TileConfiguration() { tiles::configure(); }
  ~TileConfiguration() { tiles::release(); }
};

class TilePath final : public ConditionerPath {
 public:
  TilePath(std::span<const LinearLayout> layout, std::span<const LinearGradientSums> sums)
      : layout_(layout), sums_(sums), packed_(layout.size()) {
    for (std::size_t i = 0; i < layout.size(); ++i) {
      packed_[i].row_tiles = sums[i].padded_outputs / 16;
      packed_[i].column_tiles = sums[i].padded_inputs / 16;
      widest_ = std::max({widest_, packed_[i].row_tiles, packed_[i].column_tiles});
    }
  }

  void parameters_changed() noexcept override { forward_fresh_ = backward_fresh_ = split_fresh_ = bias_fresh_ = false; }

  void prepare(const float* parameters, ConditionerPrecision precision, bool with_backward) override {
    if (parameters != parameters_) parameters_changed();
    parameters_ = parameters;
    const bool split = precision == ConditionerPrecision::split_bfloat16;
    const bool pack_split = split && !split_fresh_;
    const bool pack_backward = !split && with_backward && !backward_fresh_;
    const bool pack_forward = !split && (!forward_fresh_ || pack_backward);
    if (!bias_fresh_) repeat_biases();
    if (!pack_split && !pack_forward) return;
    allocate(pack_split, pack_forward, pack_backward);
    std::vector<std::pair<int, int>> row_tiles;  // layer, row tile
    for (std::size_t i = 0; i < packed_.size(); ++i) {
      for (int r = 0; r < packed_[i].row_tiles; ++r) row_tiles.emplace_back(static_cast<int>(i), r);
    }
    parallel_for(static_cast<std::int64_t>(row_tiles.size()), 8, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t at = begin; at < end; ++at) {
        const auto [i, r] = row_tiles[at];
        const auto& linear = layout_[i];
        auto& packed = packed_[i];
        const float* weights = parameters + linear.weight_offset;
        if (pack_split)
          tiles::pack_split_weights(weights, linear.n_outputs, linear.n_inputs, packed.column_tiles, r, r + 1,
                                    packed.split_high.data(), packed.split_low.data());
        if (pack_forward)
          tiles::pack_weights(weights, linear.n_outputs, linear.n_inputs, packed.row_tiles, packed.column_tiles, r,
                              r + 1, packed.left.data(), pack_backward ? packed.transposed.data() : nullptr);
      }
    });
    split_fresh_ |= pack_split;
    forward_fresh_ |= pack_forward;
    backward_fresh_ |= pack_backward;
  }

  std::int64_t activation_bytes(ConditionerPrecision, int n_samples) const override {
    std::int64_t bytes = 0;
    for (const auto& packed : packed_) bytes += kept_values(packed, n_samples) * 2 + kept_masks(packed, n_samples) * 2;
    return bytes + kept_values(packed_.back(), n_samples) * 2;
  }

  void forward(ConditionerPrecision precision, int n_samples, const float* inputs, float* outputs,
               std::byte* activations) const override {
    const TileConfiguration configuration;
    if (precision == ConditionerPrecision::split_bfloat16) return forward_split(n_samples, inputs, outputs);
    const int n_sample_tiles = n_samples / 16;
    const std::size_t size = std::size_t(widest_) * 16 * n_samples;
    auto* right = reinterpret_cast<bfloat16*>(conditioner_workspace(2 * size * sizeof(bfloat16)));
    auto* next = right + size;
    // The last product's factor is kept too: recompute_outputs() needs it.
    bfloat16* last_right = activations != nullptr ? last_factor_of(n_samples, activations) : nullptr;
    Kept kept = kept_of(0, n_samples, activations);
    if (packed_.size() == 1 && last_right != nullptr) right = last_right;
    tiles::pack_inputs(inputs, layout_[0].n_inputs, packed_[0].column_tiles, n_sample_tiles, right, kept.transposed);
    for (std::size_t i = 0; i + 1 < packed_.size(); ++i) {
      kept = kept_of(i + 1, n_samples, activations);
      if (i + 2 == packed_.size() && last_right != nullptr) next = last_right;
      tiles::linear_relu(product(i, n_sample_tiles, right), next, kept.transposed, kept.positive);
      std::swap(right, next);
    }
    tiles::linear(product(packed_.size() - 1, n_sample_tiles, right), outputs);
  }

  bool recomputes_outputs(ConditionerPrecision precision) const noexcept override {
    return precision == ConditionerPrecision::bfloat16;
  }

  void recompute_outputs(ConditionerPrecision, int n_samples, const std::byte* activations,
                         float* outputs) const override {
    const TileConfiguration configuration;
    const bfloat16* right = last_factor_of(n_samples, const_cast<std::byte*>(activations));
    tiles::linear(product(packed_.size() - 1, n_samples / 16, right), outputs);
  }

  void backward(ConditionerPrecision, int n_samples, const std::byte* activations, const float* output_gradients,
                float* input_gradients, float* gradient_sums, bool overwrite) const override {
    const TileConfiguration configuration;
    const int n_sample_tiles = n_samples / 16;
    const std::size_t size = std::size_t(widest_) * 16 * n_samples, n_partial = std::size_t(widest_) * 256;
    const std::size_t n_discarded = gradient_sums == nullptr ? std::size_t(widest_) * 16 : 0;
    auto* partial = reinterpret_cast<float*>(
        conditioner_workspace((n_partial + n_discarded) * sizeof(float) + 4 * size * sizeof(bfloat16)));
    float* discarded = partial + n_partial;
    auto* right = reinterpret_cast<bfloat16*>(discarded + n_discarded);
    bfloat16 *left = right + size, *next_right = left + size, *next_left = next_right + size;
    const auto bias_sums = [&](std::size_t i) {
      return gradient_sums == nullptr ? discarded : gradient_sums + sums_[i].bias_offset;
    };

    std::size_t i = packed_.size() - 1;
    tiles::pack_gradients(output_gradients, layout_[i].n_outputs, packed_[i].row_tiles, n_sample_tiles, right, left,
                          bias_sums(i), overwrite);
    while (true) {
      const Kept kept = kept_of(i, n_samples, const_cast<std::byte*>(activations));
      if (gradient_sums != nullptr)
        tiles::weight_gradient(packed_[i].row_tiles, packed_[i].column_tiles, n_sample_tiles, left, kept.transposed,
                               gradient_sums + sums_[i].weight_offset, overwrite);
      const tiles::Product transposed{
          packed_[i].column_tiles, packed_[i].row_tiles, n_sample_tiles, packed_[i].transposed.data(), right, nullptr};
      if (i == 0) {
        if (input_gradients != nullptr) tiles::transposed_linear(transposed, input_gradients);
        return;
      }
      --i;
      tiles::transposed_linear_relu(transposed, kept.positive, next_right, next_left, partial, bias_sums(i), overwrite);
      std::swap(right, next_right);
      std::swap(left, next_left);
    }
  }

 private:
  /// What forward keeps of linear map i's input: itself transposed, and where the relu that made it let values through.
  struct Kept {
    bfloat16* transposed = nullptr;
    std::uint16_t* positive = nullptr;
  };

  static std::int64_t kept_values(const PackedLinear& packed, int n_samples) {
    return std::int64_t{packed.column_tiles} * 16 * n_samples;
  }
  static std::int64_t kept_masks(const PackedLinear& packed, int n_samples) {
    return (std::int64_t{packed.column_tiles} * 16 * (n_samples / 16) + 31) / 32 * 32;  // whole cache lines
  }
  Kept kept_of(std::size_t i, int n_samples, std::byte* activations) const {
    if (activations == nullptr) return {};
    auto* at = reinterpret_cast<bfloat16*>(activations);
    for (std::size_t j = 0; j < i; ++j) at += kept_values(packed_[j], n_samples) + kept_masks(packed_[j], n_samples);
    return {at, at + kept_values(packed_[i], n_samples)};
  }

  /// The last product's right factor, behind all that kept_of() gives.
  bfloat16* last_factor_of(int n_samples, std::byte* activations) const {
    auto* at = reinterpret_cast<bfloat16*>(activations);
    for (const auto& packed : packed_) at += kept_values(packed, n_samples) + kept_masks(packed, n_samples);
    return at;
  }

  tiles::Product product(std::size_t i, int n_sample_tiles, const bfloat16* right) const {
    const auto& packed = packed_[i];
    return {packed.row_tiles, packed.column_tiles, n_sample_tiles, packed.left.data(), right, packed.bias.data()};
  }

  void forward_split(int n_samples, const float* inputs, float* outputs) const {
    const int n_sample_tiles = n_samples / 16;
    const std::size_t size = std::size_t(widest_) * 16 * n_samples;
    auto* high = reinterpret_cast<bfloat16*>(conditioner_workspace(4 * size * sizeof(bfloat16)));
    bfloat16 *low = high + size, *next_high = low + size, *next_low = next_high + size;
    const auto split_product = [&](std::size_t i) {
      auto whole = product(i, n_sample_tiles, high);
      whole.left = packed_[i].split_high.data();
      return tiles::SplitProduct{whole, packed_[i].split_low.data(), low};
    };
    tiles::pack_split_inputs(inputs, layout_[0].n_inputs, packed_[0].column_tiles, n_sample_tiles, high, low);
    for (std::size_t i = 0; i + 1 < packed_.size(); ++i) {
      tiles::split_linear_relu(split_product(i), next_high, next_low);
      std::swap(high, next_high);
      std::swap(low, next_low);
    }
    tiles::split_linear(split_product(packed_.size() - 1), outputs);
  }

  void repeat_biases() {
    for (std::size_t i = 0; i < packed_.size(); ++i) {
      auto& bias = packed_[i].bias;
      if (bias.size() == 0) bias = AlignedBuffer<float>(std::size_t(packed_[i].row_tiles) * 256);
      for (int row = 0; row < layout_[i].n_outputs; ++row)
        std::fill_n(bias.data() + row * 16, 16, parameters_[layout_[i].bias_offset + row]);
    }
    bias_fresh_ = true;
  }

  void allocate(bool split, bool forward, bool backward) {
    for (auto& packed : packed_) {
      const std::size_t size = std::size_t(packed.row_tiles) * packed.column_tiles * 256;
      const auto make = [&](AlignedBuffer<bfloat16>& buffer) {
        if (buffer.size() == 0) buffer = AlignedBuffer<bfloat16>(size);
      };
      if (split) make(packed.split_high), make(packed.split_low);
      if (forward) make(packed.left);
      if (backward) make(packed.transposed);
    }
  }

  std::span<const LinearLayout> layout_;
  std::span<const LinearGradientSums> sums_;
  std::vector<PackedLinear> packed_;
  const float* parameters_ = nullptr;
  int widest_ = 2;
  bool forward_fresh_ = false, backward_fresh_ = false, split_fresh_ = false, bias_fresh_ = false;
};

}  // namespace

std::unique_ptr<ConditionerPath> make_tile_path(std::span<const LinearLayout> layout,
                                                std::span<const LinearGradientSums> sums) {
  return std::make_unique<TilePath>(layout, sums);
}

}  // namespace boltzflow
