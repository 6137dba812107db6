#include "include/CKernels.h"
#include "kernels.h"

#define ROOT_2_OVER_PI 0.7978845608028654f
#define CUBIC 0.044715f

INLINE float sigmoid(float x) { return 1.0f / (1.0f + exp_float(-x)); }

KERNEL void vm_gelu(float *out, const float *x, long count) {
  for (long i = 0; i < count; i++) {
    float v = x[i];
    out[i] = v * sigmoid(2 * ROOT_2_OVER_PI * (v + CUBIC * v * v * v));
  }
}

KERNEL void vm_gelu_backward(float *dx, const float *x, const float *dout, long count) {
  for (long i = 0; i < count; i++) {
    float v = x[i];
    float s = sigmoid(2 * ROOT_2_OVER_PI * (v + CUBIC * v * v * v));
    float derivative = 2 * ROOT_2_OVER_PI * (1 + 3 * CUBIC * v * v);
    dx[i] = dout[i] * (s + v * s * (1 - s) * derivative);
  }
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
