// Elementwise and row-wise kernels over float32 arrays, each in one portable binary for several
// instruction sets. Matrices are row-major. Nothing here allocates, and no argument may alias
// another unless the comment says that it may.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- allocation ------------------------------------------------------------------------------

/// Options of jemalloc that no call can change later, decided where the program is linked.
extern const char *malloc_conf;

// ---- elementwise -----------------------------------------------------------------------------

/// out = a + b; out may be a or b.
void vm_add(float *out, const float *a, const float *b, long count);
/// out += scale · a
void vm_add_scaled(float *out, const float *a, float scale, long count);
/// x *= scale
void vm_scale(float *x, float scale, long count);
/// Σ x², accumulated in doubles per block of rows that single precision cannot spoil.
double vm_sum_of_squares(const float *x, long count);
/// 1 when every element is finite, else 0.
int vm_all_finite(const float *x, long count);
/// x[r, :] += bias
void vm_add_row(float *x, const float *bias, long rows, long columns);
/// out[c] += Σ_r x[r, c]
void vm_accumulate_column_sums(float *out, const float *x, long rows, long columns);
/// out = e^x; out may be x.
void vm_exp(float *out, const float *x, long count);

// ---- activations -----------------------------------------------------------------------------

/// Functions of one number.
typedef enum {
  VM_GELU_TANH,    // x · σ(2u), u = √(2/π)(x + 0.044715 x³)
  VM_GELU,         // x · Φ(x), Φ the normal distribution
  VM_QUICK_GELU,   // x · σ(1.702 x)
  VM_SILU,         // x · σ(x)
  VM_RELU,         // max(x, 0)
  VM_RELU_SQUARED, // max(x, 0)²
  VM_TANH,
  VM_SIGMOID,
} vm_activation;
/// out = f(x)
void vm_activate(float *out, const float *x, long count, vm_activation f);
/// dx = dout · f'(x); dx may be dout.
void vm_activate_backward(float *dx, const float *x, const float *dout, long count, vm_activation f);
/// out[r, :] = SiLU(gate) · up, where x[r, :] = (gate, up), each `width` long.
void vm_swiglu(float *out, const float *x, long rows, long width);
/// dx[r, :] = (dgate, dup) for the above.
void vm_swiglu_backward(float *dx, const float *x, const float *dout, long rows, long width);

// ---- normalisation ---------------------------------------------------------------------------

/// out = (x − mean) · inverse · gain + bias per row; saves mean and inverse = 1/√(variance + ε).
void vm_layer_norm(float *out, float *mean, float *inverse, const float *x, const float *gain,
                   const float *bias, long rows, long columns, float epsilon);
/// dx, and dgain += …, dbias += … (either may be NULL).
void vm_layer_norm_backward(float *dx, float *dgain, float *dbias, const float *dout,
                            const float *x, const float *mean, const float *inverse,
                            const float *gain, long rows, long columns);
/// out = x · inverse · gain per row; saves inverse = 1/√(mean square + ε).
void vm_rms_norm(float *out, float *inverse, const float *x, const float *gain, long rows,
                 long columns, float epsilon);
/// dx, and dgain += … (may be NULL).
void vm_rms_norm_backward(float *dx, float *dgain, const float *dout, const float *x,
                          const float *inverse, const float *gain, long rows, long columns);

// ---- attention -------------------------------------------------------------------------------

/// Turns each pair (x[i], x[i + half]) of `heads` heads of a width of at least 2·half by the angle whose
/// cosine and sine are given per element of the half; sign −1 turns back. In place.
void vm_rotate_row(float *x, const float *cosine, const float *sine, long heads, long width,
                   long half, float sign);
/// One query head over one segment, and the keys and values that it sees: those of a prefix, then the
/// segment's own, up to the query's own row. The first `skipped` rows of the segment have no query.
/// Rows of keys and values are `stride` apart, those of queries `query_stride`; the head is `width`
/// wide. A `window` of more than 0 hides the keys before the last so many, the query's own among them.
typedef struct {
  const float *queries;                      // of `rows` rows
  const float *keys, *values;                // of `skipped + rows` rows
  const float *prefix_keys, *prefix_values;  // of `prefix` rows
  long prefix, skipped, rows, query_stride, stride, width, window;
  float scale;
} vm_attention;

/// Where the gradients go, laid out as in ``vm_attention``. Those of queries are set, those of the
/// prefix added; those of own keys and values are added only if `accumulating`.
typedef struct {
  float *queries, *keys, *values, *prefix_keys, *prefix_values;
  int accumulating;
} vm_attention_gradient;

/// Floats of scratch memory that a head needs; `before` counts the prefix and the skipped rows.
long vm_attention_scratch(long before, long rows, long width);
/// out[r] = Σ softmax(scale · q_r · k) v; saves log Σ exp(scale · q_r · k).
void vm_attention_forward(float *out, long out_stride, float *log_sum, const vm_attention *head,
                          float *scratch);
/// Gradients from dout; the probabilities come back from the scores and the saved log-sums.
void vm_attention_backward(const vm_attention_gradient *gradient, const float *dout,
                           long dout_stride, const float *log_sum, const vm_attention *head,
                           float *scratch);
/// One query against `length` cached keys and values, of which the first `hidden`, fewer than all, are
/// not seen: out = Σ softmax(scale · q·k) v. Keys lie in
/// blocks of sixteen, [⌈length / 16⌉, width, 16], values in rows [length, width]; `scratch` holds
/// `length` floats, rounded up to sixteen. What a block has after `length` does not matter. `next` is
/// how many floats further on the keys and values lie that are wanted next: a hint, 0 for none.
void vm_attend(float *out, const float *query, const float *keys, const float *values, long hidden,
               long length, long width, float scale, long next, float *scratch);
/// Puts a token's (keys, values), each [heads, width], where `vm_attend` reads them: `capacity`
/// positions a head, a multiple of sixteen. `next` as there.
void vm_keep(float *keys, float *values, const float *row, long position, long heads, long capacity,
             long width, long next);

// ---- products with a weight that is used many times --------------------------------------------

/// Outputs side by side in a packed weight.
#define VM_PANEL 64

/// Lays W [outputs, inputs] out for ``vm_packed_product``: panels of 64 outputs, each [inputs, 64],
/// zeros where W has no more; ⌈outputs / 64⌉ · 64 · inputs floats.
void vm_pack_weight(float *panels, const float *weight, long outputs, long inputs);
/// y = x Wᵀ + bias (may be NULL), x [rows, inputs]. A row of y is the same bits alone and among others.
void vm_packed_product(float *y, const float *x, const float *panels, const float *bias, long rows,
                       long outputs, long inputs);

// ---- distributions over the vocabulary -------------------------------------------------------

/// log_probability[r] = scale·x[r, t_r] − log_sum[r], log_sum[r] = log Σ exp(scale · x[r, :]).
/// `entropy` (may be NULL) receives −Σ p log p.
void vm_log_probabilities(float *log_probability, float *log_sum, float *entropy, const float *x,
                          const int32_t *targets, long rows, long columns, float scale);
/// dx[r, c] = scale · dlog[r] · (1[c = t_r] − p[r, c]); dx may be x.
void vm_log_probabilities_backward(float *dx, const float *x, const float *log_sum,
                                   const float *dlog, const int32_t *targets, long rows,
                                   long columns, float scale);
/// dx[r, c] = −scale · dentropy[r] · p (log p + entropy[r]), from the saved log-sums and entropies.
void vm_entropy_backward(float *dx, const float *x, const float *log_sum, const float *entropy,
                         const float *dentropy, long rows, long columns, float scale);
/// out[r] = Σ_c p (log p − log q): KL of softmax(scale·x[r]) from softmax(scale·y[r]).
void vm_kl_rows(float *out, const float *x, const float *y, long rows, long columns, float scale);
/// The same, and dx[r, c] = scale · p (log p − log q − out[r]), its derivative by x.
void vm_kl_derivatives(float *dx, float *out, const float *x, const float *y, long rows, long columns,
                  float scale);

// ---- optimisation ----------------------------------------------------------------------------

/// One AdamW step (Loshchilov and Hutter 2019) with the arithmetic of PyTorch:
/// g = scale·gradient; m, v moments; p ← p(1 − lr·decay) − (lr / correction1)·m / (√v/√correction2 + ε).
/// rest1 and rest2 are 1 − beta, formed in double: in float, 1 − 0.999 is 5e-5 too large.
void vm_adamw(float *parameter, float *first, float *second, const float *gradient, long count,
              float scale, float rate, float beta1, float rest1, float beta2, float rest2,
              float epsilon, float decay, float correction1, float root_correction2);

// The instruction set that the kernels run with, such as "x86-64-v3".
const char *vm_kernel_level(void);

#ifdef __cplusplus
}
#endif
#endif
