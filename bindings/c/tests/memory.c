/* The heap does not grow: memory [CALLS] encodes and decodes a small grid so many times. C99, and mallinfo2 of glibc. */
#include <malloc.h>

#include "check.h"

static size_t in_use(void) { return mallinfo2().uordblks + mallinfo2().hblkhd; }

int main(int count, char **arguments) {
    const long calls = count > 1 ? atol(arguments[1]) : 100000, warm = calls / 10;
    const vdfb_grid grid = make_grid(4);
    static double values[64][64];
    double back[64];
    vdfb_codec *cheap = NULL, *searching = NULL, *none = NULL;
    size_t before = 0, after, largest = 0;
    long call;

    for (call = 0; call < 64; ++call) {
        fill(&grid, 0.05 * (double)call, values[call]);
    }
    OK(vdfb_codec_new("wavelet", NULL, &cheap));
    OK(vdfb_codec_new("conserve(fast:l2=0.05)", NULL, &searching));
    for (call = -warm; call <= calls; ++call) {
        vdfb_codec *codec = call % 100 == 0 ? searching : cheap;
        vdfb_bytes stream = {NULL, 0};
        if (vdfb_encode_f64(codec, &grid, values[(call / 100 + call) & 63], 64, NULL, &stream) != VDFB_OK ||
            vdfb_decode_f64(codec, stream.data, stream.size, back, 64, NULL, NULL) != VDFB_OK ||
            /* Errors and their messages, too. */
            (call % 100 == 50 && (vdfb_decode_f64(codec, stream.data, stream.size - 1, back, 64, NULL, NULL) == VDFB_OK ||
                                  vdfb_codec_new("nothing", NULL, &none) == VDFB_OK))) {
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
    printf("%ld calls after %ld: %zu bytes of heap before, %zu after, %zu at most between calls\n", calls, warm, before,
           after, largest);
    /* Scratch buffers are kept as large as they were ever needed; a leak would be many bytes a call. */
    CHECK(largest <= before + 65536);
    vdfb_codec_free(cheap);
    vdfb_codec_free(searching);
    return finish("memory.c");
}
