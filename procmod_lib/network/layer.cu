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
#pragma unroll
  for (int i = 0; i < N; i += 4) {
    float4 v = four(p + i);
    x[i] = v.x, x[i + 1] = v.y, x[i + 2] = v.z, x[i + 3] = v.w;
  }
}
template <int N> DEVICE void store(float *p, const float (&x)[N]) {
#pragma unroll
  for (int i = 0; i < N; i += 4) put(p + i, x[i], x[i + 1], x[i + 2], x[i + 3]);
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
DEVICE void norm_back(const float (&dn)[D], const float (&hat)[D], const float *w, float scale, float (&dx)[D]) {
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
  int q, i, base;
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
          (int)threadIdx.x / TP, (int)threadIdx.x % TP, 0};
}
DEVICE void load_layer(float *weights, const float *from) {
  for (int k = threadIdx.x; k < LSIZE; k += NT) weights[k] = from[k];
  __syncthreads();
}

// what a scored position sees: out (B, W, D), and for the way back the heads' mix (B, W, D) and the
// logarithms of their sums (B, W, HEADS)
KERNEL forward(const float *flat, int size, int base, const int *which, const int *tokens,
               const int *positions, const float *in, float *out, float *mixes, float *sums, int B) {
  float *w = MEMORY, *keys = w + LSIZE, *values = keys + NT * LD;
  Place at = place(flat, size, which, tokens, positions, in, B);
  load_layer(w, at.flat + base);
  const float scaling = rsqrtf((float)HD);
  for (int b0 = blockIdx.x * Q; b0 < B; b0 += gridDim.x * Q) {
    __syncthreads();
    const int b = b0 + at.q;
    float x[D], hat[D], n[D];
    if (at.i < T && b < B) {
      input(at, b, at.i, x);
      standardise(x, hat);
      norm(hat, w + N1W, n);
      float k[D], v[D];
      load(k, w + BQKV + D), load(v, w + BQKV + 2 * D);
      times(n, w + WQKV + D, 3 * D, k), times(n, w + WQKV + 2 * D, 3 * D, v);
      store(keys + threadIdx.x * LD, k), store(values + threadIdx.x * LD, v);
    }
    __syncthreads();
    if (at.i < W && b < B) {
      const long long row = ((long long)blockIdx.y * B + b) * W + at.i;
      const int last = FULL ? at.i : at.positions[b * W + at.i];
      if (!FULL) {
        input(at, b, last, x);
        standardise(x, hat);
        norm(hat, w + N1W, n);
      }
      float query[D], mix[D], most[HEADS], total[HEADS];
      load(query, w + BQKV);
      times(n, w + WQKV, 3 * D, query);
      clear(mix), clear(total);
#pragma unroll
      for (int h = 0; h < HEADS; h++) most[h] = -1e30f;
      const float *k = keys + at.q * TP * LD, *v = values + at.q * TP * LD;
      for (int s = 0; s <= last; s++)
#pragma unroll
        for (int h = 0; h < HEADS; h++) {
          float score = 0;
#pragma unroll
          for (int d = 0; d < HD; d++) score += query[h * HD + d] * k[s * LD + h * HD + d];
          most[h] = fmaxf(most[h], score * scaling);
        }
      for (int s = 0; s <= last; s++)
#pragma unroll
        for (int h = 0; h < HEADS; h++) {
          float score = 0;
#pragma unroll
          for (int d = 0; d < HD; d++) score += query[h * HD + d] * k[s * LD + h * HD + d];
          float p = expf(score * scaling - most[h]);
          total[h] += p;
#pragma unroll
          for (int d = 0; d < HD; d++) mix[h * HD + d] += p * v[s * LD + h * HD + d];
        }
#pragma unroll
      for (int h = 0; h < HEADS; h++) {
#pragma unroll
        for (int d = 0; d < HD; d++) mix[h * HD + d] /= total[h];
        sums[row * HEADS + h] = most[h] + logf(total[h]);
      }
      store(mixes + row * D, mix);
      times(mix, w + WO, D, x);
#pragma unroll
      for (int i = 0; i < D; i++) x[i] += w[BO + i];
      standardise(x, hat);
      norm(hat, w + N2W, n);
#pragma unroll
      for (int i = 0; i < D; i++) x[i] += w[BP + i];
      for (int j = 0; j < HIDDEN; j += 4) {
        float pre[4], slope;
        load(pre, w + BF + j);
        times(n, w + WF + j, HIDDEN, pre);
#pragma unroll
        for (int k4 = 0; k4 < 4; k4++) {
          const float a = gelu(pre[k4], slope);
#pragma unroll
          for (int o = 0; o < D; o += 4) {
            float4 p = four(w + WP + (j + k4) * D + o);
            x[o] += a * p.x, x[o + 1] += a * p.y, x[o + 2] += a * p.z, x[o + 3] += a * p.w;
          }
        }
      }
      store(out + row * D, x);
    }
  }
}

// From the gradient of out (B, W, D): that of in (B, T, D), and each block's share of that of the
// layer's parameters (blocks, LSIZE). What the forward pass did is computed again, but for `mixes`
// and `sums`.
KERNEL backward(const float *flat, int size, int base, const int *which, const int *tokens,
                const int *positions, const float *in, const float *mixes, const float *sums,
                const float *dout, float *din, float *shares, int B) {
  float *w = MEMORY, *stage = w + LSIZE;
  // for the MLP: what goes into its second matrix, what comes back to its first, n and the gradient
  float *active = stage, *dhidden = active + NT * LC, *normed = dhidden + NT * LC,
        *doutput = normed + NT * LD;
  // for the rest: five rows of D, the heads' sums and slopes, and positions
  float *row0 = stage, *row1 = row0 + NT * LD, *row2 = row1 + NT * LD, *row3 = row2 + NT * LD,
        *row4 = row3 + NT * LD, *heads = row4 + NT * LD;
  int *seen = (int *)(heads + NT * 2 * HEADS);
  Place at = place(flat, size, which, tokens, positions, in, B);
  load_layer(w, at.flat + base);
  const float scaling = rsqrtf((float)HD);
  const int me = threadIdx.x, first = at.q * TP;

  float mlp[CHUNKS][16], proj[16], qkv[16];
  float s_bf[CHUNKS], s_bp = 0, s_n2w = 0, s_n2b = 0, s_bo = 0, s_bqkv = 0, s_n1w = 0, s_n1b = 0;
#pragma unroll
  for (int c = 0; c < CHUNKS; c++) clear(mlp[c]), s_bf[c] = 0;
  clear(proj), clear(qkv);
  // which tile is whose
  constexpr int MP = NT / MLP_TILES, OP = NT / OUT_TILES, QP = NT / QKV_TILES;
  const int mt = me % MLP_TILES, mpart = me / MLP_TILES, ot = me % OUT_TILES, opart = me / OUT_TILES;
  const int qt = me % OUT_TILES, which_qkv = me / OUT_TILES % 3, qpart = me / QKV_TILES;
  const int ti = ot / (D / 4) * 4, to = ot % (D / 4) * 4;
  const bool second = mt < MLP_TILES / 2;  // of the MLP's matrices
  const int half = mt % (MLP_TILES / 2);
  const int mi = second ? half / (D / 4) * 4 : half / (CHUNK / 4) * 4;
  const int mo = second ? half % (D / 4) * 4 : half % (CHUNK / 4) * 4;

  for (int b0 = blockIdx.x * Q; b0 < B; b0 += gridDim.x * Q) {
    const int b = b0 + at.q;
    const bool item = at.i < W && b < B, token = at.i < T && b < B;
    const long long row = ((long long)blockIdx.y * B + b) * W + at.i;
    const int last = item ? (FULL ? at.i : at.positions[b * W + at.i]) : -1;
    float x[D], hat[D], n[D], g[D], mix[D], dr[D], dn[D], scale = 0;
    clear(g), clear(mix), clear(hat), clear(n), clear(dn);
    if (item) {
      load(g, dout + row * D);
      load(mix, mixes + row * D);
      input(at, b, last, x);
      times(mix, w + WO, D, x);
#pragma unroll
      for (int i = 0; i < D; i++) x[i] += w[BO + i];
      scale = standardise(x, hat);
      norm(hat, w + N2W, n);
    }
    __syncthreads();
    store(normed + me * LD, n), store(doutput + me * LD, g);
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
      for (int j = 0; j < CHUNK; j += 4) {
        float pre[4], a[4], dh[4];
        const int column = c * CHUNK + j;
        clear(a), clear(dh);
        if (item) {
          load(pre, w + BF + column);
          times(n, w + WF + column, HIDDEN, pre);
#pragma unroll
          for (int k = 0; k < 4; k++) {
            float slope, back_in = 0;
            a[k] = gelu(pre[k], slope);
#pragma unroll
            for (int o = 0; o < D; o += 4) {
              float4 p = four(w + WP + (column + k) * D + o);
              back_in += g[o] * p.x + g[o + 1] * p.y + g[o + 2] * p.z + g[o + 3] * p.w;
            }
            dh[k] = back_in * slope;
          }
          back(dh, w + WF + column, HIDDEN, dn);
        }
        store(active + me * LC + j, a), store(dhidden + me * LC + j, dh);
      }
      __syncthreads();
      if (mpart < MP) {
        if (second)
          gather(mlp[c], active + mi, LC, doutput + mo, LD, W, mpart, MP);
        else
          gather(mlp[c], normed + mi, LD, dhidden + mo, LC, W, mpart, MP);
      }
      s_bf[c] += column_sum<CHUNK>(dhidden, LC, W);
      if (c == 0) s_bp += column_sum<D>(doutput, LD, W);
      __syncthreads();
    }

    // the second norm, and what attention gave
    float dmix[D], wide[D];
#pragma unroll
    for (int i = 0; i < D; i++) dr[i] = g[i], wide[i] = dn[i] * hat[i];
    if (item) norm_back(dn, hat, w + N2W, scale, dr);
    clear(dmix);
    back(dr, w + WO, D, dmix);
    store(row0 + me * LD, wide), store(row1 + me * LD, dn);
    store(row2 + me * LD, mix), store(row3 + me * LD, dr);
    __syncthreads();
    if (opart < OP) gather(proj, row2 + ti, LD, row3 + to, LD, W, opart, OP);
    s_n2w += column_sum<D>(row0, LD, W), s_n2b += column_sum<D>(row1, LD, W);
    s_bo += column_sum<D>(row3, LD, W);
    __syncthreads();

    // attention
    float query[D], key[D], value[D], dquery[D], dkey[D], dvalue[D], itself[D];
    clear(query), clear(key), clear(value), clear(dquery), clear(dkey), clear(dvalue);
    clear(n), clear(hat), clear(itself);
    scale = 0;
    if (!FULL && item) {
      input(at, b, last, x);
      standardise(x, hat);
      norm(hat, w + N1W, itself);
    }
    if (token) {
      input(at, b, at.i, x);
      scale = standardise(x, hat);
      norm(hat, w + N1W, n);
      load(key, w + BQKV + D), load(value, w + BQKV + 2 * D);
      times(n, w + WQKV + D, 3 * D, key), times(n, w + WQKV + 2 * D, 3 * D, value);
    }
    if (item) {
      load(query, w + BQKV);
      if (FULL) times(n, w + WQKV, 3 * D, query);
      else times(itself, w + WQKV, 3 * D, query);
#pragma unroll
      for (int h = 0; h < HEADS; h++) {
        float along = 0;
#pragma unroll
        for (int d = 0; d < HD; d++) along += dmix[h * HD + d] * mix[h * HD + d];
        heads[me * 2 * HEADS + h] = sums[row * HEADS + h];
        heads[me * 2 * HEADS + HEADS + h] = along;
      }
    }
    seen[me] = last;
    store(row0 + me * LD, key), store(row1 + me * LD, value);
    store(row2 + me * LD, query), store(row3 + me * LD, dmix);
    __syncthreads();
    for (int s = 0; s <= last; s++) {
      const float *k = row0 + (first + s) * LD, *v = row1 + (first + s) * LD;
#pragma unroll
      for (int h = 0; h < HEADS; h++) {
        float score = 0, dp = 0;
#pragma unroll
        for (int d = h * HD; d < h * HD + HD; d++) score += query[d] * k[d], dp += dmix[d] * v[d];
        const float p = expf(score * scaling - heads[me * 2 * HEADS + h]);
        const float ds = p * (dp - heads[me * 2 * HEADS + HEADS + h]) * scaling;
#pragma unroll
        for (int d = h * HD; d < h * HD + HD; d++) dquery[d] += ds * k[d];
      }
    }
    if (token)
      for (int i = FULL ? at.i : 0; i < W; i++) {
        if (!FULL && seen[first + i] < at.i) continue;
        const float *qs = row2 + (first + i) * LD, *dm = row3 + (first + i) * LD;
        const float *head = heads + (first + i) * 2 * HEADS;
#pragma unroll
        for (int h = 0; h < HEADS; h++) {
          float score = 0, dp = 0;
#pragma unroll
          for (int d = h * HD; d < h * HD + HD; d++) score += qs[d] * key[d], dp += dm[d] * value[d];
          const float p = expf(score * scaling - head[h]);
          const float ds = p * (dp - head[HEADS + h]) * scaling;
#pragma unroll
          for (int d = h * HD; d < h * HD + HD; d++) dkey[d] += ds * qs[d], dvalue[d] += p * dm[d];
        }
      }
    __syncthreads();

    // its matrices
    store(row0 + me * LD, n), store(row1 + me * LD, dkey), store(row2 + me * LD, dvalue);
    store(row3 + me * LD, dquery);
    if (!FULL) store(row4 + me * LD, itself);
    __syncthreads();
    if (qpart < QP) {
      const float *from = which_qkv == 0 && !FULL ? row4 : row0;
      const float *back_in = which_qkv == 0 ? row3 : which_qkv == 1 ? row1 : row2;
      gather(qkv, from + ti, LD, back_in + to, LD, which_qkv == 0 ? W : T, qpart, QP);
    }
    {
      constexpr int parts = NT / (3 * D);
      const int column = me % D, kind = me / D % 3, part = me / (3 * D);
      const float *back_in = (kind == 0 ? row3 : kind == 1 ? row1 : row2) + column;
      if (part < parts)
        for (int q = 0; q < Q; q++)
          for (int i = part; i < (kind == 0 ? W : T); i += parts) s_bqkv += back_in[(q * TP + i) * LD];
    }
    float ditem[D];
    clear(ditem), clear(dn);
    back(dquery, w + WQKV, 3 * D, ditem);
    back(dkey, w + WQKV + D, 3 * D, dn), back(dvalue, w + WQKV + 2 * D, 3 * D, dn);
    __syncthreads();

    // back to each token, from itself and from the scored positions that stand on it
    float dx[D];
    if (FULL) {
#pragma unroll
      for (int i = 0; i < D; i++) dn[i] += ditem[i], dx[i] = dr[i];
    } else {
      clear(dx);
      store(row0 + me * LD, ditem), store(row1 + me * LD, dr);
      __syncthreads();
      for (int i = 0; token && i < W; i++)
        if (seen[first + i] == at.i) {
          const float *of = row0 + (first + i) * LD, *residual = row1 + (first + i) * LD;
#pragma unroll
          for (int d = 0; d < D; d++) dn[d] += of[d], dx[d] += residual[d];
        }
      __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < D; i++) wide[i] = dn[i] * hat[i];
    if (token) {
      norm_back(dn, hat, w + N1W, scale, dx);
      store(din + (((long long)blockIdx.y * B + b) * T + at.i) * D, dx);
    }
    store(row0 + me * LD, wide), store(row1 + me * LD, dn);
    __syncthreads();
    s_n1w += column_sum<D>(row0, LD, T), s_n1b += column_sum<D>(row1, LD, T);
  }

  // the block's share: the parameters' own place in shared memory, now that they are not needed
  __syncthreads();
  for (int k = me; k < LSIZE; k += NT) w[k] = 0;
  for (int part = 0; part < MP; part++)
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
      float *matrix = second ? w + WP + (c * CHUNK + mi) * D + mo : w + WF + mi * HIDDEN + c * CHUNK + mo;
      add_tile(matrix, second ? D : HIDDEN, mlp[c], mpart == part);
    }
  for (int part = 0; part < OP; part++) add_tile(w + WO + ti * D + to, D, proj, opart == part);
  for (int part = 0; part < QP; part++)
    add_tile(w + WQKV + ti * 3 * D + which_qkv * D + to, 3 * D, qkv, qpart == part);
#pragma unroll
  for (int c = 0; c < CHUNKS; c++) add_columns<CHUNK>(w + BF + c * CHUNK, s_bf[c]);
  add_columns<D>(w + BP, s_bp), add_columns<D>(w + BO, s_bo);
  add_columns<D>(w + N2W, s_n2w), add_columns<D>(w + N2B, s_n2b);
  add_columns<D>(w + N1W, s_n1w), add_columns<D>(w + N1B, s_n1b);
  add_columns<3 * D>(w + BQKV, s_bqkv);
  __syncthreads();
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
