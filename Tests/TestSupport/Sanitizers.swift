import Foundation

/// Whether a sanitizer (`script/test_sanitizers`) is built in. It takes terabytes of addresses, some times the stack,
/// and the place of jemalloc.
package let isSanitized = dlsym(nil, "__sanitizer_print_stack_trace") != nil
