// A library to be loaded before all others (LD_PRELOAD) that makes one call of the system fail.
//
//   FAIL_UNDER  only calls on files below this directory count
//   FAIL_AT     the number, from 1, of the call that fails; none when it is not set
//   FAIL_WITH   its errno, such as 28 (ENOSPC) or 5 (EIO)
//   FAIL_ON     set: all later calls that need room fail too, as on a disk that stays full
//   FAIL_COUNT  a file that gets the number of calls when the program ends
//
// script/check_interruptions.py compiles and uses it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long calls;
static char under[PATH_MAX];
static long fail_at;
static int fail_with, goes_on;

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("FAIL_UNDER");
  if (text) snprintf(under, sizeof under, "%s", text);
  if ((text = getenv("FAIL_AT"))) fail_at = atol(text);
  fail_with = (text = getenv("FAIL_WITH")) ? atoi(text) : ENOSPC;
  goes_on = getenv("FAIL_ON") != NULL;
}

__attribute__((destructor)) static void end(void) {
  const char *file = getenv("FAIL_COUNT");
  if (!file) return;
  FILE *stream = fopen(file, "w");
  if (!stream) return;
  fprintf(stream, "%ld\n", atomic_load(&calls));
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
static int fails(int counts) {
  if (!counts) return 0;
  long number = atomic_fetch_add(&calls, 1) + 1;
  if (!fail_at || !(goes_on ? number >= fail_at : number == fail_at)) return 0;
  errno = fail_with;
  return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

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
