#include "products.h"

#include "include/CKernels.h"

#define UNROLL _Pragma("clang loop unroll(full)")

// Sums in as many registers as there are; `rows` and `width`, in vectors, are constants where this is
// inlined, i and j the first row and column.
INLINE void block(Product p, long i, long j, int rows, int width) {
  lanes sum[6][4];
  const float *a = p.a + i * p.row_step, *b = p.b + j;
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int v = 0; v < width; v++) sum[r][v] = fill(0);
  for (long k = 0; k < p.inner; k++) {
    lanes right[4];
    UNROLL for (int v = 0; v < width; v++) right[v] = load(b + k * p.b_stride + 16 * v);
    UNROLL for (int r = 0; r < rows; r++) {
      lanes left = fill(a[r * p.row_step + k * p.step]);
      UNROLL for (int v = 0; v < width; v++) sum[r][v] += left * right[v];
    }
  }
  UNROLL for (int r = 0; r < rows; r++)
    UNROLL for (int v = 0; v < width; v++) {
      float *c = p.c + (i + r) * p.c_stride + j + 16 * v;
      store(c, p.accumulating ? load(c) + sum[r][v] : sum[r][v]);
    }
}

// Columns that do not fill a vector.
INLINE void last_columns(Product p, long first) {
  for (long i = 0; i < p.rows; i++)
    for (long j = first; j < p.columns; j++) {
      float sum = 0;
      for (long k = 0; k < p.inner; k++)
        sum += p.a[i * p.row_step + k * p.step] * p.b[k * p.b_stride + j];
      float *c = p.c + i * p.c_stride + j;
      *c = p.accumulating ? *c + sum : sum;
    }
}

#define ROWS_2(i, j, width) \
  case 1: block(p, i, j, 1, width); break; \
  case 2: block(p, i, j, 2, width); break;
#define ROWS_3(i, j, width) ROWS_2(i, j, width) \
  case 3: block(p, i, j, 3, width); break;
#define ROWS_6(i, j, width) ROWS_3(i, j, width) \
  case 4: block(p, i, j, 4, width); break; \
  case 5: block(p, i, j, 5, width); break; \
  case 6: block(p, i, j, 6, width); break;

// 24 sums of sixteen: for 32 registers as wide.
KERNEL static void wide(const Product *product) {
  Product p = *product;
  long j = 0;
  while (p.columns - j >= 16) {
    long width = (p.columns - j) / 16 < 4 ? (p.columns - j) / 16 : 4;
    for (long i = 0; i < p.rows; i += 6) {
      long rows = p.rows - i < 6 ? p.rows - i : 6;
      switch (width) {
        case 1: switch (rows) { ROWS_6(i, j, 1) } break;
        case 2: switch (rows) { ROWS_6(i, j, 2) } break;
        case 3: switch (rows) { ROWS_6(i, j, 3) } break;
        case 4: switch (rows) { ROWS_6(i, j, 4) } break;
      }
    }
    j += 16 * width;
  }
  last_columns(p, j);
}

// 3 sums of sixteen, or 6: for sixteen registers half or a quarter as wide.
KERNEL static void narrow(const Product *product) {
  Product p = *product;
  long j = 0;
  while (p.columns - j >= 16) {
    long width = (p.columns - j) / 16 < 2 ? 1 : 2;
    for (long i = 0; i < p.rows; i += 3) {
      long rows = p.rows - i < 3 ? p.rows - i : 3;
      switch (width) {
        case 1: switch (rows) { ROWS_3(i, j, 1) } break;
        case 2: switch (rows) { ROWS_3(i, j, 2) } break;
      }
    }
    j += 16 * width;
  }
  last_columns(p, j);
}

void run_product(const Product *p) {
#if KERNEL_LEVEL || !defined(__x86_64__)
  narrow(p);
#else
  __builtin_cpu_supports("avx512f") ? wide(p) : narrow(p);
#endif
}

KERNEL void vm_pack_weight(float *panels, const float *weight, long outputs, long inputs) {
  for (long first = 0; first < outputs; first += VM_PANEL) {
    float *panel = panels + first * inputs;
    long count = outputs - first < VM_PANEL ? outputs - first : VM_PANEL;
    for (long k = 0; k < inputs; k += 16)
      for (long j = 0; j < VM_PANEL; j++)
        for (long l = k; l < k + 16 && l < inputs; l++)
          panel[l * VM_PANEL + j] = j < count ? weight[(first + j) * inputs + l] : 0;
  }
}

KERNEL void vm_packed_product(float *y, const float *x, const float *panels, const float *bias,
                              long rows, long outputs, long inputs) {
  for (long first = 0; first < outputs; first += VM_PANEL) {
    const float *panel = panels + first * inputs;
    long count = outputs - first < VM_PANEL ? outputs - first : VM_PANEL;
    if (count % 16 == 0) {
      product(y + first, outputs, x, inputs, 1, panel, VM_PANEL, rows, count, inputs, 0);
    } else {
      float some[8 * VM_PANEL];
      for (long r = 0; r < rows; r += 8) {
        long n = rows - r < 8 ? rows - r : 8;
        product(some, VM_PANEL, x + r * inputs, inputs, 1, panel, VM_PANEL, n, up_to_16(count),
                inputs, 0);
        for (long i = 0; i < n; i++)
          memcpy(y + (r + i) * outputs + first, some + i * VM_PANEL, sizeof(float) * count);
      }
    }
    if (bias)
      for (long r = 0; r < rows; r++)
        for (long c = first; c < first + count; c++) y[r * outputs + c] += bias[c];
  }
}
