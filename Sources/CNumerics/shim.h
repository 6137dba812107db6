#ifndef CNUMERICS_SHIM_H
#define CNUMERICS_SHIM_H
#include <cblas.h>
#include <stdlib.h>
#include <jemalloc/jemalloc.h>

// The flags of mallocx are macros that Swift does not see. Caches of threads are left out: blocks in
// them would count as in use.
static inline void *arena_allocate(size_t size, unsigned arena) {
  return mallocx(size, MALLOCX_ALIGN(64) | MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE);
}

static inline void arena_deallocate(void *block) { dallocx(block, MALLOCX_TCACHE_NONE); }
#endif
