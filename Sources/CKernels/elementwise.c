#include "include/CKernels.h"
#include "kernels.h"

KERNEL void vm_add(float *out, const float *a, const float *b, long count) {
  for (long i = 0; i < count; i++) out[i] = a[i] + b[i];
}

KERNEL void vm_add_scaled(float *out, const float *a, float scale, long count) {
  for (long i = 0; i < count; i++) out[i] += scale * a[i];
}

KERNEL void vm_scale(float *x, float scale, long count) {
  for (long i = 0; i < count; i++) x[i] *= scale;
}

KERNEL double vm_sum_of_squares(const float *x, long count) {
  double total = 0;
  for (long start = 0; start < count; start += 1024) {
    long n = count - start < 1024 ? count - start : 1024;
    total += row_dot(x + start, x + start, n);
  }
  return total;
}

// x·0 is 0 for a finite x and NaN for any other, and a NaN survives every sum.
KERNEL int vm_all_finite(const float *x, long count) {
  lanes sum = fill(0);
  long i = 0;
  for (; i + 16 <= count; i += 16) sum += load(x + i) * 0.0f;
  float total = sum_lanes(sum);
  for (; i < count; i++) total += x[i] * 0.0f;
  return total == 0;
}

KERNEL void vm_add_row(float *x, const float *bias, long rows, long columns) {
  for (long r = 0; r < rows; r++)
    for (long c = 0; c < columns; c++) x[r * columns + c] += bias[c];
}

KERNEL void vm_accumulate_column_sums(float *out, const float *x, long rows, long columns) {
  for (long r = 0; r < rows; r++)
    for (long c = 0; c < columns; c++) out[c] += x[r * columns + c];
}

KERNEL void vm_exp(float *out, const float *x, long count) {
  for (long i = 0; i < count; i++) out[i] = exp_float(x[i]);
}

const char *vm_kernel_level(void) {
#if KERNEL_LEVEL == 1
  return "x86-64";
#elif KERNEL_LEVEL == 3
  return "x86-64-v3";
#elif defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("x86-64-v4")   ? "x86-64-v4"
         : __builtin_cpu_supports("x86-64-v3") ? "x86-64-v3"
                                               : "x86-64";
#else
  return "arm64";
#endif
}
