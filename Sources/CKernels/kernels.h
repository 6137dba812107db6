// What the kernels share: the clones per instruction set, sixteen lanes at a time, and exp.
#ifndef KERNELS_H
#define KERNELS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

// Every use of `lanes` is inlined, so how one would be passed between functions does not matter.
#pragma GCC diagnostic ignored "-Wpsabi"

// The loader picks the widest version that the processor has: one binary, no unsafe flags.
// KERNEL_LEVEL (1 or 3) builds a narrower version alone, for script/test_processors.
#if !defined(__x86_64__)
#define KERNEL
#elif KERNEL_LEVEL == 1
#define KERNEL
#elif KERNEL_LEVEL == 3
#define KERNEL __attribute__((target("arch=x86-64-v3")))
#elif defined(KERNEL_LEVEL)
#error "KERNEL_LEVEL is 1 or 3"
#elif __has_feature(thread_sanitizer)
// What picks a clone runs before the sanitizer is set up, and would call it.
#define KERNEL
#elif defined(__linux__)
#define KERNEL __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define KERNEL
#endif
#define INLINE static inline __attribute__((always_inline))

// Sixteen lanes in a fixed order, so that sums are the same numbers on every run and every width
// of register. (The compiler may not reorder float sums by itself, so it would not vectorize them.)
typedef float lanes __attribute__((vector_size(64)));

INLINE lanes load(const float *p) {
  lanes v;
  memcpy(&v, p, sizeof v);
  return v;
}
INLINE void store(float *p, lanes v) { memcpy(p, &v, sizeof v); }
// x − 0 is x also for −0, so that the compiler leaves the subtraction out.
INLINE lanes fill(float x) { return x - (lanes){}; }
typedef float half_lanes __attribute__((vector_size(32)));
typedef float quarter_lanes __attribute__((vector_size(16)));
INLINE half_lanes low_8(lanes v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
INLINE half_lanes high_8(lanes v) {
  return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
}
INLINE quarter_lanes low_4(half_lanes v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3); }
INLINE quarter_lanes high_4(half_lanes v) { return __builtin_shufflevector(v, v, 4, 5, 6, 7); }
INLINE float sum_lanes(lanes v) {
  half_lanes h = low_8(v) + high_8(v);
  quarter_lanes q = low_4(h) + high_4(h);
  return (q[0] + q[2]) + (q[1] + q[3]);
}
INLINE float max_lanes(lanes v) {
  half_lanes h = __builtin_elementwise_max(low_8(v), high_8(v));
  quarter_lanes q = __builtin_elementwise_max(low_4(h), high_4(h));
  float a = q[0] > q[2] ? q[0] : q[2], b = q[1] > q[3] ? q[1] : q[3];
  return a > b ? a : b;
}

// e^x with a relative error under 2e-7: x = n·ln 2 + r, a polynomial in r, and n into the exponent.
// Adding 1.5·2²³ rounds to the nearest integer without a branch. Below −87 it is 0, above 88 it stays at e⁸⁸.
INLINE float exp_float(float x) {
  const float magic = 12582912.0f;
  float bounded = x < -87.0f ? -87.0f : x;
  bounded = bounded > 88.0f ? 88.0f : bounded;
  float shifted = bounded * 1.44269504088896341f + magic;
  float n = shifted - magic;
  float r = bounded - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  // `shifted` is magic, whose bits are 0x4b400000, with n added to the last of them. A cast of n would be undefined
  // for a NaN.
  uint32_t exponent;
  memcpy(&exponent, &shifted, sizeof exponent);
  exponent = (exponent - 0x4b400000u + 127u) << 23;
  float power;
  memcpy(&power, &exponent, sizeof power);
  float y = p * power;
  y = x < -87.0f ? 0.0f : y;
  return x != x ? x : y;  // a NaN stays one, or a broken loss would go unseen
}

INLINE float row_sum(const float *x, long n) {
  lanes sum = fill(0);
  long i = 0;
  for (; i + 16 <= n; i += 16) sum += load(x + i);
  float total = sum_lanes(sum);
  for (; i < n; i++) total += x[i];
  return total;
}

INLINE float row_dot(const float *a, const float *b, long n) {
  lanes sum = fill(0);
  long i = 0;
  for (; i + 16 <= n; i += 16) sum += load(a + i) * load(b + i);
  float total = sum_lanes(sum);
  for (; i < n; i++) total += a[i] * b[i];
  return total;
}

INLINE float row_max(const float *x, long n) {
  lanes best = fill(-INFINITY);
  long i = 0;
  for (; i + 16 <= n; i += 16) best = __builtin_elementwise_max(best, load(x + i));
  float m = max_lanes(best);
  for (; i < n; i++) m = x[i] > m ? x[i] : m;
  return m;
}

#endif
