#include "include/CVectorMath.h"
#include "kernels.h"

KERNEL void vm_rotate_row(float *x, const float *cosine, const float *sine, long heads, long half,
                          float sign) {
  for (long h = 0; h < heads; h++) {
    float *low = x + 2 * h * half, *high = low + half;
    for (long i = 0; i < half; i++) {
      float a = low[i], b = high[i], s = sign * sine[i];
      low[i] = a * cosine[i] - b * s;
      high[i] = b * cosine[i] + a * s;
    }
  }
}

KERNEL void vm_causal_softmax(float *scores, float *log_sum, long rows, long columns, long stride,
                              long first, float scale) {
  for (long r = 0; r < rows; r++) {
    float *row = scores + r * stride;
    long n = first + r;
    float m = row_max(row, n);
    for (long c = 0; c < n; c++) row[c] = exp_float(scale * (row[c] - m));
    float total = row_sum(row, n);
    float inverse = 1.0f / total;
    for (long c = 0; c < n; c++) row[c] *= inverse;
    for (long c = n; c < columns; c++) row[c] = 0;
    log_sum[r] = scale * m + logf(total);
  }
}

KERNEL void vm_causal_softmax_again(float *scores, const float *log_sum, long rows, long columns,
                                    long stride, long first, float scale) {
  for (long r = 0; r < rows; r++) {
    float *row = scores + r * stride;
    long n = first + r;
    float s = log_sum[r];
    for (long c = 0; c < n; c++) row[c] = exp_float(scale * row[c] - s);
    for (long c = n; c < columns; c++) row[c] = 0;
  }
}

KERNEL void vm_causal_softmax_backward(float *dp, const float *p, long rows, long columns,
                                       long stride, long first, float scale) {
  for (long r = 0; r < rows; r++) {
    float *d = dp + r * stride;
    const float *q = p + r * stride;
    long n = first + r;
    float mean = row_dot(d, q, n);
    for (long c = 0; c < n; c++) d[c] = scale * q[c] * (d[c] - mean);
    for (long c = n; c < columns; c++) d[c] = 0;
  }
}

KERNEL void vm_attend(float *out, const float *query, const float *keys, const float *values,
                      long length, long stride, long width, float scale, float *scratch) {
  for (long t = 0; t < length; t++) scratch[t] = row_dot(query, keys + t * stride, width);
  float m = row_max(scratch, length);
  for (long t = 0; t < length; t++) scratch[t] = exp_float(scale * (scratch[t] - m));
  float inverse = 1.0f / row_sum(scratch, length);
  for (long c = 0; c < width; c++) out[c] = 0;
  for (long t = 0; t < length; t++) {
    const float *value = values + t * stride;
    float p = scratch[t] * inverse;
    for (long c = 0; c < width; c++) out[c] += p * value[c];
  }
}
