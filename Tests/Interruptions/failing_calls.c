// A library to be loaded before all others (LD_PRELOAD) that makes one call of the system fail.
//
//   FAIL_KIND   file (the default): calls that open, write, flush, cut, rename or make a directory
//               memory: calls that ask the system for memory; allocation: those that ask the allocator
//   FAIL_UNDER  of files, only those below this directory count
//   FAIL_AT     the number, from 1, of the call that fails; none when it is not set
//   FAIL_WITH   its errno, such as 28 (ENOSPC) or 5 (EIO); 0: the process is killed in its place
//   FAIL_ON     set: all later calls of the kind fail too, as on a disk that stays full
//   FAIL_EVERY  set: every allocation fails, each in a copy of the process (fork) that ends with it, while the process
//               goes on. Allocations of the same stack between the same two calls of files fail once: whatever the
//               process does there but end, it would have to write. A copy ends before it writes.
//   FAIL_PLACE  a place, as FAIL_EVERY names it, where an allocation fails once; places are the same in two runs of
//               `setarch -R`
//   FAIL_DONE   a file that is made when it has failed there
//   FAIL_COUNT  a file that gets the numbers of calls of files, memory and allocation when the program ends; with
//               FAIL_EVERY also the number of places and how the copies ended, and a place of each 8 innermost calls
//               of a stack whose copy came to a call of files or did not end
//
// script/check_interruptions.py compiles and uses it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { file_call, memory_call, allocation, kinds };
static const char *const names[kinds] = {"file", "memory", "allocation"};

static atomic_long calls[kinds];
static char under[PATH_MAX];
static enum kind fail_kind;
static long fail_at;
static int fail_with, goes_on;

// Of FAIL_EVERY.
enum { places_size = 1 << 24, survivors_size = 1 << 12, whole = 64, innermost = 8, wrote = 99, patience = 20 /* s */ };
static int every, is_copy, nowhere;
static unsigned long *places, fail_place;  // hashes of stacks and numbers of calls of files
static long places_count, endings[2][256];  // by exit code, by signal
static struct { unsigned long who, place; } survivors[survivors_size];
static int survivors_count;

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("FAIL_UNDER");
  if (text) snprintf(under, sizeof under, "%s", text);
  if ((text = getenv("FAIL_KIND")))
    while (fail_kind < kinds && strcmp(text, names[fail_kind])) fail_kind++;
  if ((text = getenv("FAIL_AT"))) fail_at = atol(text);
  fail_with = (text = getenv("FAIL_WITH")) ? atoi(text) : ENOSPC;
  goes_on = getenv("FAIL_ON") != NULL;
  if ((text = getenv("FAIL_PLACE"))) fail_place = strtoul(text, NULL, 10);
  if (!getenv("FAIL_EVERY")) return;
  places = (void *)syscall(SYS_mmap, NULL, places_size * sizeof *places, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  nowhere = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY, 0);
  every = places != MAP_FAILED && nowhere >= 0;
}

__attribute__((destructor)) static void end(void) {
  const char *file = getenv("FAIL_COUNT");
  if (!file || is_copy) return;
  every = 0;
  FILE *stream = fopen(file, "w");
  if (!stream) return;
  for (int kind = 0; kind < kinds; kind++) fprintf(stream, "%ld\n", atomic_load(&calls[kind]));
  if (places) {
    fprintf(stream, "places %ld\n", places_count);
    for (int number = 0; number < 256; number++) {
      if (endings[0][number]) fprintf(stream, "exit %d %ld\n", number, endings[0][number]);
      if (endings[1][number]) fprintf(stream, "signal %d %ld\n", number, endings[1][number]);
    }
    for (int i = 0; i < survivors_count; i++) fprintf(stream, "survived %lu\n", survivors[i].place);
  }
  fclose(stream);
}

// A hash of the innermost calls of the stack, by its frame pointers.
__attribute__((noinline)) static unsigned long stack_hash(int calls) {
  unsigned long hash = 1469598103934665603u;
  static _Thread_local void **end;  // of the stack
  if (!end) {
    pthread_attr_t attributes;
    void *start;
    size_t size;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &start, &size);
    pthread_attr_destroy(&attributes);
    end = (void **)((char *)start + size) - 1;
  }
  void **frame = __builtin_frame_address(0), **below = frame;
  for (int depth = 0; depth < calls && frame >= below && frame < end; depth++) {
    hash = (hash ^ (unsigned long)frame[1]) * 1099511628211u;
    hash ^= hash >> 29;
    below = frame + 2;
    frame = frame[0];
  }
  return hash;
}

static unsigned long place(unsigned long stack) {
  return (stack ^ (unsigned long)atomic_load(&calls[file_call]) * 1099511628211u) | 1;
}

// Whether this is the copy of the process whose allocation fails.
static int fails_in_copy(unsigned long hash) {
  static atomic_flag taken = ATOMIC_FLAG_INIT;
  unsigned long index = hash % places_size;
  while (atomic_flag_test_and_set(&taken)) continue;
  while (places[index] && places[index] != hash) index = (index + 1) % places_size;
  int is_new = !places[index];
  if (is_new) {
    places[index] = hash;
    places_count++;
    pid_t copy = fork();
    if (copy == 0) {
      is_copy = 1;
      every = 0;
      dup2(nowhere, 1);
      dup2(nowhere, 2);
      alarm(patience);
      atomic_flag_clear(&taken);
      return 1;
    }
    if (copy < 0) abort();
    int status;
    while (waitpid(copy, &status, 0) < 0) continue;
    int is_killed = WIFSIGNALED(status);
    int how = is_killed ? WTERMSIG(status) : WEXITSTATUS(status);
    endings[is_killed][how]++;
    if (how == (is_killed ? SIGALRM : wrote)) {
      unsigned long who = stack_hash(innermost);
      int i = 0;
      while (i < survivors_count && survivors[i].who != who) i++;
      if (i == survivors_size) abort();
      survivors[i].who = who;
      survivors[i].place = hash;
      survivors_count += i == survivors_count;
    }
  }
  atomic_flag_clear(&taken);
  return 0;
}

static int fails_at_place(void) {
  static _Thread_local int inside;
  static atomic_flag done = ATOMIC_FLAG_INIT;
  if (inside) return 0;
  inside = 1;
  unsigned long hash = place(stack_hash(whole));
  int fails = every ? fails_in_copy(hash) : hash == fail_place && !atomic_flag_test_and_set(&done);
  const char *file = getenv("FAIL_DONE");
  if (fails && !every && !is_copy && file) syscall(SYS_openat, AT_FDCWD, file, O_CREAT | O_WRONLY, 0600);
  inside = 0;
  return fails;
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
  if (is_copy && kind == file_call) _exit(wrote);
  long number = atomic_fetch_add(&calls[kind], 1) + 1;
  if (kind == allocation && (every || fail_place) && fails_at_place()) {
    errno = ENOMEM;
    return 1;
  }
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

// What removes files does not fail, and ends a copy.
static void ends(int is_change) {
  if (is_copy && is_change) _exit(wrote);
}

int unlink(const char *path) {
  ends(is_under(path));
  return NEXT(unlink)(path);
}

int unlinkat(int directory, const char *path, int flags) {
  ends(1);
  return NEXT(unlinkat)(directory, path, flags);
}

int rmdir(const char *path) {
  ends(is_under(path));
  return NEXT(rmdir)(path);
}

int remove(const char *path) {
  ends(is_under(path));
  return NEXT(remove)(path);
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
