// Matrix products that are too small, or whose right side is used too often, for BLAS.
#ifndef PRODUCTS_H
#define PRODUCTS_H

#include "kernels.h"

// c[i, j] = Σ_k a[i·row_step + k·step] b[k·b_stride + j], added to what is there if `accumulating`.
// Every sum runs over k in order, whatever the other extents are: a row of c is the same bits alone
// and among others.
typedef struct {
  float *c;
  const float *a, *b;
  long c_stride, row_step, step, b_stride, rows, columns, inner, accumulating;
} Product;

__attribute__((visibility("hidden"))) void run_product(const Product *product);

// By pointer: eleven arguments would go over the stack twice, which took longer than some products.
INLINE void product(float *c, long c_stride, const float *a, long row_step, long step,
                    const float *b, long b_stride, long rows, long columns, long inner,
                    int accumulating) {
  Product p = {c, a, b, c_stride, row_step, step, b_stride, rows, columns, inner, accumulating};
  run_product(&p);
}

INLINE long up_to_16(long n) { return (n + 15) / 16 * 16; }

#endif
