#include "include/CKernels.h"

// jemalloc reads this name in the executable before anything is allocated; MALLOC_CONF in the
// environment goes above it. Pages of 2 MB where the system gives them to those who ask: matrices
// are read in strides that miss the cache of page addresses when pages have 4 kB.
const char *malloc_conf = "thp:always";
