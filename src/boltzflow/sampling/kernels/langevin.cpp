// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/kernels/langevin.hpp"

#include "boltzflow/base/simd/vector-inl.hpp"

namespace boltzflow::sampling::BOLTZFLOW_SIMD_TARGET {
namespace {

using L = simd::BOLTZFLOW_SIMD_TARGET::Lanes<float>;
using simd::BOLTZFLOW_SIMD_TARGET::vector_bytes;
/// 64-bit lanes whose low halves carry the words of Philox; the high halves hold rubbish that nothing reads.
typedef uint64_t Words __attribute__((vector_size(vector_bytes)));
constexpr int n_word_lanes = vector_bytes / 8;
typedef uint32_t NarrowWords __attribute__((vector_size(vector_bytes / 2)));
typedef uint32_t NarrowWordsUnaligned __attribute__((vector_size(vector_bytes / 2), aligned(4), may_alias));

BOLTZFLOW_INLINE Words multiply_low_halves(Words a, uint32_t b) {
  const Words factor = Words{} + b;
#if defined(__AVX512F__)
  return (Words)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)factor);
#elif defined(__AVX2__)
  return (Words)_mm256_mul_epu32((__m256i)a, (__m256i)factor);
#else
  return (Words)_mm_mul_epu32((__m128i)a, (__m128i)factor);
#endif
}

/// Philox4x32-10 in every lane (base/random.hpp).
BOLTZFLOW_INLINE void philox(Words (&c)[4], uint32_t key_0, uint32_t key_1) {
  for (int round = 0; round < 10; ++round) {
    const Words a = multiply_low_halves(c[0], 0xD2511F53u), b = multiply_low_halves(c[2], 0xCD9E8D57u);
    c[0] = (b >> 32) ^ c[1] ^ (Words{} + key_0);
    c[2] = (a >> 32) ^ c[3] ^ (Words{} + key_1);
    c[1] = b;
    c[3] = a;
    key_0 += 0x9E3779B9u;
    key_1 += 0xBB67AE85u;
  }
}

/// Word w of block b of replica r goes to words[w][r * n_blocks + b].
BOLTZFLOW_INLINE void draw_words(const LangevinStep& step, uint64_t first_stream, int64_t n_replicas, int64_t n_blocks,
                                 int64_t stride, uint32_t* words) {
  const uint64_t first_block = step.step * static_cast<uint64_t>(n_blocks);
  uint64_t replica = 0, block = 0;
  for (int64_t flat = 0; flat < n_replicas * n_blocks; flat += n_word_lanes) {
    Words block_index, stream;
    for (int lane = 0; lane < n_word_lanes; ++lane) {
      block_index[lane] = first_block + block;
      stream[lane] = first_stream + replica;
      if (++block == static_cast<uint64_t>(n_blocks)) block = 0, ++replica;
    }
    Words c[4] = {block_index, block_index >> 32, stream, stream >> 32};
    philox(c, static_cast<uint32_t>(step.seed), static_cast<uint32_t>(step.seed >> 32));
    for (int w = 0; w < 4; ++w)
      *(NarrowWordsUnaligned*)(words + w * stride + flat) =
          (NarrowWordsUnaligned) __builtin_convertvector(c[w], NarrowWords);
  }
}

/// Words to standard normals in place, words 0 and 1 and words 2 and 3 by Box and Muller.
BOLTZFLOW_INLINE void words_to_normals(int64_t n, int64_t stride, float* values) {
  for (int pair = 0; pair < 2; ++pair) {
    float* const a = values + 2 * pair * stride;
    float* const b = a + stride;
    for (int64_t i = 0; i < n; i += L::count) {
      const L::Integer mask = L::Integer{} + 0x00ffffff;
      const L::Vector u = (L::to_vector(((L::Integer)L::load(a + i) >> 8) & mask) + 0.5f) * 0x1p-24f;
      const L::Vector turn = L::to_vector(((L::Integer)L::load(b + i) >> 8) & mask) * 0x1p-24f;
      const L::Vector radius = L::sqrt(-2.0f * L::log(u));
      L::Vector sine, cosine;
      L::sincos_turns(turn, sine, cosine);
      L::store(a + i, radius * cosine);
      L::store(b + i, radius * sine);
    }
  }
}

/// Calls function(replica, first_coordinate, count, noise): coordinates c = w n_blocks + b of a replica take word w of
/// block b, so that both run through memory.
template <class Function>
BOLTZFLOW_INLINE void with_noise(const LangevinStep& step, uint64_t first_stream, int64_t n_replicas, float* scratch,
                                 Function&& function) {
  const int64_t n_blocks = langevin_blocks(step.n_coordinates), stride = langevin_group * n_blocks + 16;
  for (int64_t begin = 0; begin < n_replicas; begin += langevin_group) {
    const int64_t n = n_replicas - begin < langevin_group ? n_replicas - begin : langevin_group;
    draw_words(step, first_stream + static_cast<uint64_t>(begin), n, n_blocks, stride,
               reinterpret_cast<uint32_t*>(scratch));
    words_to_normals(n * n_blocks, stride, scratch);
    for (int64_t r = 0; r < n; ++r) {
      for (int64_t first = 0, w = 0; first < step.n_coordinates; first += n_blocks, ++w) {
        const int64_t left = step.n_coordinates - first;
        function(begin + r, first, left < n_blocks ? left : n_blocks, scratch + w * stride + r * n_blocks);
      }
    }
  }
}

}  // namespace

void advance_replicas(const LangevinStep& step, uint64_t first_stream, int64_t n_replicas, const float* noise_scale,
                      const float* gradient, float* positions, float* velocities, float* scratch) noexcept {
  with_noise(step, first_stream, n_replicas, scratch,
             [&](int64_t replica, int64_t first, int64_t n, const float* noise) {
               const int64_t offset = replica * step.n_coordinates + first;
               const float* __restrict g = gradient + offset;
               const float* __restrict inverse_mass = step.inverse_mass + first;
               const float* __restrict inverse_mass_root = step.inverse_mass_root + first;
               float* __restrict x = positions + offset;
               float* __restrict v = velocities + offset;
               const float scale = noise_scale[replica], dt = step.time_step, decay = step.velocity_decay;
               for (int64_t c = 0; c < n; ++c) {
                 const float kicked = v[c] - dt * inverse_mass[c] * g[c];
                 const float refreshed = decay * kicked + scale * inverse_mass_root[c] * noise[c];
                 v[c] = refreshed;
                 x[c] += 0.5f * dt * (kicked + refreshed);
               }
             });
}

void draw_normals(const LangevinStep& step, uint64_t first_stream, int64_t n_replicas, float* normals,
                  float* scratch) noexcept {
  with_noise(step, first_stream, n_replicas, scratch,
             [&](int64_t replica, int64_t first, int64_t n, const float* noise) {
               for (int64_t c = 0; c < n; ++c) normals[replica * step.n_coordinates + first + c] = noise[c];
             });
}

}  // namespace boltzflow::sampling::BOLTZFLOW_SIMD_TARGET
