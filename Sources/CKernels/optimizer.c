#include "include/CKernels.h"
#include "kernels.h"

KERNEL void vm_adamw(float *parameter, float *first, float *second, const float *gradient,
                     long count, float scale, float rate, float beta1, float rest1, float beta2,
                     float rest2, float epsilon, float decay, float correction1,
                     float root_correction2) {
  float keep = 1 - rate * decay, step = rate / correction1;
  for (long i = 0; i < count; i++) {
    float g = scale * gradient[i];
    float m = beta1 * first[i] + rest1 * g;
    float v = beta2 * second[i] + rest2 * g * g;
    first[i] = m;
    second[i] = v;
    float denominator = __builtin_elementwise_sqrt(v) / root_correction2 + epsilon;
    parameter[i] = parameter[i] * keep - step * m / denominator;
  }
}
