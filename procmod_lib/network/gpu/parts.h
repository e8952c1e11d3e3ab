// Sizes of a layer and where its parameters lie, and the small steps that both passes are made of.
#pragma once

#ifndef RESIDENT
#define RESIDENT (384 / NT)  // blocks that a multiprocessor is to hold at once
#endif

#ifdef __CUDACC__
#define KERNEL extern "C" __global__ void __launch_bounds__(NT, RESIDENT)
#define DEVICE __device__ __forceinline__
extern __shared__ float4 shared_memory[];
#define MEMORY ((float *)shared_memory)
#else
#include "emulated.h"
#endif

constexpr int D = WIDTH, T = LENGTH, W = SCORED, TP = TEAM, Q = TEAMS;
constexpr int NT = TP * Q;              // threads of a block
constexpr int HD = D / HEADS;           // width of a head
constexpr int HIDDEN = 4 * D;           // of the MLP
constexpr int CHUNK = 32;               // hidden numbers of the MLP at a time
constexpr int CHUNKS = HIDDEN / CHUNK;
constexpr int LD = D + 4;               // a staged row: neighbours never share a bank
constexpr int LC = CHUNK + 4;
constexpr int LSIZE = 12 * D * D + 13 * D;  // parameters of a layer

// where they lie: the order of the flat vector
constexpr int N1W = 0, N1B = D, WQKV = 2 * D, BQKV = WQKV + 3 * D * D, WO = BQKV + 3 * D;
constexpr int BO = WO + D * D, N2W = BO + D, N2B = N2W + D, WF = N2B + D, BF = WF + HIDDEN * D;
constexpr int WP = BF + HIDDEN, BP = WP + HIDDEN * D;

constexpr int larger(int a, int b) { return a > b ? a : b; }
constexpr int STAGED = larger(2 * LC + 2 * LD, 5 * LD + 2 * HEADS + 1);  // floats a thread

constexpr int MLP_TILES = 2 * (CHUNK / 4) * (D / 4), OUT_TILES = (D / 4) * (D / 4);
constexpr int QKV_TILES = 3 * OUT_TILES;
static_assert(NT >= MLP_TILES && NT >= QKV_TILES, "too few threads for one tile each");
static_assert(D % 4 == 0 && HIDDEN % CHUNK == 0 && HD % 4 == 0, "width");

DEVICE float4 four(const float *p) { return *(const float4 *)p; }
DEVICE void put(float *p, float a, float b, float c, float d) { *(float4 *)p = make_float4(a, b, c, d); }

template <int N> DEVICE void load(float (&x)[N], const float *p) {
  static_assert(N % 4 == 0, "four at a time");
#pragma unroll
  for (int i = 0; i < N; i += 4) {
    float4 v = four(p + i);
    x[i] = v.x, x[i + 1] = v.y, x[i + 2] = v.z, x[i + 3] = v.w;
  }
}
template <int N> DEVICE void store(float *p, const float (&x)[N]) {
  static_assert(N % 4 == 0, "four at a time");
#pragma unroll
  for (int i = 0; i < N; i += 4) put(p + i, x[i], x[i + 1], x[i + 2], x[i + 3]);
}
DEVICE void add(const float *p, float (&x)[D]) {
#pragma unroll
  for (int i = 0; i < D; i++) x[i] += p[i];
}
template <int N> DEVICE void clear(float (&x)[N]) {
#pragma unroll
  for (int i = 0; i < N; i++) x[i] = 0;
}

// out += x times columns of a matrix with rows of `columns`
template <int O> DEVICE void times(const float (&x)[D], const float *w, int columns, float (&out)[O]) {
#pragma unroll
  for (int i = 0; i < D; i++)
#pragma unroll
    for (int o = 0; o < O; o += 4) {
      float4 v = four(w + i * columns + o);
      out[o] += x[i] * v.x, out[o + 1] += x[i] * v.y;
      out[o + 2] += x[i] * v.z, out[o + 3] += x[i] * v.w;
    }
}
// out += g times the transpose of such columns
template <int O> DEVICE void back(const float (&g)[O], const float *w, int columns, float (&out)[D]) {
#pragma unroll
  for (int i = 0; i < D; i++)
#pragma unroll
    for (int o = 0; o < O; o += 4) {
      float4 v = four(w + i * columns + o);
      out[i] += g[o] * v.x + g[o + 1] * v.y + g[o + 2] * v.z + g[o + 3] * v.w;
    }
}

// the standardised x, and what it was divided by
DEVICE float standardise(const float (&x)[D], float (&hat)[D]) {
  float mean = 0, square = 0;
#pragma unroll
  for (int i = 0; i < D; i++) mean += x[i];
  mean *= 1.0f / D;
#pragma unroll
  for (int i = 0; i < D; i++) hat[i] = x[i] - mean, square += hat[i] * hat[i];
  float scale = rsqrtf(square * (1.0f / D) + 1e-5f);
#pragma unroll
  for (int i = 0; i < D; i++) hat[i] *= scale;
  return scale;
}
DEVICE void norm(const float (&hat)[D], const float *w, float (&n)[D]) {  // the bias lies behind w
#pragma unroll
  for (int i = 0; i < D; i++) n[i] = hat[i] * w[i] + w[D + i];
}
// dx += the gradient of x from that of norm(standardise(x))
DEVICE void norm_back(const float (&dn)[D], const float (&hat)[D], const float *w, float scale,
                      float (&dx)[D]) {
  float mean = 0, along = 0;
#pragma unroll
  for (int i = 0; i < D; i++) mean += dn[i] * w[i], along += dn[i] * w[i] * hat[i];
  mean *= 1.0f / D, along *= 1.0f / D;
#pragma unroll
  for (int i = 0; i < D; i++) dx[i] += scale * (dn[i] * w[i] - mean - hat[i] * along);
}

// GELU as GPT-2 has it, and its slope
DEVICE float gelu(float z, float &slope) {
  const float a = 0.7978845608028654f, c = 0.044715f;
  float t = 1 - 2 / (1 + expf(2 * a * (z + c * z * z * z)));
  slope = 0.5f * (1 + t) + 0.5f * z * (1 - t * t) * a * (1 + 3 * c * z * z);
  return 0.5f * z * (1 + t);
}

// tile (4 x 4) += sum over the staged rows of a block: rows `part`, `part + parts`, ... of each
DEVICE void gather(float (&tile)[16], const float *in, int in_row, const float *out, int out_row,
                   int rows, int part, int parts) {
  for (int q = 0; q < Q; q++)
    for (int i = part; i < rows; i += parts) {
      float4 a = four(in + (q * TP + i) * in_row), g = four(out + (q * TP + i) * out_row);
      const float from[4] = {a.x, a.y, a.z, a.w}, to[4] = {g.x, g.y, g.z, g.w};
#pragma unroll
      for (int k = 0; k < 16; k++) tile[k] += from[k / 4] * to[k % 4];
    }
}
// the sum of one staged column, shared among the threads of that column
template <int COLUMNS> DEVICE float column_sum(const float *rows_of, int row, int rows) {
  constexpr int parts = NT / COLUMNS;
  float sum = 0;
  if (threadIdx.x < parts * COLUMNS)
    for (int q = 0; q < Q; q++)
      for (int i = threadIdx.x / COLUMNS; i < rows; i += parts)
        sum += rows_of[(q * TP + i) * row + threadIdx.x % COLUMNS];
  return sum;
}
// add what each part found to shared memory, one part after another, always in one order
template <int COLUMNS> DEVICE void add_columns(float *to, float sum) {
  for (int part = 0; part < NT / COLUMNS; part++) {
    __syncthreads();
    if (threadIdx.x / COLUMNS == part) to[threadIdx.x % COLUMNS] += sum;
  }
}
DEVICE void add_tile(float *to, int columns, const float (&tile)[16], bool mine) {
  __syncthreads();
  if (mine)
#pragma unroll
    for (int k = 0; k < 16; k++) to[(k / 4) * columns + k % 4] += tile[k];
}

// where a thread stands, and the inputs of its model
struct Place {
  const float *flat;       // the model's parameters
  const int *tokens;       // (B, T) of its data
  const int *positions;    // (B, W)
  const float *in;         // (B, T, D)
  int q, i;
};
DEVICE void input(const Place &at, int b, int t, float (&x)[D]) {
#if FIRST
  float p[D];
  load(x, at.flat + at.tokens[b * T + t] * D);
  load(p, at.flat + (VOCAB + t) * D);
#pragma unroll
  for (int i = 0; i < D; i++) x[i] += p[i];
#else
  load(x, at.in + ((long long)b * T + t) * D);
#endif
}
DEVICE Place place(const float *flat, int size, const int *which, const int *tokens,
                   const int *positions, const float *in, int B) {
  long long s = blockIdx.y, u = which[s];
  return {flat + s * size, tokens + u * B * T, positions + u * B * W, in + s * B * T * D,
          (int)threadIdx.x / TP, (int)threadIdx.x % TP};
}
DEVICE void load_layer(float *weights, const float *from) {
  for (int k = threadIdx.x; k < LSIZE; k += NT) weights[k] = from[k];
  __syncthreads();
}

// the input at token t of sequence b, standardised, and normed by the parameters at `of`
DEVICE float normed_input(const Place &at, int b, int t, const float *of, float (&x)[D],
                          float (&hat)[D], float (&n)[D]) {
  input(at, b, t, x);
  const float scale = standardise(x, hat);
  norm(hat, of, n);
  return scale;
}
