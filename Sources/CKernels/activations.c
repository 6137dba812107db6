#include "include/CKernels.h"
#include "kernels.h"

#define ROOT_2_OVER_PI 0.7978845608028654f
#define CUBIC 0.044715f

INLINE float sigmoid(float x) { return 1.0f / (1.0f + exp_float(-x)); }

// Φ(x) and the density φ(x) of the normal distribution, from e^(−x²/2) and a polynomial whose error is
// under 1e-7 (Abramowitz and Stegun 1964, 7.1.26).
INLINE float normal_distribution(float x, float *density) {
  float power = exp_float(-0.5f * x * x);
  float t = 1.0f / (1.0f + 0.3275911f * 0.70710678f * __builtin_fabsf(x));
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  float tail = 0.5f * p * t * power;
  *density = 0.3989422804f * power;
  return x < 0 ? tail : 1.0f - tail;
}

// f(x), and its derivative where one is wanted; `f` is a constant where this is inlined.
INLINE float activate(float x, vm_activation f, float *derivative) {
  float s, value, d;
  switch (f) {
    case VM_GELU_TANH:
      s = sigmoid(2 * ROOT_2_OVER_PI * (x + CUBIC * x * x * x));
      d = 2 * ROOT_2_OVER_PI * (1 + 3 * CUBIC * x * x);
      *derivative = s + x * s * (1 - s) * d;
      return x * s;
    case VM_GELU:
      value = normal_distribution(x, &d);
      *derivative = value + x * d;
      return x * value;
    case VM_QUICK_GELU:
      s = sigmoid(1.702f * x);
      *derivative = s * (1 + 1.702f * x * (1 - s));
      return x * s;
    case VM_SILU:
      s = sigmoid(x);
      *derivative = s * (1 + x * (1 - s));
      return x * s;
    case VM_RELU:
      *derivative = x > 0 ? 1.0f : 0.0f;
      return x < 0 ? 0 : x;  // a NaN stays one
    case VM_RELU_SQUARED:
      value = x < 0 ? 0 : x;
      *derivative = 2 * value;
      return value * value;
    case VM_TANH:
      value = 2 * sigmoid(2 * x) - 1;
      *derivative = 1 - value * value;
      return value;
    case VM_SIGMOID:
      s = sigmoid(x);
      *derivative = s * (1 - s);
      return s;
  }
  return x;
}

// A loop for each function, so that each is vectorized.
#define EACH_ACTIVATION(LOOP) \
  LOOP(VM_GELU_TANH) LOOP(VM_GELU) LOOP(VM_QUICK_GELU) LOOP(VM_SILU) LOOP(VM_RELU) \
  LOOP(VM_RELU_SQUARED) LOOP(VM_TANH) LOOP(VM_SIGMOID)

KERNEL void vm_activate(float *out, const float *x, long count, vm_activation f) {
  float unused;
#define LOOP(F) \
  case F: \
    for (long i = 0; i < count; i++) out[i] = activate(x[i], F, &unused); \
    break;
  switch (f) { EACH_ACTIVATION(LOOP) }
#undef LOOP
}

KERNEL void vm_activate_backward(float *dx, const float *x, const float *dout, long count,
                                 vm_activation f) {
#define LOOP(F) \
  case F: \
    for (long i = 0; i < count; i++) { \
      float derivative; \
      activate(x[i], F, &derivative); \
      dx[i] = dout[i] * derivative; \
    } \
    break;
  switch (f) { EACH_ACTIVATION(LOOP) }
#undef LOOP
}

KERNEL void vm_swiglu(float *out, const float *x, long rows, long width) {
  for (long r = 0; r < rows; r++) {
    const float *gate = x + 2 * r * width, *up = gate + width;
    float *o = out + r * width;
    for (long c = 0; c < width; c++) o[c] = gate[c] * sigmoid(gate[c]) * up[c];
  }
}

KERNEL void vm_swiglu_backward(float *dx, const float *x, const float *dout, long rows,
                               long width) {
  for (long r = 0; r < rows; r++) {
    const float *gate = x + 2 * r * width, *up = gate + width, *d = dout + r * width;
    float *dgate = dx + 2 * r * width, *dup = dgate + width;
    for (long c = 0; c < width; c++) {
      float s = sigmoid(gate[c]);
      dup[c] = d[c] * gate[c] * s;
      dgate[c] = d[c] * up[c] * s * (1 + gate[c] * (1 - s));
    }
  }
}
