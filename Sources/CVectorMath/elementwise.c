#include "CVectorMath.h"
__attribute__((target_clones("default","arch=x86-64-v3","arch=x86-64-v4")))
void vm_add(float *out, const float *a, const float *b, long n) {
  for (long i = 0; i < n; i++) out[i] = a[i] + b[i];
}
