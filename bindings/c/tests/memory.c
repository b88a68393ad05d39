/* The heap does not grow: memory [CALLS] encodes and decodes a small grid so many times. C99, and mallinfo2 of glibc. */
#include <malloc.h>

#include "check.h"

static size_t in_use(void) { return mallinfo2().uordblks + mallinfo2().hblkhd; }

int main(int count, char **arguments) {
    const long calls = count > 1 ? atol(arguments[1]) : 100000;
    const vdfb_grid grid = make_grid(4);
    double values[64], back[64];
    vdfb_codec *codec = NULL, *none = NULL;
    size_t before = 0, after, largest = 0;
    long call;

    fill(&grid, 0, values);
    OK(vdfb_codec_new("conserve(cosine:l2=0.05)", NULL, &codec));
    for (call = -1000; call < calls; ++call) {
        vdfb_bytes stream = {NULL, 0};
        values[call & 63] *= 1.0 + 1e-6;
        if (vdfb_encode_f64(codec, &grid, values, 64, NULL, &stream) != VDFB_OK ||
            vdfb_decode_f64(codec, stream.data, stream.size, back, 64, NULL, NULL) != VDFB_OK ||
            /* Errors and their messages, too. */
            vdfb_decode_f64(codec, stream.data, stream.size - 1, back, 64, NULL, NULL) != VDFB_MALFORMED ||
            (call % 64 == 0 && vdfb_codec_new("nothing", NULL, &none) != VDFB_INVALID_SPEC)) {
            CHECK(!"every call succeeds");
            break;
        }
        vdfb_bytes_free(&stream);
        if (call == 0) {
            before = in_use();
        }
        if (call > 0 && call % 1000 == 0 && in_use() > largest) {
            largest = in_use();
        }
    }
    after = in_use();
    printf("%ld calls: %zu bytes of heap after the first thousand, %zu at the end, %zu at most between calls\n", calls,
           before, after, largest);
    CHECK(after <= before + 1024 && largest <= before + 65536);
    vdfb_codec_free(codec);
    return finish("memory.c");
}
