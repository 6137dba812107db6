#include "include/CKernels.h"
#include "kernels.h"

KERNEL void vm_layer_norm(float *out, float *mean, float *inverse, const float *x,
                          const float *gain, const float *bias, long rows, long columns,
                          float epsilon) {
  for (long r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    float *o = out + r * columns;
    float m = row_sum(row, columns) / (float)columns;
    for (long c = 0; c < columns; c++) o[c] = row[c] - m;
    float variance = row_dot(o, o, columns) / (float)columns;
    float s = 1.0f / __builtin_elementwise_sqrt(variance + epsilon);
    for (long c = 0; c < columns; c++) o[c] = o[c] * s * gain[c] + bias[c];
    mean[r] = m;
    inverse[r] = s;
  }
}

KERNEL void vm_layer_norm_backward(float *dx, float *dgain, float *dbias, const float *dout,
                                   const float *x, const float *mean, const float *inverse,
                                   const float *gain, long rows, long columns) {
  for (long r = 0; r < rows; r++) {
    const float *row = x + r * columns, *d = dout + r * columns;
    float *o = dx + r * columns;
    float m = mean[r], s = inverse[r];
    if (dgain)
      for (long c = 0; c < columns; c++) dgain[c] += d[c] * (row[c] - m) * s;
    if (dbias)
      for (long c = 0; c < columns; c++) dbias[c] += d[c];
    lanes sum = fill(0), product = fill(0);
    long c = 0;
    for (; c + 16 <= columns; c += 16) {
      lanes scaled = load(d + c) * load(gain + c);
      sum += scaled;
      product += scaled * ((load(row + c) - m) * s);
    }
    float a = sum_lanes(sum), b = sum_lanes(product);
    for (; c < columns; c++) {
      a += d[c] * gain[c];
      b += d[c] * gain[c] * ((row[c] - m) * s);
    }
    a /= (float)columns;
    b /= (float)columns;
    for (c = 0; c < columns; c++) o[c] = s * (d[c] * gain[c] - a - (row[c] - m) * s * b);
  }
}

KERNEL void vm_rms_norm(float *out, float *inverse, const float *x, const float *gain, long rows,
                        long columns, float epsilon) {
  for (long r = 0; r < rows; r++) {
    const float *row = x + r * columns;
    float *o = out + r * columns;
    float square = row_dot(row, row, columns) / (float)columns;
    float s = 1.0f / __builtin_elementwise_sqrt(square + epsilon);
    for (long c = 0; c < columns; c++) o[c] = row[c] * s * gain[c];
    inverse[r] = s;
  }
}

KERNEL void vm_rms_norm_backward(float *dx, float *dgain, const float *dout, const float *x,
                                 const float *inverse, const float *gain, long rows,
                                 long columns) {
  for (long r = 0; r < rows; r++) {
    const float *row = x + r * columns, *d = dout + r * columns;
    float *o = dx + r * columns;
    float s = inverse[r];
    if (dgain)
      for (long c = 0; c < columns; c++) dgain[c] += d[c] * row[c] * s;
    lanes product = fill(0);
    long c = 0;
    for (; c + 16 <= columns; c += 16) product += load(d + c) * load(gain + c) * load(row + c);
    float b = sum_lanes(product);
    for (; c < columns; c++) b += d[c] * gain[c] * row[c];
    b *= s * s / (float)columns;
    for (c = 0; c < columns; c++) o[c] = s * (d[c] * gain[c] - row[c] * b);
  }
}
