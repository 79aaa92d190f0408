// SPDX-License-Identifier: MIT
// Compiled once, with AMX and AVX-512 BF16 (flow/CMakeLists.txt). No std header that instantiates shared inlines.
#include "boltzflow/flow/conditioner_tiles.hpp"

#include <immintrin.h>

namespace boltzflow::tiles {
namespace {

#define BOLTZFLOW_INLINE inline __attribute__((always_inline))

constexpr int tile_elements = 512;  // bfloat16 of one tile
constexpr int tile_floats = 256;    // float32 of one accumulator tile

// The tile intrinsics do not tell the compiler which memory they read.
BOLTZFLOW_INLINE void memory_barrier() { asm volatile("" ::: "memory"); }

BOLTZFLOW_INLINE __m256i round_to_bfloat16(__m512 v) { return (__m256i)_mm512_cvtneps_pbh(v); }
BOLTZFLOW_INLINE __m512 widen(__m256i v) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}
BOLTZFLOW_INLINE void split(__m512 v, __m256i& high, __m256i& low) {
  high = round_to_bfloat16(v);
  low = round_to_bfloat16(_mm512_sub_ps(v, widen(high)));
}
/// a0 b0 a1 b1 ...: two rows of a right-form tile.
BOLTZFLOW_INLINE __m512i interleave(__m256i a, __m256i b) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(a), _mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16));
}
/// The same with rounding: one instruction rounds both rows.
BOLTZFLOW_INLINE __m512i round_and_interleave(__m512 a, __m512 b) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(b, a));
}

/// Transposes 8 rows of 8 pairs.
BOLTZFLOW_INLINE void transpose_8x8(const __m256i* rows, __m256i* out) {
  __m256i t[8], u[8];
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
  }
  for (int i = 0; i < 2; ++i) {
    u[4 * i] = _mm256_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    u[4 * i + 1] = _mm256_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    u[4 * i + 2] = _mm256_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    u[4 * i + 3] = _mm256_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    out[i] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x20);
    out[i + 4] = _mm256_permute2x128_si256(u[i], u[i + 4], 0x31);
  }
}
/// 16 features of 16 samples, to 8 rows of a right-form tile whose columns are features: [pair of samples][feature][2].
/// Past the caches: backward reads it long after.
BOLTZFLOW_INLINE void stream_transposed_pairs(const __m256i* features, bfloat16* to) {
  __m256i a[8], b[8];
  transpose_8x8(features, a);
  transpose_8x8(features + 8, b);
  for (int i = 0; i < 8; ++i)
    _mm512_stream_si512((__m512i*)(to + i * 32), _mm512_inserti64x4(_mm512_castsi256_si512(a[i]), b[i], 1));
}
/// Transposes a 16 x 16 block of 16-bit words into half a left-form tile.
BOLTZFLOW_INLINE void store_transposed_words(const __m256i* rows, bfloat16* to) {
  __m256i t[16], u[16];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm256_unpacklo_epi16(rows[2 * i], rows[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_epi16(rows[2 * i], rows[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    u[4 * i] = _mm256_unpacklo_epi32(t[4 * i], t[4 * i + 2]);
    u[4 * i + 1] = _mm256_unpackhi_epi32(t[4 * i], t[4 * i + 2]);
    u[4 * i + 2] = _mm256_unpacklo_epi32(t[4 * i + 1], t[4 * i + 3]);
    u[4 * i + 3] = _mm256_unpackhi_epi32(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 4; ++j) {
      t[8 * i + 2 * j] = _mm256_unpacklo_epi64(u[8 * i + j], u[8 * i + 4 + j]);
      t[8 * i + 2 * j + 1] = _mm256_unpackhi_epi64(u[8 * i + j], u[8 * i + 4 + j]);
    }
  }
  for (int j = 0; j < 8; ++j) {
    _mm256_store_si256((__m256i*)(to + j * 32), _mm256_permute2x128_si256(t[j], t[8 + j], 0x20));
    _mm256_store_si256((__m256i*)(to + (8 + j) * 32), _mm256_permute2x128_si256(t[j], t[8 + j], 0x31));
  }
}

BOLTZFLOW_INLINE void load_weight_tile(const float* weights, int n_rows, int n_columns, int row_tile, int column_tile,
                                       __m512* rows) {
  const int columns_left = n_columns - 16 * column_tile;
  const __mmask16 mask = columns_left >= 16 ? 0xffff : columns_left <= 0 ? 0 : (__mmask16)((1u << columns_left) - 1);
  for (int i = 0; i < 16; ++i) {
    const int row = 16 * row_tile + i;
    rows[i] = row < n_rows ? _mm512_maskz_loadu_ps(mask, weights + (long)row * n_columns + 16 * column_tile)
                           : _mm512_setzero_ps();
  }
}

/// Runs the product of left [row_tiles][depth] and right [column_tiles][depth] tiles in 2 x 2 blocks. `start(m, n)`
/// loads the four accumulators (0: m n, 1: m n+1, 2: m+1 n, 3: m+1 n+1); `between(k)` runs after the tile instructions
/// of depth k; `finish(m, n)` stores the accumulators.
template <class Start, class Between, class Finish>
BOLTZFLOW_INLINE void multiply(int row_tiles, int column_tiles, int depth, const bfloat16* left, const bfloat16* right,
                               Start start, Between between, Finish finish) {
  memory_barrier();
  for (int n = 0; n < column_tiles; n += 2) {
    const bfloat16* right_0 = right + (long)n * depth * tile_elements;
    const bfloat16* right_1 = right_0 + (long)depth * tile_elements;
    for (int m = 0; m < row_tiles; m += 2) {
      const bfloat16* left_0 = left + (long)m * depth * tile_elements;
      const bfloat16* left_1 = left_0 + (long)depth * tile_elements;
      start(m, n);
      for (int k = 0; k < depth; ++k) {
        _tile_loadd(4, left_0 + k * tile_elements, 64);
        _tile_loadd(6, right_0 + k * tile_elements, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, right_1 + k * tile_elements, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, left_1 + k * tile_elements, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        between(k);
      }
      finish(m, n);
    }
  }
  memory_barrier();
}
template <class Start, class Finish>
BOLTZFLOW_INLINE void multiply(int row_tiles, int column_tiles, int depth, const bfloat16* left, const bfloat16* right,
                               Start start, Finish finish) {
  multiply(
      row_tiles, column_tiles, depth, left, right, start, [](int) {}, finish);
}

BOLTZFLOW_INLINE void store_scratch(float (*scratch)[tile_floats]) {
  _tile_stored(0, scratch[0], 64);
  _tile_stored(1, scratch[1], 64);
  _tile_stored(2, scratch[2], 64);
  _tile_stored(3, scratch[3], 64);
}

/// The same where accumulators need work before they are stored: they go to `scratch` [4][tile_floats], and `finish(m,
/// n, part)` for every part in [0, n_parts) runs between the tile instructions of the next block, whose units it leaves
/// free.
template <int n_parts, class Start, class Finish>
BOLTZFLOW_INLINE void multiply_overlapped(int row_tiles, int column_tiles, int depth, const bfloat16* left,
                                          const bfloat16* right, float (*scratch)[tile_floats], Start start,
                                          Finish finish) {
  int last_m = 0, last_n = 0, part = n_parts;
  multiply(
      row_tiles, column_tiles, depth, left, right, start,
      [&](int k) __attribute__((always_inline)) {
        for (; part < n_parts * (k + 1) / depth; ++part) finish(last_m, last_n, part);
      },
      [&](int m, int n) __attribute__((always_inline)) {
        store_scratch(scratch);
        last_m = m, last_n = n, part = 0;
      });
  for (; part < n_parts; ++part) finish(last_m, last_n, part);
}

/// high high + high low + low high, the small products first.
template <class Start, class Finish>
BOLTZFLOW_INLINE void multiply_split(const SplitProduct& product, Start start, Finish finish) {
  const int depth = product.high.column_tiles / 2;
  memory_barrier();
  for (int n = 0; n < product.high.n_sample_tiles; n += 2) {
    for (int m = 0; m < product.high.row_tiles; m += 2) {
      const long l0 = (long)m * depth * tile_elements, l1 = l0 + (long)depth * tile_elements;
      const long r0 = (long)n * depth * tile_elements, r1 = r0 + (long)depth * tile_elements;
      start(m, n);
      for (int k = 0; k < depth; ++k) {
        const long at = (long)k * tile_elements;
        _tile_loadd(4, product.high.left + l0 + at, 64);
        _tile_loadd(6, product.right_low + r0 + at, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, product.right_low + r1 + at, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, product.high.left + l1 + at, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(6, product.high.right + r0 + at, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, product.high.right + r1 + at, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(4, product.left_low + l0 + at, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, product.left_low + l1 + at, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
      finish(m, n);
    }
  }
  memory_barrier();
}

BOLTZFLOW_INLINE void start_from_bias(const float* bias, int m) {
  _tile_loadd(0, bias + m * tile_floats, 64);
  _tile_loadd(1, bias + m * tile_floats, 64);
  _tile_loadd(2, bias + (m + 1) * tile_floats, 64);
  _tile_loadd(3, bias + (m + 1) * tile_floats, 64);
}
BOLTZFLOW_INLINE void start_from_zero() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}
/// Stores the four accumulators into a float32 matrix of `stride` floats a row.
BOLTZFLOW_INLINE void store_rows(float* y, long stride, int m, int n) {
  float* at = y + (long)m * 16 * stride + n * 16;
  _tile_stored(0, at, stride * 4);
  _tile_stored(1, at + 16, stride * 4);
  _tile_stored(2, at + 16 * stride, stride * 4);
  _tile_stored(3, at + 16 * stride + 16, stride * 4);
}

BOLTZFLOW_INLINE void add_sum(float* to, __m512 v, bool overwrite) {
  const float sum = _mm512_reduce_add_ps(v);
  *to = overwrite ? sum : *to + sum;
}

}  // namespace

void configure() {
  struct alignas(64) {
    unsigned char palette = 1, start_row = 0, reserved[14] = {};
    unsigned short bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    unsigned char rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  } shapes;
  memory_barrier();
  _tile_loadconfig(&shapes);
}

void release() { _tile_release(); }

void pack_weights(const float* weights, int n_rows, int n_columns, int row_tiles, int column_tiles, int first, int last,
                  bfloat16* left, bfloat16* transposed) {
  for (int r = first; r < last; ++r) {
    for (int c = 0; c < column_tiles; ++c) {
      __m512 values[16];
      __m256i rows[16];
      load_weight_tile(weights, n_rows, n_columns, r, c, values);
      bfloat16* to = left + ((long)r * (column_tiles / 2) + c / 2) * tile_elements + (c & 1) * 16;
      for (int i = 0; i < 16; ++i) {
        rows[i] = round_to_bfloat16(values[i]);
        _mm256_store_si256((__m256i*)(to + i * 32), rows[i]);
      }
      if (transposed != nullptr)
        store_transposed_words(rows, transposed + ((long)c * (row_tiles / 2) + r / 2) * tile_elements + (r & 1) * 16);
    }
  }
}

void pack_split_weights(const float* weights, int n_rows, int n_columns, int column_tiles, int first, int last,
                        bfloat16* high, bfloat16* low) {
  for (int r = first; r < last; ++r) {
    for (int c = 0; c < column_tiles; ++c) {
      __m512 values[16];
      load_weight_tile(weights, n_rows, n_columns, r, c, values);
      const long at = ((long)r * (column_tiles / 2) + c / 2) * tile_elements + (c & 1) * 16;
      for (int i = 0; i < 16; ++i) {
        __m256i h, l;
        split(values[i], h, l);
        _mm256_store_si256((__m256i*)(high + at + i * 32), h);
        _mm256_store_si256((__m256i*)(low + at + i * 32), l);
      }
    }
  }
}

void pack_inputs(const float* x, int n_features, int feature_tiles, int n_sample_tiles, bfloat16* right,
                 bfloat16* transposed) {
  const long stride = 16L * n_sample_tiles;
  for (int f = 0; f < feature_tiles; ++f) {
    for (int s = 0; s < n_sample_tiles; ++s) {
      __m256i rows[16];
      for (int i = 0; i < 16; ++i) {
        const int row = 16 * f + i;
        rows[i] =
            row < n_features ? round_to_bfloat16(_mm512_loadu_ps(x + row * stride + 16 * s)) : _mm256_setzero_si256();
      }
      bfloat16* to = right + ((long)s * feature_tiles + f) * (tile_elements / 2);
      for (int i = 0; i < 8; ++i) _mm512_store_si512(to + i * 32, interleave(rows[2 * i], rows[2 * i + 1]));
      if (transposed != nullptr)
        stream_transposed_pairs(rows, transposed + ((long)f * n_sample_tiles + s) * (tile_elements / 2));
    }
  }
  _mm_sfence();
}

void pack_split_inputs(const float* x, int n_features, int feature_tiles, int n_sample_tiles, bfloat16* high,
                       bfloat16* low) {
  const long stride = 16L * n_sample_tiles;
  for (int f = 0; f < feature_tiles; ++f) {
    for (int s = 0; s < n_sample_tiles; ++s) {
      const long at = ((long)s * feature_tiles + f) * (tile_elements / 2);
      for (int i = 0; i < 8; ++i) {
        __m256i h[2], l[2];
        for (int j = 0; j < 2; ++j) {
          const int row = 16 * f + 2 * i + j;
          split(row < n_features ? _mm512_loadu_ps(x + row * stride + 16 * s) : _mm512_setzero_ps(), h[j], l[j]);
        }
        _mm512_store_si512(high + at + i * 32, interleave(h[0], h[1]));
        _mm512_store_si512(low + at + i * 32, interleave(l[0], l[1]));
      }
    }
  }
}

void linear(const Product& p, float* y) {
  const long stride = 16L * p.n_sample_tiles;
  multiply(
      p.row_tiles, p.n_sample_tiles, p.column_tiles / 2, p.left, p.right,
      [&](int m, int) { start_from_bias(p.bias, m); }, [&](int m, int n) { store_rows(y, stride, m, n); });
}

void split_linear(const SplitProduct& p, float* y) {
  const long stride = 16L * p.high.n_sample_tiles;
  multiply_split(
      p, [&](int m, int) { start_from_bias(p.high.bias, m); }, [&](int m, int n) { store_rows(y, stride, m, n); });
}

void linear_relu(const Product& p, bfloat16* right, bfloat16* transposed, std::uint16_t* positive) {
  alignas(64) float scratch[4][tile_floats];
  const __m512 zero = _mm512_setzero_ps();
  multiply_overlapped<4>(
      p.row_tiles, p.n_sample_tiles, p.column_tiles / 2, p.left, p.right, scratch,
      [&](int m, int) { start_from_bias(p.bias, m); },
      [&](int m, int n, int t) __attribute__((always_inline)) {
        const int f = m + t / 2, s = n + t % 2;
        bfloat16* to = right + ((long)s * p.row_tiles + f) * (tile_elements / 2);
        if (transposed == nullptr) {
          for (int i = 0; i < 8; ++i) {
            const __m512 a = _mm512_max_ps(_mm512_load_ps(scratch[t] + 32 * i), zero);
            const __m512 b = _mm512_max_ps(_mm512_load_ps(scratch[t] + 32 * i + 16), zero);
            _mm512_store_si512(to + i * 32, round_and_interleave(a, b));
          }
          return;
        }
        __m256i rows[16];
        for (int i = 0; i < 16; ++i) {
          const __m512 v = _mm512_load_ps(scratch[t] + 16 * i);
          positive[(16 * f + i) * p.n_sample_tiles + s] = _mm512_cmp_ps_mask(v, zero, _CMP_GT_OQ);
          rows[i] = round_to_bfloat16(_mm512_max_ps(v, zero));
        }
        for (int i = 0; i < 8; ++i) _mm512_store_si512(to + i * 32, interleave(rows[2 * i], rows[2 * i + 1]));
        stream_transposed_pairs(rows, transposed + ((long)f * p.n_sample_tiles + s) * (tile_elements / 2));
      });
  _mm_sfence();
}

void split_linear_relu(const SplitProduct& p, bfloat16* high, bfloat16* low) {
  alignas(64) float scratch[4][tile_floats];
  const __m512 zero = _mm512_setzero_ps();
  multiply_split(
      p, [&](int m, int) { start_from_bias(p.high.bias, m); },
      [&](int m, int n) {
        store_scratch(scratch);
        for (int t = 0; t < 4; ++t) {
          const long at = ((long)(n + t % 2) * p.high.row_tiles + m + t / 2) * (tile_elements / 2);
          for (int i = 0; i < 8; ++i) {
            __m256i h[2], l[2];
            for (int j = 0; j < 2; ++j)
              split(_mm512_max_ps(_mm512_load_ps(scratch[t] + 32 * i + 16 * j), zero), h[j], l[j]);
            _mm512_store_si512(high + at + i * 32, interleave(h[0], h[1]));
            _mm512_store_si512(low + at + i * 32, interleave(l[0], l[1]));
          }
        }
      });
}

void pack_gradients(const float* g, int n_features, int feature_tiles, int n_sample_tiles, bfloat16* right,
                    bfloat16* left, float* sums, bool overwrite) {
  const long stride = 16L * n_sample_tiles;
  const __m512 zero = _mm512_setzero_ps();
  for (int row = 0; row < 16 * feature_tiles; row += 2) {
    __m512 sum_0 = zero, sum_1 = zero;
    for (int s = 0; s < n_sample_tiles; ++s) {
      const __m512 a = row < n_features ? _mm512_loadu_ps(g + row * stride + 16 * s) : zero;
      const __m512 b = row + 1 < n_features ? _mm512_loadu_ps(g + (row + 1) * stride + 16 * s) : zero;
      sum_0 = _mm512_add_ps(sum_0, a);
      sum_1 = _mm512_add_ps(sum_1, b);
      const __m256i low = round_to_bfloat16(a), high = round_to_bfloat16(b);
      _mm512_store_si512(right + ((long)s * feature_tiles * 8 + row / 2) * 32, interleave(low, high));
      bfloat16* to =
          left + ((long)(row / 16) * (n_sample_tiles / 2) + s / 2) * tile_elements + (row % 16) * 32 + (s & 1) * 16;
      _mm256_store_si256((__m256i*)to, low);
      _mm256_store_si256((__m256i*)(to + 32), high);
    }
    add_sum(sums + row, sum_0, overwrite);
    add_sum(sums + row + 1, sum_1, overwrite);
  }
}

void transposed_linear_relu(const Product& p, const std::uint16_t* positive, bfloat16* right, bfloat16* left,
                            float* partial_sums, float* sums, bool overwrite) {
  alignas(64) float scratch[4][tile_floats];
  multiply_overlapped<2>(
      p.row_tiles, p.n_sample_tiles, p.column_tiles / 2, p.left, p.right, scratch, [&](int, int) { start_from_zero(); },
      [&](int m, int n, int t) __attribute__((always_inline)) {
        const int f = m + t;
        const float *c0 = scratch[2 * t], *c1 = scratch[2 * t + 1];
        __m256i rows[2][16];
        for (int i = 0; i < 16; ++i) {
          const std::uint16_t* mask = positive + (16 * f + i) * p.n_sample_tiles + n;
          const __m512 a = _mm512_maskz_load_ps(mask[0], c0 + 16 * i);
          const __m512 b = _mm512_maskz_load_ps(mask[1], c1 + 16 * i);
          float* partial = partial_sums + (16 * f + i) * 16;
          const __m512 both = _mm512_add_ps(a, b);
          _mm512_store_ps(partial, n == 0 ? both : _mm512_add_ps(_mm512_load_ps(partial), both));
          rows[0][i] = round_to_bfloat16(a);
          rows[1][i] = round_to_bfloat16(b);
          bfloat16* to = left + ((long)f * (p.n_sample_tiles / 2) + n / 2) * tile_elements + i * 32;
          _mm256_store_si256((__m256i*)to, rows[0][i]);
          _mm256_store_si256((__m256i*)(to + 16), rows[1][i]);
        }
        for (int j = 0; j < 2; ++j) {
          bfloat16* to = right + ((long)(n + j) * p.row_tiles + f) * (tile_elements / 2);
          for (int i = 0; i < 8; ++i) _mm512_store_si512(to + i * 32, interleave(rows[j][2 * i], rows[j][2 * i + 1]));
        }
      });
  for (int row = 0; row < 16 * p.row_tiles; ++row)
    add_sum(sums + row, _mm512_load_ps(partial_sums + row * 16), overwrite);
}

void transposed_linear(const Product& p, float* y) {
  const long stride = 16L * p.n_sample_tiles;
  multiply(
      p.row_tiles, p.n_sample_tiles, p.column_tiles / 2, p.left, p.right, [&](int, int) { start_from_zero(); },
      [&](int m, int n) { store_rows(y, stride, m, n); });
}

void weight_gradient(int row_tiles, int column_tiles, int n_sample_tiles, const bfloat16* g_left,
                     const bfloat16* x_transposed, float* sums, bool overwrite) {
  const long stride = 16L * column_tiles;
  multiply(
      row_tiles, column_tiles, n_sample_tiles / 2, g_left, x_transposed,
      [&](int m, int n) {
        if (overwrite) return start_from_zero();
        const float* at = sums + (long)m * 16 * stride + n * 16;
        _tile_loadd(0, at, stride * 4);
        _tile_loadd(1, at + 16, stride * 4);
        _tile_loadd(2, at + 16 * stride, stride * 4);
        _tile_loadd(3, at + 16 * stride + 16, stride * 4);
      },
      [&](int m, int n) { store_rows(sums, stride, m, n); });
}

}  // namespace boltzflow::tiles
