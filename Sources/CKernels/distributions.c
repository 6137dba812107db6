#include "include/CKernels.h"
#include "kernels.h"

// log Σ exp(scale·x), and Σ p·scale·x when `expectation` is wanted.
INLINE float log_sum_exp(const float *x, long n, float scale, float *expectation) {
  float m = row_max(x, n);
  lanes sum = fill(0), weighted = fill(0);
  long i = 0;
  for (; i + 16 <= n; i += 16) {
    float e[16];
    for (int l = 0; l < 16; l++) e[l] = exp_float(scale * (x[i + l] - m));
    lanes v = load(e);
    sum += v;
    if (expectation) weighted += v * load(x + i);
  }
  float total = sum_lanes(sum), product = sum_lanes(weighted);
  for (; i < n; i++) {
    float e = exp_float(scale * (x[i] - m));
    total += e;
    product += e * x[i];
  }
  if (expectation) *expectation = scale * product / total;
  return scale * m + logf(total);
}

KERNEL void vm_log_probabilities(float *log_probability, float *log_sum, float *entropy,
                                 const float *x, const int32_t *targets, long rows, long columns,
                                 float scale) {
  for (long r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    float expectation = 0;
    float s = log_sum_exp(row, columns, scale, entropy ? &expectation : 0);
    log_sum[r] = s;
    log_probability[r] = scale * row[targets[r]] - s;
    if (entropy) entropy[r] = s - expectation;
  }
}

KERNEL void vm_log_probabilities_backward(float *dx, const float *x, const float *log_sum,
                                          const float *dlog, const int32_t *targets, long rows,
                                          long columns, float scale) {
  for (long r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    float *d = dx + r * columns;
    float s = log_sum[r], g = scale * dlog[r];
    for (long c = 0; c < columns; c++) d[c] = -g * exp_float(scale * row[c] - s);
    d[targets[r]] += g;
  }
}

KERNEL void vm_entropy_backward(float *dx, const float *x, const float *log_sum,
                                const float *entropy, const float *dentropy, long rows,
                                long columns, float scale) {
  for (long r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    float *d = dx + r * columns;
    float s = log_sum[r], h = entropy[r], g = -scale * dentropy[r];
    for (long c = 0; c < columns; c++) {
      float log_p = scale * row[c] - s;
      d[c] = g * exp_float(log_p) * (log_p + h);
    }
  }
}

// Σ p (log p − log q) of softmax(scale·a) and softmax(scale·b), whose log-sums are sa and sb.
INLINE float divergence(const float *a, const float *b, long n, float scale, float sa, float sb) {
  lanes sum = fill(0);
  long i = 0;
  for (; i + 16 <= n; i += 16) {
    float t[16];
    for (int l = 0; l < 16; l++) {
      float la = scale * a[i + l] - sa;
      t[l] = exp_float(la) * (la - (scale * b[i + l] - sb));
    }
    sum += load(t);
  }
  float total = sum_lanes(sum);
  for (; i < n; i++) {
    float la = scale * a[i] - sa;
    total += exp_float(la) * (la - (scale * b[i] - sb));
  }
  return total;
}

KERNEL void vm_kl_rows(float *out, const float *x, const float *y, long rows, long columns,
                       float scale) {
  for (long r = 0; r < rows; r++) {
    const float *a = x + r * columns, *b = y + r * columns;
    float sa = log_sum_exp(a, columns, scale, 0), sb = log_sum_exp(b, columns, scale, 0);
    out[r] = divergence(a, b, columns, scale, sa, sb);
  }
}

KERNEL void vm_kl_derivatives(float *dx, float *out, const float *x, const float *y, long rows,
                         long columns, float scale) {
  for (long r = 0; r < rows; r++) {
    const float *a = x + r * columns, *b = y + r * columns;
    float *d = dx + r * columns;
    float sa = log_sum_exp(a, columns, scale, 0), sb = log_sum_exp(b, columns, scale, 0);
    float kl = divergence(a, b, columns, scale, sa, sb);
    for (long c = 0; c < columns; c++) {
      float la = scale * a[c] - sa;
      d[c] = scale * exp_float(la) * (la - (scale * b[c] - sb) - kl);
    }
    out[r] = kl;
  }
}
