// One transformer layer of many tiny models, forward and backward, in one launch each.
//
// A block holds the layer of one model in shared memory and takes its sequences Q at a time. Thread
// i of a sequence's TP threads is its token i (keys and values) and its scored position i (all the
// rest). A gradient of weights is a sum over tokens of (what went in) x (what came back): both are
// staged in shared memory, and each thread keeps the sum of a tile of 4 x 4 weights in registers.
//
// Sizes are constants of the build: WIDTH, HEADS, LENGTH in tokens, SCORED positions, VOCAB, TEAM
// threads a sequence and TEAMS a block, FIRST (the input is embedded here) and FULL (every token is
// scored). With g++ instead of nvcc the same code runs on a CPU, a thread for a thread, for tests.

#include "backward.h"

// what a scored position sees: out (B, W, D), and for the way back the heads' mix (B, W, D) and the
// logarithms of their sums (B, W, HEADS)
KERNEL forward(const float *flat, int size, int base, const int *which, const int *tokens,
               const int *positions, const float *in, float *out, float *mixes, float *sums, int B) {
  float *w = MEMORY, *keys = w + LSIZE, *values = keys + NT * LD;
  const Place at = place(flat, size, which, tokens, positions, in, B);
  load_layer(w, at.flat + base);
  for (int b0 = blockIdx.x * Q; b0 < B; b0 += gridDim.x * Q) {
    __syncthreads();
    const int b = b0 + at.q;
    float x[D], hat[D], n[D];
    if (at.i < T && b < B) {
      float key[D], value[D];
      normed_input(at, b, at.i, w + N1W, x, hat, n);
      give(w, n, key, value);
      store(keys + threadIdx.x * LD, key), store(values + threadIdx.x * LD, value);
    }
    __syncthreads();
    if (at.i < W && b < B) {
      const long long row = ((long long)blockIdx.y * B + b) * W + at.i;
      const int last = FULL ? at.i : at.positions[b * W + at.i];
      float query[D], mix[D], logs[HEADS];
      if (!FULL) normed_input(at, b, last, w + N1W, x, hat, n);
      load(query, w + BQKV);
      times(n, w + WQKV, 3 * D, query);
      look(query, keys + at.q * TP * LD, values + at.q * TP * LD, last, mix, logs);
      store(mixes + row * D, mix);
#pragma unroll
      for (int h = 0; h < HEADS; h++) sums[row * HEADS + h] = logs[h];
      times(mix, w + WO, D, x);
      add(w + BO, x);
      standardise(x, hat);
      norm(hat, w + N2W, n);
      add_mlp(w, n, x);
      store(out + row * D, x);
    }
  }
}

// From the gradient of out (B, W, D): that of in (B, T, D), and each block's share of that of the
// layer's parameters (blocks, LSIZE)
KERNEL backward(const float *flat, int size, int base, const int *which, const int *tokens,
                const int *positions, const float *in, const float *mixes, const float *sums,
                const float *dout, float *din, float *shares, int B) {
  float *w = MEMORY;
  const Stage st = stage(w + LSIZE);
  const Place at = place(flat, size, which, tokens, positions, in, B);
  const Tiles own = tiles();
  const int me = threadIdx.x, first = at.q * TP;
  Sums sum;
  clear(sum);
  load_layer(w, at.flat + base);
  for (int b0 = blockIdx.x * Q; b0 < B; b0 += gridDim.x * Q) {
    const int b = b0 + at.q;
    const bool item = at.i < W && b < B, token = at.i < T && b < B;
    const long long row = ((long long)blockIdx.y * B + b) * W + at.i;
    const int last = item ? (FULL ? at.i : at.positions[b * W + at.i]) : -1;
    float x[D], hat[D], n[D], g[D], mix[D], dn[D], dmix[D], scale = 0;
    clear(g), clear(mix), clear(hat), clear(n), clear(dn);

    // the MLP, from what it was given: the input and what attention added to it
    if (item) {
      load(g, dout + row * D), load(mix, mixes + row * D);
      input(at, b, last, x);
      times(mix, w + WO, D, x);
      add(w + BO, x);
      scale = standardise(x, hat);
      norm(hat, w + N2W, n);
    }
    __syncthreads();
    mlp_back(w, st, own, item, n, g, dn, sum);
    if (item) norm_back(dn, hat, w + N2W, scale, g);
    mix_back(w, st, own, mix, hat, dn, g, dmix, sum);

    // attention, as a scored position (queries) and as a token (keys and values)
    float query[D], key[D], value[D], dquery[D], dkey[D], dvalue[D], itself[D];
    clear(query), clear(key), clear(value), clear(dquery), clear(dkey), clear(dvalue);
    clear(n), clear(hat), clear(itself);
    if (!FULL && item) normed_input(at, b, last, w + N1W, x, hat, itself);
    if (token) {
      scale = normed_input(at, b, at.i, w + N1W, x, hat, n);
      give(w, n, key, value);
    }
    if (item) {
      load(query, w + BQKV);
      times(FULL ? n : itself, w + WQKV, 3 * D, query);
      keep_heads(st, sums + row * HEADS, mix, dmix);
    }
    st.seen[me] = last;
    keep(row_of(st, 0), key), keep(row_of(st, 1), value);
    keep(row_of(st, 2), query), keep(row_of(st, 3), dmix);
    __syncthreads();
    query_back(st, first, last, query, dmix, dquery);
    if (token) key_back(st, first, at.i, key, value, dkey, dvalue);
    __syncthreads();
    maps_back(st, own, n, itself, dquery, dkey, dvalue, sum);

    // back to each token
    float ditem[D], dx[D], along[D];
    clear(ditem), clear(dn);
    back(dquery, w + WQKV, 3 * D, ditem);
    back(dkey, w + WQKV + D, 3 * D, dn), back(dvalue, w + WQKV + 2 * D, 3 * D, dn);
    __syncthreads();
    gather_items(st, first, at.i, token, ditem, g, dn, dx);
#pragma unroll
    for (int i = 0; i < D; i++) along[i] = dn[i] * hat[i];
    if (token) {
      norm_back(dn, hat, w + N1W, scale, dx);
      store(din + (((long long)blockIdx.y * B + b) * T + at.i) * D, dx);
    }
    keep(row_of(st, 0), along), keep(row_of(st, 1), dn);
    __syncthreads();
    sum.n1w += column_sum<D>(row_of(st, 0), LD, T), sum.n1b += column_sum<D>(row_of(st, 1), LD, T);
  }
  add_up(w, own, sum);
  float *share = shares + ((long long)blockIdx.y * gridDim.x + blockIdx.x) * LSIZE;
  for (int k = me; k < LSIZE; k += NT) share[k] = w[k];
}

// each block's share of the gradient of the token embeddings (blocks, VOCAB, D) from that of the
// first layer's input; a thread owns one column of some tokens, so nothing is added at once
KERNEL embedding(const int *which, const int *tokens, const float *din, float *shares, int B) {
  float *sum = MEMORY;
  const int column = threadIdx.x % D, mine = threadIdx.x / D;
  constexpr int groups = NT / D;
  for (int k = threadIdx.x; k < VOCAB * D; k += NT) sum[k] = 0;
  __syncthreads();
  for (int b = blockIdx.x; b < B; b += gridDim.x)
    for (int t = 0; t < T; t++) {
      const int token = tokens[((long long)which[blockIdx.y] * B + b) * T + t];
      if (token % groups == mine)
        sum[token * D + column] += din[(((long long)blockIdx.y * B + b) * T + t) * D + column];
    }
  __syncthreads();
  float *share = shares + ((long long)blockIdx.y * gridDim.x + blockIdx.x) * VOCAB * D;
  for (int k = threadIdx.x; k < VOCAB * D; k += NT) share[k] = sum[k];
}

// ---- how Python starts them: 0, or CUDA's error -------------------------------------------------

constexpr int FORWARD_BYTES = 4 * (LSIZE + 2 * NT * LD), BACKWARD_BYTES = 4 * (LSIZE + NT * STAGED);
constexpr int EMBEDDING_BYTES = 4 * VOCAB * D;

#ifdef __CUDACC__
#define START(kernel, bytes, ...)                                                              \
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);            \
  kernel<<<dim3(blocks, models), NT, bytes, (cudaStream_t)stream>>>(__VA_ARGS__);              \
  return (int)cudaGetLastError();
#else
#define START(kernel, bytes, ...)                                                              \
  launched([=] { kernel(__VA_ARGS__); }, blocks, models, NT, bytes);                           \
  return 0;
#endif

extern "C" int start_forward(void *stream, int blocks, int models, const float *flat, int size, int base,
                             const int *which, const int *tokens, const int *positions, const float *in,
                             float *out, float *mixes, float *sums, int B) {
  START(forward, FORWARD_BYTES, flat, size, base, which, tokens, positions, in, out, mixes, sums, B)
}
extern "C" int start_backward(void *stream, int blocks, int models, const float *flat, int size, int base,
                              const int *which, const int *tokens, const int *positions, const float *in,
                              const float *mixes, const float *sums, const float *dout, float *din,
                              float *shares, int B) {
  START(backward, BACKWARD_BYTES, flat, size, base, which, tokens, positions, in, mixes, sums, dout, din,
        shares, B)
}
extern "C" int start_embedding(void *stream, int blocks, int models, const int *which, const int *tokens,
                               const float *din, float *shares, int B) {
  START(embedding, EMBEDDING_BYTES, which, tokens, din, shares, B)
}
