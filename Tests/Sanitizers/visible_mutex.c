// A library to be loaded before all others (LD_PRELOAD) that tells thread sanitizer of Swift's Mutex.
//
// A Mutex that is free is taken by code in the caller, which the sanitizer sees; one that is not, in Swift's own
// library, which is not instrumented. What was done under the lock would seem to race. script/test_sanitizers
// compiles and uses it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SELF __attribute__((swift_context))

__attribute__((swiftcall)) void lock_slow(uint32_t thread, SELF void *handle) __asm__(LOCK);
__attribute__((swiftcall)) void unlock_slow(SELF void *handle) __asm__(UNLOCK);

// __tsan_acquire or __tsan_release, where the program has them.
static void tell(const char *what, void *handle) {
  void (*call)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, what);
  if (call) call(handle);
}

__attribute__((swiftcall)) void lock_slow(uint32_t thread, SELF void *handle) {
  __typeof__(&lock_slow) next = (__typeof__(&lock_slow))dlsym(RTLD_NEXT, LOCK);
  next(thread, handle);
  tell("__tsan_acquire", handle);
}

__attribute__((swiftcall)) void unlock_slow(SELF void *handle) {
  __typeof__(&unlock_slow) next = (__typeof__(&unlock_slow))dlsym(RTLD_NEXT, UNLOCK);
  tell("__tsan_release", handle);
  next(handle);
}
