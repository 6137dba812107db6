#include "include/CKernels.h"
#include "kernels.h"
#include "products.h"

KERNEL void vm_rotate_row(float *x, const float *cosine, const float *sine, long heads, long width,
                          long half, float sign) {
  for (long h = 0; h < heads; h++) {
    float *low = x + h * width, *high = low + half;
    for (long i = 0; i < half; i++) {
      float a = low[i], b = high[i], s = sign * sine[i];
      low[i] = a * cosine[i] - b * s;
      high[i] = b * cosine[i] + a * s;
    }
  }
}

// How many queries are worked on at once; those of a block skip the keys that none of them sees.
#define QUERIES 6

// One of the four steps of a 16 × 16 transposition: swaps blocks of `w` lanes between rows w apart.
#define SWAP_BLOCKS(tile, w, low, high)                                    \
  for (int i = 0; i < 16; i++)                                             \
    if (!(i & w)) {                                                        \
      lanes x = tile[i], y = tile[i + w];                                  \
      tile[i] = __builtin_shufflevector(x, y, low);                        \
      tile[i + w] = __builtin_shufflevector(x, y, high);                   \
    }
#define LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31

// Keys or values of prefix and segment as columns of [width, stride], zeros up to the stride.
INLINE void transpose(float *out, long stride, const vm_attention *h, const float *prefix,
                      const float *own) {
  long length = h->prefix + h->skipped + h->rows;
  for (long t = 0; t < stride; t += 16) {
    const float *rows[16];
    long count = length - t < 16 ? length - t : 16;
    for (long r = 0; r < count; r++)
      rows[r] = t + r < h->prefix ? prefix + (t + r) * h->stride
                                  : own + (t + r - h->prefix) * h->stride;
    long c = 0;
    for (; c + 16 <= h->width; c += 16) {
      lanes tile[16];
      for (int r = 0; r < 16; r++) tile[r] = r < count ? load(rows[r] + c) : fill(0);
      SWAP_BLOCKS(tile, 8, LOW_8, HIGH_8)
      SWAP_BLOCKS(tile, 4, LOW_4, HIGH_4)
      SWAP_BLOCKS(tile, 2, LOW_2, HIGH_2)
      SWAP_BLOCKS(tile, 1, LOW_1, HIGH_1)
      for (int r = 0; r < 16; r++) store(out + (c + r) * stride + t, tile[r]);
    }
    for (; c < h->width; c++)
      for (long r = 0; r < 16; r++) out[c * stride + t + r] = r < count ? rows[r][c] : 0;
  }
}

// e^(scale·x − offset) over n columns and 0 up to the end, which is a whole number of vectors.
INLINE void exponentials(float *x, long n, long end, float scale, float offset) {
  for (long c = n; c < up_to_16(n); c++) x[c] = -INFINITY;
  for (long c = 0; c < up_to_16(n); c += 16)
    for (int l = 0; l < 16; l++) x[c + l] = exp_float(scale * x[c + l] - offset);
  for (long c = up_to_16(n); c < end; c++) x[c] = 0;
}

// Scores of keys that lie before the window of the query at `length - 1` weigh nothing.
INLINE void hide_before_window(float *scores, long length, long window) {
  if (window)
    for (long c = 0; c < length - window; c++) scores[c] = -INFINITY;
}

long vm_attention_scratch(long before, long rows, long width) {
  return up_to_16(before + rows) * (2 * rows + width);
}

KERNEL void vm_attention_forward(float *out, long out_stride, float *log_sum,
                                 const vm_attention *head, float *scratch) {
  vm_attention h = *head;
  long before = h.prefix + h.skipped, stride = up_to_16(before + h.rows);
  float *keys = scratch, *scores = keys + h.width * stride;
  transpose(keys, stride, head, h.prefix_keys, h.keys);
  for (long first = 0; first < h.rows; first += QUERIES) {
    long n = h.rows - first < QUERIES ? h.rows - first : QUERIES;
    long seen = before + first + n, end = up_to_16(seen);
    product(scores, stride, h.queries + first * h.query_stride, h.query_stride, 1, keys, stride, n,
            end, h.width, 0);
    for (long r = 0; r < n; r++) {
      float *row = scores + r * stride;
      long length = before + first + r + 1;
      hide_before_window(row, length, h.window);
      float m = h.scale * row_max(row, length);
      exponentials(row, length, end, h.scale, m);
      float total = row_sum(row, end);
      float inverse = 1.0f / total;
      for (long c = 0; c < end; c += 16) store(row + c, load(row + c) * inverse);
      log_sum[first + r] = m + logf(total);
    }
    float *o = out + first * out_stride;
    if (h.prefix)
      product(o, out_stride, scores, stride, 1, h.prefix_values, h.stride, n, h.width, h.prefix, 0);
    product(o, out_stride, scores + h.prefix, stride, 1, h.values, h.stride, n, h.width,
            h.skipped + first + n, h.prefix > 0);
  }
}

KERNEL void vm_attention_backward(const vm_attention_gradient *gradient, const float *dout,
                                  long dout_stride, const float *log_sum, const vm_attention *head,
                                  float *scratch) {
  vm_attention h = *head;
  vm_attention_gradient d = *gradient;
  long before = h.prefix + h.skipped, stride = up_to_16(before + h.rows);
  float *columns = scratch, *p = columns + h.width * stride, *ds = p + h.rows * stride;

  // P again, then dP = dY Vᵀ and from it dS.
  transpose(columns, stride, head, h.prefix_keys, h.keys);
  for (long first = 0; first < h.rows; first += QUERIES) {
    long n = h.rows - first < QUERIES ? h.rows - first : QUERIES;
    long end = up_to_16(before + first + n);
    product(p + first * stride, stride, h.queries + first * h.query_stride, h.query_stride, 1,
            columns, stride, n, end, h.width, 0);
    for (long r = first; r < first + n; r++) {
      hide_before_window(p + r * stride, before + r + 1, h.window);
      exponentials(p + r * stride, before + r + 1, end, h.scale, log_sum[r]);
    }
  }
  transpose(columns, stride, head, h.prefix_values, h.values);
  for (long first = 0; first < h.rows; first += QUERIES) {
    long n = h.rows - first < QUERIES ? h.rows - first : QUERIES;
    long end = up_to_16(before + first + n);
    product(ds + first * stride, stride, dout + first * dout_stride, dout_stride, 1, columns,
            stride, n, end, h.width, 0);
    for (long r = first; r < first + n; r++) {
      float *row = ds + r * stride;
      const float *q = p + r * stride;
      lanes mean = fill(row_dot(row, q, end)), scale = fill(h.scale);
      for (long c = 0; c < end; c += 16)
        store(row + c, scale * load(q + c) * (load(row + c) - mean));
    }
    // dQ = dS K
    float *o = d.queries + first * h.query_stride;
    if (h.prefix)
      product(o, h.query_stride, ds + first * stride, stride, 1, h.prefix_keys, h.stride, n,
              h.width, h.prefix, 0);
    product(o, h.query_stride, ds + first * stride + h.prefix, stride, 1, h.keys, h.stride, n,
            h.width, h.skipped + first + n, h.prefix > 0);
  }
  // dV = Pᵀ dY and dK = dSᵀ Q: first of what every query sees, the prefix and the rows before the
  // first query, then of the queries' own rows, which only those from them on see.
  if (h.prefix) {
    product(d.prefix_values, h.stride, p, 1, stride, dout, dout_stride, h.prefix, h.width, h.rows,
            1);
    product(d.prefix_keys, h.stride, ds, 1, stride, h.queries, h.query_stride, h.prefix, h.width,
            h.rows, 1);
  }
  if (h.skipped) {
    product(d.values, h.stride, p + h.prefix, 1, stride, dout, dout_stride, h.skipped, h.width,
            h.rows, d.accumulating);
    product(d.keys, h.stride, ds + h.prefix, 1, stride, h.queries, h.query_stride, h.skipped,
            h.width, h.rows, d.accumulating);
  }
  for (long first = 0; first < h.rows; first += QUERIES) {
    long n = h.rows - first < QUERIES ? h.rows - first : QUERIES;
    long corner = first * stride + before + first, own = (h.skipped + first) * h.stride;
    product(d.values + own, h.stride, p + corner, 1, stride, dout + first * dout_stride,
            dout_stride, n, h.width, h.rows - first, d.accumulating);
    product(d.keys + own, h.stride, ds + corner, 1, stride, h.queries + first * h.query_stride,
            h.query_stride, n, h.width, h.rows - first, d.accumulating);
  }
}

// Sixteen columns of Σ p_t v_t, or 32; `width`, in vectors, is a constant where this is inlined.
// While a value is read, so is the one that is wanted next: the cache is far larger than L2.
INLINE void weigh(float *out, const float *p, const float *values, long length, long stride,
                  float factor, long next, int width) {
  lanes sum[2][4];
  for (int v = 0; v < width; v++)
    for (int i = 0; i < 4; i++) sum[v][i] = fill(0);
  long t = 0;
  for (; t + 4 <= length; t += 4)
    for (int i = 0; i < 4; i++)
      for (int v = 0; v < width; v++) {
        const float *value = values + (t + i) * stride + 16 * v;
        __builtin_prefetch(value + next);
        sum[v][i] += p[t + i] * load(value);
      }
  for (; t < length; t++)
    for (int v = 0; v < width; v++) sum[v][0] += p[t] * load(values + t * stride + 16 * v);
  for (int v = 0; v < width; v++)
    store(out + 16 * v, factor * ((sum[v][0] + sum[v][1]) + (sum[v][2] + sum[v][3])));
}

KERNEL void vm_attend(float *out, const float *query, const float *keys, const float *values,
                      long hidden, long length, long width, float scale, long next,
                      float *scratch) {
  long end = up_to_16(length);
  for (long t = 0; t < end; t += 16) {
    const float *column = keys + t * width;
    lanes sum[4] = {fill(0), fill(0), fill(0), fill(0)};
    long c = 0;
    for (; c + 4 <= width; c += 4)
      for (int i = 0; i < 4; i++) {
        __builtin_prefetch(column + 16 * (c + i) + next);
        sum[i] += query[c + i] * load(column + 16 * (c + i));
      }
    for (; c < width; c++) sum[0] += query[c] * load(column + 16 * c);
    store(scratch + t, (sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
  for (long t = 0; t < hidden; t++) scratch[t] = -INFINITY;
  exponentials(scratch, length, end, scale, scale * row_max(scratch, length));
  float inverse = 1.0f / row_sum(scratch, end);
  long c = 0;
  for (; c + 32 <= width; c += 32)
    weigh(out + c, scratch, values + c, length, width, inverse, next, 2);
  for (; c + 16 <= width; c += 16)
    weigh(out + c, scratch, values + c, length, width, inverse, next, 1);
  for (; c < width; c++) {
    float sum = 0;
    for (long t = 0; t < length; t++) sum += scratch[t] * values[t * width + c];
    out[c] = inverse * sum;
  }
}

KERNEL void vm_keep(float *keys, float *values, const float *row, long position, long heads,
                    long capacity, long width, long next) {
  for (long h = 0; h < heads; h++) {
    const float *key = row + h * width;
    float *block = keys + (h * capacity + position / 16 * 16) * width;
    for (long c = 0; c < width; c++) {
      __builtin_prefetch(block + 16 * c + next, 1);
      block[16 * c + position % 16] = key[c];
    }
    float *value = values + (h * capacity + position) * width;
    memcpy(value, key + heads * width, sizeof(float) * width);
  }
}
