// From the input of a layer to its output at the scored positions.
#pragma once
#include "parts.h"

// keys and values of a token, from its normed input n
DEVICE void give(const float *w, const float (&n)[D], float (&key)[D], float (&value)[D]) {
  load(key, w + BQKV + D), load(value, w + BQKV + 2 * D);
  times(n, w + WQKV + D, 3 * D, key), times(n, w + WQKV + 2 * D, 3 * D, value);
}

// the score of one key for one head
DEVICE float score_of(const float (&query)[D], const float *key, int head) {
  float score = 0;
#pragma unroll
  for (int d = head * HD; d < head * HD + HD; d++) score += query[d] * key[d];
  return score * rsqrtf((float)HD);
}

// what all heads mix from the values up to `last`, and the logarithms of their sums
DEVICE void look(const float (&query)[D], const float *keys, const float *values, int last,
                 float (&mix)[D], float (&logs)[HEADS]) {
  float most[HEADS], total[HEADS];
  clear(mix), clear(total);
#pragma unroll
  for (int h = 0; h < HEADS; h++) most[h] = -1e30f;
  for (int s = 0; s <= last; s++)
#pragma unroll
    for (int h = 0; h < HEADS; h++) most[h] = fmaxf(most[h], score_of(query, keys + s * LD, h));
  for (int s = 0; s <= last; s++)
#pragma unroll
    for (int h = 0; h < HEADS; h++) {
      const float p = expf(score_of(query, keys + s * LD, h) - most[h]);
      total[h] += p;
#pragma unroll
      for (int d = h * HD; d < h * HD + HD; d++) mix[d] += p * values[s * LD + d];
    }
#pragma unroll
  for (int h = 0; h < HEADS; h++) {
#pragma unroll
    for (int d = h * HD; d < h * HD + HD; d++) mix[d] /= total[h];
    logs[h] = most[h] + logf(total[h]);
  }
}

// x + what the MLP makes of n, its normed self
DEVICE void add_mlp(const float *w, const float (&n)[D], float (&x)[D]) {
  add(w + BP, x);
  for (int j = 0; j < HIDDEN; j += 4) {
    float pre[4], slope;
    load(pre, w + BF + j);
    times(n, w + WF + j, HIDDEN, pre);
#pragma unroll
    for (int k = 0; k < 4; k++) {
      const float a = gelu(pre[k], slope);
#pragma unroll
      for (int o = 0; o < D; o += 4) {
        float4 p = four(w + WP + (j + k) * D + o);
        x[o] += a * p.x, x[o + 1] += a * p.y, x[o + 2] += a * p.z, x[o + 3] += a * p.w;
      }
    }
  }
}
