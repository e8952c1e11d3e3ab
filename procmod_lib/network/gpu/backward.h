// From the gradient of a layer's output to that of its input, and each thread's part of the sums
// that are the gradients of its parameters. What the forward pass did is computed again.
#pragma once
#include "forward.h"

// which tile of a pair of matrices is a thread's, and which of the rows it adds up
struct Tiles {
  int mlp_part, mlp_in, mlp_out, out_part, qkv_part, kind, in, out;
  bool second;  // of the MLP's matrices
};
constexpr int MLP_PARTS = NT / MLP_TILES, OUT_PARTS = NT / OUT_TILES, QKV_PARTS = NT / QKV_TILES;

DEVICE Tiles tiles() {
  const int me = threadIdx.x, of_mlp = me % MLP_TILES, half = of_mlp % (MLP_TILES / 2);
  const bool second = of_mlp < MLP_TILES / 2;
  const int across = second ? D / 4 : CHUNK / 4, of_out = me % OUT_TILES;
  return {me / MLP_TILES,        half / across * 4,         half % across * 4,
          me / OUT_TILES,        me / QKV_TILES,            me / OUT_TILES % 3,
          of_out / (D / 4) * 4,  of_out % (D / 4) * 4,      second};
}

// a thread's part of the gradients: tiles of the matrices, and one column of each vector
struct Sums {
  float mlp[CHUNKS][16], proj[16], qkv[16], bf[CHUNKS], bp, n2w, n2b, bo, bqkv, n1w, n1b;
};
DEVICE void clear(Sums &sum) {
#pragma unroll
  for (int c = 0; c < CHUNKS; c++) clear(sum.mlp[c]);
  clear(sum.proj), clear(sum.qkv), clear(sum.bf);
  sum.bp = sum.n2w = sum.n2b = sum.bo = sum.bqkv = sum.n1w = sum.n1b = 0;
}

// Shared memory, one row a thread. For the MLP: what goes into its second matrix and what comes back
// to its first, its normed input and the gradient of its output. For the rest: five rows of D, two
// numbers a head, and the position that is looked from.
struct Stage {
  float *active, *dhidden, *normed, *doutput;
  float *rows, *heads;
  int *seen;
};
DEVICE Stage stage(float *memory) {
  float *active = memory, *dhidden = active + NT * LC, *normed = dhidden + NT * LC;
  float *heads = memory + 5 * NT * LD;
  return {active, dhidden, normed, normed + NT * LD, memory, heads, (int *)(heads + NT * 2 * HEADS)};
}
DEVICE float *row_of(const Stage &st, int k) { return st.rows + k * NT * LD; }
DEVICE void keep(float *rows, const float (&x)[D]) { store(rows + threadIdx.x * LD, x); }

// four hidden numbers of the MLP: a, what comes back to them, and what they send on to dn
DEVICE void hidden_back(const float *w, int column, const float (&n)[D], const float (&g)[D],
                        float (&a)[4], float (&dh)[4], float (&dn)[D]) {
  float pre[4];
  load(pre, w + BF + column);
  times(n, w + WF + column, HIDDEN, pre);
#pragma unroll
  for (int k = 0; k < 4; k++) {
    float slope, behind = 0;
    a[k] = gelu(pre[k], slope);
#pragma unroll
    for (int o = 0; o < D; o += 4) {
      float4 p = four(w + WP + (column + k) * D + o);
      behind += g[o] * p.x + g[o + 1] * p.y + g[o + 2] * p.z + g[o + 3] * p.w;
    }
    dh[k] = behind * slope;
  }
  back(dh, w + WF + column, HIDDEN, dn);
}

// the MLP: from the gradient g of its output, dn of its normed input n
DEVICE void mlp_back(const float *w, const Stage &st, const Tiles &own, bool item,
                     const float (&n)[D], const float (&g)[D], float (&dn)[D], Sums &sum) {
  keep(st.normed, n), keep(st.doutput, g);
#pragma unroll
  for (int c = 0; c < CHUNKS; c++) {
    for (int j = 0; j < CHUNK; j += 4) {
      float a[4], dh[4];
      clear(a), clear(dh);
      if (item) hidden_back(w, c * CHUNK + j, n, g, a, dh, dn);
      store(st.active + threadIdx.x * LC + j, a), store(st.dhidden + threadIdx.x * LC + j, dh);
    }
    __syncthreads();
    if (own.mlp_part < MLP_PARTS) {
      if (own.second)
        gather(sum.mlp[c], st.active + own.mlp_in, LC, st.doutput + own.mlp_out, LD, W,
               own.mlp_part, MLP_PARTS);
      else
        gather(sum.mlp[c], st.normed + own.mlp_in, LD, st.dhidden + own.mlp_out, LC, W,
               own.mlp_part, MLP_PARTS);
    }
    sum.bf[c] += column_sum<CHUNK>(st.dhidden, LC, W);
    if (c == 0) sum.bp += column_sum<D>(st.doutput, LD, W);
    __syncthreads();
  }
}

// the second norm and the output matrix: from dn, and dr of what the norm was given, dmix of the
// heads' mix
DEVICE void mix_back(const float *w, const Stage &st, const Tiles &own, const float (&mix)[D],
                     const float (&hat)[D], const float (&dn)[D], const float (&dr)[D],
                     float (&dmix)[D], Sums &sum) {
  float along[D];
#pragma unroll
  for (int i = 0; i < D; i++) along[i] = dn[i] * hat[i];
  clear(dmix);
  back(dr, w + WO, D, dmix);
  keep(row_of(st, 0), along), keep(row_of(st, 1), dn), keep(row_of(st, 2), mix), keep(row_of(st, 3), dr);
  __syncthreads();
  if (own.out_part < OUT_PARTS)
    gather(sum.proj, row_of(st, 2) + own.in, LD, row_of(st, 3) + own.out, LD, W, own.out_part, OUT_PARTS);
  sum.n2w += column_sum<D>(row_of(st, 0), LD, W), sum.n2b += column_sum<D>(row_of(st, 1), LD, W);
  sum.bo += column_sum<D>(row_of(st, 3), LD, W);
  __syncthreads();
}

// what a scored position leaves for the way back: the logarithms of its heads' sums, and the slope
// that is common to all that a head looked at
DEVICE void keep_heads(const Stage &st, const float *logs, const float (&mix)[D], const float (&dmix)[D]) {
  float *mine = st.heads + threadIdx.x * 2 * HEADS;
#pragma unroll
  for (int h = 0; h < HEADS; h++) {
    float along = 0;
#pragma unroll
    for (int d = h * HD; d < h * HD + HD; d++) along += dmix[d] * mix[d];
    mine[h] = logs[h], mine[HEADS + h] = along;
  }
}

// one pair of a query and a key, one head: how much it looked (p) and the gradient of its score (ds),
// from this thread's key or query with its value or gradient, and the other's
DEVICE void looked(const float (&mine)[D], const float *other, const float (&gives)[D],
                   const float *takes, int h, const float *heads, float &p, float &ds) {
  float dp = 0;
#pragma unroll
  for (int d = h * HD; d < h * HD + HD; d++) dp += gives[d] * takes[d];
  p = expf(score_of(mine, other, h) - heads[h]);
  ds = p * (dp - heads[HEADS + h]) * rsqrtf((float)HD);
}

// a scored position: dquery, from the keys and values up to it
DEVICE void query_back(const Stage &st, int first, int last, const float (&query)[D],
                       const float (&dmix)[D], float (&dquery)[D]) {
  for (int s = 0; s <= last; s++) {
    const float *k = row_of(st, 0) + (first + s) * LD, *v = row_of(st, 1) + (first + s) * LD;
#pragma unroll
    for (int h = 0; h < HEADS; h++) {
      float p, ds;
      looked(query, k, dmix, v, h, st.heads + threadIdx.x * 2 * HEADS, p, ds);
#pragma unroll
      for (int d = h * HD; d < h * HD + HD; d++) dquery[d] += ds * k[d];
    }
  }
}

// token i: dkey and dvalue, from the scored positions that see it
DEVICE void key_back(const Stage &st, int first, int i, const float (&key)[D],
                     const float (&value)[D], float (&dkey)[D], float (&dvalue)[D]) {
  for (int j = FULL ? i : 0; j < W; j++) {
    if (!FULL && st.seen[first + j] < i) continue;
    const float *q = row_of(st, 2) + (first + j) * LD, *dm = row_of(st, 3) + (first + j) * LD;
#pragma unroll
    for (int h = 0; h < HEADS; h++) {
      float p, ds;
      looked(key, q, value, dm, h, st.heads + (first + j) * 2 * HEADS, p, ds);
#pragma unroll
      for (int d = h * HD; d < h * HD + HD; d++) dkey[d] += ds * q[d], dvalue[d] += p * dm[d];
    }
  }
}

// queries, keys and values: the gradients of their matrix and vector from n of tokens, `itself` of
// scored positions, and what came back to the three
DEVICE void maps_back(const Stage &st, const Tiles &own, const float (&n)[D],
                      const float (&itself)[D], const float (&dquery)[D], const float (&dkey)[D],
                      const float (&dvalue)[D], Sums &sum) {
  keep(row_of(st, 0), n), keep(row_of(st, 1), dkey), keep(row_of(st, 2), dvalue), keep(row_of(st, 3), dquery);
  if (!FULL) keep(row_of(st, 4), itself);
  __syncthreads();
  if (own.qkv_part < QKV_PARTS) {
    const float *from = own.kind == 0 && !FULL ? row_of(st, 4) : row_of(st, 0);
    const float *behind = own.kind == 0 ? row_of(st, 3) : row_of(st, own.kind);
    gather(sum.qkv, from + own.in, LD, behind + own.out, LD, own.kind == 0 ? W : T, own.qkv_part,
           QKV_PARTS);
  }
  constexpr int parts = NT / (3 * D);
  const int kind = threadIdx.x / D % 3, part = threadIdx.x / (3 * D);
  const float *column = (kind == 0 ? row_of(st, 3) : row_of(st, kind)) + threadIdx.x % D;
  if (part < parts)
    for (int q = 0; q < Q; q++)
      for (int i = part; i < (kind == 0 ? W : T); i += parts) sum.bqkv += column[(q * TP + i) * LD];
}

// a token's share of what came back to the scored positions that stand on it: through their queries
// to dn, and past attention to dx
DEVICE void gather_items(const Stage &st, int first, int i, bool token, const float (&ditem)[D],
                         const float (&dr)[D], float (&dn)[D], float (&dx)[D]) {
  if (FULL) {
#pragma unroll
    for (int d = 0; d < D; d++) dn[d] += ditem[d], dx[d] = dr[d];
    return;
  }
  clear(dx);
  keep(row_of(st, 0), ditem), keep(row_of(st, 1), dr);
  __syncthreads();
  for (int j = 0; token && j < W; j++)
    if (st.seen[first + j] == i) {
      const float *of = row_of(st, 0) + (first + j) * LD, *past = row_of(st, 1) + (first + j) * LD;
#pragma unroll
      for (int d = 0; d < D; d++) dn[d] += of[d], dx[d] += past[d];
    }
  __syncthreads();
}

// a block's share of the gradient of the parameters, laid out as they are
DEVICE void add_up(float *w, const Tiles &own, const Sums &sum) {
  __syncthreads();
  for (int k = threadIdx.x; k < LSIZE; k += NT) w[k] = 0;
  for (int part = 0; part < MLP_PARTS; part++)
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
      float *second = w + WP + (c * CHUNK + own.mlp_in) * D + own.mlp_out;
      float *first = w + WF + own.mlp_in * HIDDEN + c * CHUNK + own.mlp_out;
      add_tile(own.second ? second : first, own.second ? D : HIDDEN, sum.mlp[c],
               own.mlp_part == part);
    }
  for (int part = 0; part < OUT_PARTS; part++)
    add_tile(w + WO + own.in * D + own.out, D, sum.proj, own.out_part == part);
  for (int part = 0; part < QKV_PARTS; part++)
    add_tile(w + WQKV + own.in * 3 * D + own.kind * D + own.out, 3 * D, sum.qkv,
             own.qkv_part == part);
#pragma unroll
  for (int c = 0; c < CHUNKS; c++) add_columns<CHUNK>(w + BF + c * CHUNK, sum.bf[c]);
  add_columns<D>(w + BP, sum.bp), add_columns<D>(w + BO, sum.bo);
  add_columns<D>(w + N2W, sum.n2w), add_columns<D>(w + N2B, sum.n2b);
  add_columns<D>(w + N1W, sum.n1w), add_columns<D>(w + N1B, sum.n1b);
  add_columns<3 * D>(w + BQKV, sum.bqkv);
  __syncthreads();
}
