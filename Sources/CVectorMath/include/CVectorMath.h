#ifndef CVECTORMATH_H
#define CVECTORMATH_H
void vm_add(float *out, const float *a, const float *b, long n);
#endif
