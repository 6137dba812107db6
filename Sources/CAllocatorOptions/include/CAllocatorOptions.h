// How jemalloc manages memory, decided where the program is linked.
#ifndef CALLOCATOROPTIONS_H
#define CALLOCATOROPTIONS_H

/// Options of jemalloc that no call can change later.
extern const char *malloc_conf;

#endif
