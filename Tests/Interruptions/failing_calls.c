// A library to be loaded before all others (LD_PRELOAD) that makes one call of the system fail.
//
//   FAIL_KIND   file (the default): calls that open, write, flush, cut, rename or make a directory
//               memory: calls that ask the system for memory; allocation: those that ask the allocator
//   FAIL_UNDER  of files, only those below this directory count
//   FAIL_AT     the number, from 1, of the call that fails; none when it is not set
//   FAIL_WITH   its errno, such as 28 (ENOSPC) or 5 (EIO); 0: the process is killed in its place
//   FAIL_ON     set: all later calls of the kind fail too, as on a disk that stays full
//   FAIL_COUNT  a file that gets the numbers of calls of files, memory and allocation when the program ends
//
// script/check_interruptions.py compiles and uses it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { file_call, memory_call, allocation, kinds };
static const char *const names[kinds] = {"file", "memory", "allocation"};

static atomic_long calls[kinds];
static char under[PATH_MAX];
static enum kind fail_kind;
static long fail_at;
static int fail_with, goes_on;

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("FAIL_UNDER");
  if (text) snprintf(under, sizeof under, "%s", text);
  if ((text = getenv("FAIL_KIND")))
    while (fail_kind < kinds && strcmp(text, names[fail_kind])) fail_kind++;
  if ((text = getenv("FAIL_AT"))) fail_at = atol(text);
  fail_with = (text = getenv("FAIL_WITH")) ? atoi(text) : ENOSPC;
  goes_on = getenv("FAIL_ON") != NULL;
}

__attribute__((destructor)) static void end(void) {
  const char *file = getenv("FAIL_COUNT");
  if (!file) return;
  FILE *stream = fopen(file, "w");
  if (!stream) return;
  for (int kind = 0; kind < kinds; kind++) fprintf(stream, "%ld\n", atomic_load(&calls[kind]));
  fclose(stream);
}

static int is_under(const char *path) {
  size_t length = strlen(under);
  return length && strncmp(path, under, length) == 0;
}

static int is_open_under(int file) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_under(path);
}

// Whether this call fails; errno then says why.
static int fails_as(enum kind kind, int counts) {
  if (!counts) return 0;
  long number = atomic_fetch_add(&calls[kind], 1) + 1;
  if (!fail_at || kind != fail_kind || !(goes_on ? number >= fail_at : number == fail_at)) return 0;
  if (!fail_with) kill(getpid(), SIGKILL);
  errno = fail_with;
  return 1;
}

static int fails(int counts) { return fails_as(file_call, counts); }

#define NEXT(name)                                        \
  ({                                                      \
    static __typeof__(&name) next;                        \
    if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    next;                                                 \
  })

#define OPEN(name)                                                         \
  int name(const char *path, int flags, ...) {                             \
    va_list list;                                                          \
    va_start(list, flags);                                                 \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; \
    va_end(list);                                                          \
    if (fails(flags & O_CREAT && is_under(path))) return -1;               \
    return NEXT(name)(path, flags, mode);                                  \
  }
OPEN(open)
OPEN(open64)

ssize_t write(int file, const void *bytes, size_t count) {
  if (fails(is_open_under(file))) return -1;
  return NEXT(write)(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t place) {
  if (fails(is_open_under(file))) return -1;
  return NEXT(pwrite)(file, bytes, count, place);
}

int fsync(int file) { return fails(is_open_under(file)) ? -1 : NEXT(fsync)(file); }

int ftruncate(int file, off_t length) {
  return fails(is_open_under(file)) ? -1 : NEXT(ftruncate)(file, length);
}

int rename(const char *from, const char *to) {
  return fails(is_under(to)) ? -1 : NEXT(rename)(from, to);
}

int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
  return fails(is_under(to)) ? -1 : NEXT(renameat2)(a, from, b, to, flags);
}

int mkdir(const char *path, mode_t mode) {
  return fails(is_under(path)) ? -1 : NEXT(mkdir)(path, mode);
}

void *mmap(void *place, size_t length, int protection, int flags, int file, off_t offset) {
  if (fails_as(memory_call, flags & MAP_ANONYMOUS && length)) return MAP_FAILED;
  return NEXT(mmap)(place, length, protection, flags, file, offset);
}

void *malloc(size_t size) { return fails_as(allocation, 1) ? NULL : NEXT(malloc)(size); }

void *calloc(size_t count, size_t size) {
  return fails_as(allocation, 1) ? NULL : NEXT(calloc)(count, size);
}

void *realloc(void *old, size_t size) {
  return fails_as(allocation, 1) ? NULL : NEXT(realloc)(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  return fails_as(allocation, 1) ? NULL : NEXT(aligned_alloc)(alignment, size);
}

void *mallocx(size_t, int);  // of jemalloc
void *mallocx(size_t size, int flags) {
  return fails_as(allocation, 1) ? NULL : NEXT(mallocx)(size, flags);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
  return fails_as(allocation, 1) ? ENOMEM : NEXT(posix_memalign)(place, alignment, size);
}
