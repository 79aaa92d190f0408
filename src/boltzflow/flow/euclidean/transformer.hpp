// SPDX-License-Identifier: MIT
#pragma once
#include <utility>
#include <vector>

#include "boltzflow/flow/conditioner_precision.hpp"
#include "boltzflow/flow/euclidean/flow_tensors.hpp"

namespace boltzflow {

struct TransformerShape {
  std::int64_t n_tokens, n_inputs;  ///< numbers of a token
  std::int64_t width, n_layers, n_heads;
  std::int64_t n_outputs;  ///< numbers of a token
  bool causal;             ///< token t attends to tokens 0 .. t alone
};

/// A pre-norm transformer over a fixed set of tokens:
///     h   = W x + e_t                       e_t learned for every token t: which atom it is, and its place
///     h  += O attention(norm(h)),   h += W'' gelu(W' norm(h))      n_layers times, 4 width hidden units
///     y   = V norm(h) + c                   V = 0 and c = 0 at initialisation
/// @cite Vaswani2017, "Attention is all you need"; pre-norm after Xiong2020.
class Transformer {
 public:
  Transformer(const TransformerShape& shape, FlowTensors& tensors);

  /// x [n, n_tokens, n_inputs] -> [n, n_tokens, n_outputs]; differentiable.
  at::Tensor operator()(const at::Tensor& x, ConditionerPrecision precision) const;

  /// Evaluates a causal transformer token after token and keeps the keys and values of those seen, so that all tokens
  /// together cost one pass. Without gradients.
  class Sequential {
   public:
    Sequential(const Transformer& transformer, const at::Tensor& like, std::int64_t n_samples,
               ConditionerPrecision precision);
    /// Outputs [n, n_outputs] of the next token, t = 0, 1, ... in turn, from its inputs [n, n_inputs].
    at::Tensor next(const at::Tensor& x);

   private:
    const Transformer& transformer_;
    ConditionerPrecision precision_;
    std::int64_t n_seen_ = 0;
    std::vector<std::pair<at::Tensor, at::Tensor>> keys_and_values_;  // of a layer, [n, n_heads, n_tokens, head width]
  };

 private:
  struct Linear {
    at::Tensor weight, bias;
  };
  struct Norm {
    at::Tensor weight, bias;
  };
  struct Layer {
    Norm before_attention, before_hidden;
    Linear query_key_value, attention_output, hidden, hidden_output;
  };
  TransformerShape shape_;
  at::Tensor embedding_weight_, token_embedding_;
  std::vector<Layer> layers_;
  Norm last_norm_;
  Linear output_;

  at::Tensor normalized(const Norm& norm, const at::Tensor& h) const;
  at::Tensor after_hidden(const Layer& layer, const at::Tensor& h, ConditionerPrecision precision) const;
  at::Tensor outputs(const at::Tensor& h, ConditionerPrecision precision) const;
};

}  // namespace boltzflow
