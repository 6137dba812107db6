#ifndef CJEMALLOC_SHIM_H
#define CJEMALLOC_SHIM_H
#include <stdlib.h>
#include <jemalloc/jemalloc.h>
#endif
