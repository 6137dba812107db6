#ifndef CZLIB_SHIM_H
#define CZLIB_SHIM_H
#include <zlib.h>

// `inflateInit2` is a macro, which Swift does not see; 16 more bits of window are gzip's format.
static inline int inflate_gzip(z_stream *stream) { return inflateInit2(stream, 16 + MAX_WBITS); }
#endif
