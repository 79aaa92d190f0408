// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

/// Matrix products on AMX tiles with bfloat16 operands and float32 sums, and the forms their operands are stored in.
/// Compiled for AMX whatever the rest is compiled for: call only where has_amx_bf16(). All sizes below are in units of
/// 16 (tiles of rows, columns or samples) and even; a block of samples has n_sample_tiles <= 16 of them.
///
/// Forms, all bfloat16, tiles of 1 KiB:
///   left   [rows / 16][columns / 32] tiles of [16 rows][32 columns]: the left factor of a product
///   right  [columns / 16][rows / 32] tiles of [16 pairs of rows][16 columns][2 rows]: the right factor of a product
/// Activations X [features][samples] are kept in right form (columns are samples: the next layer's factor) and, for
/// weight gradients, transposed in right form (columns are features). Weights are in left form, and transposed in left
/// form.
namespace boltzflow::tiles {

using bfloat16 = std::uint16_t;

/// Sets this thread's tile shapes, all 16 rows of 64 bytes, and gives them back. Products run in between.
void configure();
void release();

/// Row tiles [first, last) of weights [n_rows][n_columns] row-major to left form, and transposed to left form if
/// `transposed` is not null. Elements outside become 0. row_tiles and column_tiles are the padded sizes.
void pack_weights(const float* weights, int n_rows, int n_columns, int row_tiles, int column_tiles, int first, int last,
                  bfloat16* left, bfloat16* transposed);
/// The same for high and low halves: weights = high + low to 16 bits of mantissa.
void pack_split_weights(const float* weights, int n_rows, int n_columns, int column_tiles, int first, int last,
                        bfloat16* high, bfloat16* low);

/// x [n_features][16 n_sample_tiles] to right form, rows beyond n_features 0; transposed to right form too if not null.
void pack_inputs(const float* x, int n_features, int feature_tiles, int n_sample_tiles, bfloat16* right,
                 bfloat16* transposed);
void pack_split_inputs(const float* x, int n_features, int feature_tiles, int n_sample_tiles, bfloat16* high,
                       bfloat16* low);

/// The factors of Y = W X + b: W in left form, X in right form, b with every value repeated 16 times.
struct Product {
  int row_tiles;       ///< of W
  int column_tiles;    ///< of W, and row tiles of X
  int n_sample_tiles;  ///< of X
  const bfloat16* left;
  const bfloat16* right;
  const float* bias;
};
struct SplitProduct {
  Product high;
  const bfloat16* left_low;
  const bfloat16* right_low;
};

/// y [16 row_tiles][16 n_sample_tiles] = W X + b, float32, samples contiguous.
void linear(const Product& product, float* y);
void split_linear(const SplitProduct& product, float* y);

/// relu(W X + b) in right form; and for backward, if not null, transposed in right form and a mask of positive values,
/// one 16-bit word per feature and sample tile: positive[feature * n_sample_tiles + sample_tile].
void linear_relu(const Product& product, bfloat16* right, bfloat16* transposed, std::uint16_t* positive);
void split_linear_relu(const SplitProduct& product, bfloat16* high, bfloat16* low);

/// Gradients g [n_features][16 n_sample_tiles] to right form and to left form (columns are samples), and their sums
/// over samples added to (or, if overwrite, written to) sums [16 feature_tiles]. Rows beyond n_features are 0.
void pack_gradients(const float* g, int n_features, int feature_tiles, int n_sample_tiles, bfloat16* right,
                    bfloat16* left, float* sums, bool overwrite);

/// Backward through relu: gradients W^T G where positive, else 0, in right form and in left form, with their sums over
/// samples as in pack_gradients. `product` holds W^T in left form and G in right form; its bias is not used.
/// partial_sums [16 row_tiles][16] is room to work in.
void transposed_linear_relu(const Product& product, const std::uint16_t* positive, bfloat16* right, bfloat16* left,
                            float* partial_sums, float* sums, bool overwrite);
/// y = W^T G, float32 [16 row_tiles][16 n_sample_tiles].
void transposed_linear(const Product& product, float* y);

/// dW [16 row_tiles][16 column_tiles] row-major += G X^T (or = if overwrite); G in left form, X transposed in right
/// form.
void weight_gradient(int row_tiles, int column_tiles, int n_sample_tiles, const bfloat16* g_left,
                     const bfloat16* x_transposed, float* sums, bool overwrite);

}  // namespace boltzflow::tiles
