/* The C face, function by function, and what it refuses. C99. */
#include "check.h"

#define CELLS 12

static const char *const SPEC = "conserve(fast:l2=0.01)";

static vdfb_codec *make_codec(const char *spec, double threshold) {
    vdfb_codec_options options;
    vdfb_codec *codec = NULL;
    OK(vdfb_codec_options_init(&options));
    options.sparsity_threshold = threshold;
    OK(vdfb_codec_new(spec, &options, &codec));
    return codec;
}

static int same(const vdfb_bytes *a, const vdfb_bytes *b) {
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static void versions_and_names(void) {
    CHECK(strchr(vdfb_version(), '.') != NULL);
    CHECK(vdfb_stream_version() >= 1 && vdfb_archive_version() >= 1);
    CHECK(strcmp(vdfb_status_name(VDFB_NOT_FINITE), "VDFB_NOT_FINITE") == 0);
    CHECK(strcmp(vdfb_status_name(1000), "unknown status") == 0);
    CHECK(vdfb_last_message()[0] == '\0');
}

/* One distribution in many layouts and precisions is one stream. */
static void layouts(void) {
    const vdfb_grid grid = {{9, 10, 11}, {-5, -5, -5}, {1.1, 1.0, 0.9}};
    const size_t n = cell_count(&grid);
    double *values = allocate(n * sizeof *values), *other = allocate(4 * n * sizeof *other);
    float *single = allocate(n * sizeof *single), *single_back = allocate(n * sizeof *single);
    vdfb_codec *codec = make_codec(SPEC, -1);
    vdfb_layout layout;
    vdfb_bytes stream = {NULL, 0}, again = {NULL, 0};
    vdfb_moments before, after;
    vdfb_fidelity fidelity;
    size_t i, j, k, needed = 0;

    fill(&grid, 0, values);
    for (i = 0; i < n; ++i) {
        /* Exact in both precisions. */
        single[i] = (float)values[i];
        values[i] = single[i];
    }
    OK(vdfb_encode_f64(codec, &grid, values, n, NULL, &stream));
    CHECK(stream.size > 8 && stream.size < 600);

    OK(vdfb_encode_f32(codec, &grid, single, n, NULL, &again));
    CHECK(same(&stream, &again));
    vdfb_bytes_free(&again);
    CHECK(again.data == NULL && again.size == 0);

    OK(vdfb_layout_c(&grid, &layout));
    OK(vdfb_encode_f64(codec, &grid, values, n, &layout, &again));
    CHECK(same(&stream, &again));
    vdfb_bytes_free(&again);

    OK(vdfb_layout_fortran(&grid, &layout));
    CHECK(layout.strides[0] == 1 && layout.strides[2] == 90);
    for (i = 0; i < 9; ++i) {
        for (j = 0; j < 10; ++j) {
            for (k = 0; k < 11; ++k) {
                other[i + 9 * (j + 10 * k)] = values[(i * 10 + j) * 11 + k];
            }
        }
    }
    OK(vdfb_encode_f64(codec, &grid, other, n, &layout, &again));
    CHECK(same(&stream, &again));
    vdfb_bytes_free(&again);
    OK(vdfb_moments_f64(&grid, other, n, &layout, &before));

    /* Every other element of a larger array, from its end. */
    for (i = 0; i < n; ++i) {
        other[4 * n - 1 - 2 * i] = values[i];
    }
    layout.offset = 4 * n - 1;
    layout.strides[0] = -220;
    layout.strides[1] = -22;
    layout.strides[2] = -2;
    OK(vdfb_encode_f64(codec, &grid, other, 4 * n, &layout, &again));
    CHECK(same(&stream, &again));
    vdfb_bytes_free(&again);

    for (i = 0; i < 4 * n; ++i) {
        other[i] = 7;
    }
    OK(vdfb_decode_f64(codec, stream.data, stream.size, other, 4 * n, &layout, &needed));
    CHECK(needed == n && other[4 * n - 2] == 7 && other[0] == 7 && other[4 * n - 1] != 7);
    OK(vdfb_decode_f64(NULL, stream.data, stream.size, values, n, NULL, NULL));
    for (i = 0; i < n; ++i) {
        if (values[i] != other[4 * n - 1 - 2 * i]) {
            break;
        }
    }
    CHECK(i == n);
    OK(vdfb_decode_f32(codec, stream.data, stream.size, single_back, n, NULL, &needed));
    CHECK(single_back[n / 2] == (float)values[n / 2]);

    OK(vdfb_stream_fidelity_f32(codec, stream.data, stream.size, single, n, NULL, 0, &fidelity));
    CHECK(fidelity.l2 > 0 && fidelity.l2 <= 0.0102 && fidelity.density < 1e-11 && fidelity.pressure < 1e-11);
    OK(vdfb_moments_f64(&grid, values, n, NULL, &after));
    CHECK(fabs(after.density / before.density - 1) < 1e-11 && after.thermal_speed > 0);
    CHECK(fabs(after.pressure[0][2] - after.pressure[2][0]) == 0 && after.pressure[0][2] > 0);
    OK(vdfb_stream_moments(NULL, stream.data, stream.size, &after));
    CHECK(fabs(after.density / before.density - 1) < 1e-11);
    OK(vdfb_fidelity_f32(&grid, single, single_back, n, NULL, 1e-3, &fidelity));
    CHECK(fidelity.log10_floor == 1e-3 && fidelity.l2 <= 0.0102);
    OK(vdfb_fidelity_f64(&grid, values, values, n, NULL, 0, &fidelity));
    CHECK(fidelity.l1 == 0 && fidelity.negative_mass == 0);

    vdfb_bytes_free(&stream);
    vdfb_bytes_free(&stream);
    vdfb_codec_free(codec);
    free(values);
    free(other);
    free(single);
    free(single_back);
}

static void questions_to_a_stream(void) {
    const vdfb_grid grid = make_grid(CELLS);
    const size_t n = cell_count(&grid);
    double *values = allocate(n * sizeof *values);
    vdfb_codec *codec = make_codec(SPEC, -1), *decoder = NULL;
    vdfb_bytes stream = {NULL, 0};
    vdfb_stream_info info;
    vdfb_codec_options options;
    char spec[64], own[64];
    size_t needed = 0;

    fill(&grid, 0, values);
    OK(vdfb_encode_f64(codec, &grid, values, n, NULL, &stream));
    OK(vdfb_stream_read_info(NULL, stream.data, stream.size, &info));
    CHECK(info.version == vdfb_stream_version() && info.cells == n && info.has_blocks == 0 && info.block_count == 0);
    CHECK(memcmp(&info.grid, &grid, sizeof grid) == 0);
    OK(vdfb_stream_spec(NULL, stream.data, stream.size, NULL, 0, &needed));
    CHECK(needed == strlen(SPEC) + 1);
    FAILS(vdfb_stream_spec(NULL, stream.data, stream.size, spec, needed - 1, NULL), VDFB_BUFFER_TOO_SMALL, "23");
    OK(vdfb_stream_spec(NULL, stream.data, stream.size, spec, needed, NULL));
    CHECK(strcmp(spec, SPEC) == 0);
    OK(vdfb_codec_spec(codec, own, sizeof own, &needed));
    CHECK(strcmp(spec, own) == 0);

    needed = 0;
    OK(vdfb_decode_f64(codec, stream.data, stream.size, NULL, 0, NULL, &needed));
    CHECK(needed == n);
    needed = 0;
    FAILS(vdfb_decode_f64(codec, stream.data, stream.size, values, n - 1, NULL, &needed), VDFB_BUFFER_TOO_SMALL, "1728");
    CHECK(needed == n);

    OK(vdfb_codec_options_init(&options));
    options.max_cells = n - 1;
    OK(vdfb_codec_new(NULL, &options, &decoder));
    FAILS(vdfb_decode_f64(decoder, stream.data, stream.size, values, n, NULL, NULL), VDFB_LIMIT_EXCEEDED, "1727");
    FAILS(vdfb_stream_read_info(decoder, stream.data, stream.size, &info), VDFB_LIMIT_EXCEEDED, "1727");
    vdfb_bytes_free(&stream);
    FAILS(vdfb_encode_f64(decoder, &grid, values, n, NULL, &stream), VDFB_INVALID_SPEC, "without a spec");
    CHECK(stream.data == NULL);
    vdfb_codec_free(decoder);
    vdfb_codec_free(codec);
    free(values);
}

/* Blocks in any order, of any content, come back as the very same set. */
static void blocks(uint64_t width) {
    const vdfb_grid mesh = make_grid(20);
    const size_t n = (size_t)(width * width * width);
    const uint32_t per_axis = (uint32_t)((20 + width - 1) / width), total = per_axis * per_axis * per_axis;
    uint32_t *ids = allocate(total * sizeof *ids), *back_ids = allocate(total * sizeof *ids);
    float *values = allocate(total * n * sizeof *values), *back = allocate(total * n * sizeof *back);
    double *dense = allocate(8000 * sizeof *dense), *decoded = allocate(8000 * sizeof *decoded);
    vdfb_codec *codec = make_codec(SPEC, -1), *thresholded;
    vdfb_bytes stream = {NULL, 0}, other = {NULL, 0};
    vdfb_stream_info info;
    vdfb_fidelity fidelity;
    vdfb_moments original, moments;
    uint32_t block, count = 0;
    size_t place, found = 0, i, outside = 0;

    memset(dense, 0, 8000 * sizeof *dense);
    /* Descending, with two blocks that hold nothing. */
    for (block = total; block-- > 0;) {
        const uint64_t bx = block % per_axis, by = block / per_axis % per_axis, bz = block / per_axis / per_axis;
        double peak = 0;
        for (place = 0; place < n; ++place) {
            const uint64_t x = bx * width + place % width, y = by * width + place / width % width,
                           z = bz * width + place / width / width;
            const double f = x < 20 && y < 20 && z < 20 ? density(-4.75 + 0.5 * (double)x, -4.75 + 0.5 * (double)y,
                                                                  -4.75 + 0.5 * (double)z, 0)
                                                        : 0;
            values[count * n + place] = (float)f;
            peak = f > peak ? f : peak;
        }
        if (peak > 1e-3 || block == 1 || block == total - 2) {
            if (block == 1 || block == total - 2) {
                memset(values + count * n, 0, n * sizeof *values);
            }
            for (place = 0; place < n; ++place) {
                const uint64_t x = bx * width + place % width, y = by * width + place / width % width,
                               z = bz * width + place / width / width;
                if (x < 20 && y < 20 && z < 20) {
                    dense[(x * 20 + y) * 20 + z] = values[count * n + place];
                }
            }
            ids[count++] = block;
        }
    }
    OK(vdfb_encode_blocks_f32(codec, &mesh, width, ids, count, values, count * n, &stream));
    OK(vdfb_stream_read_info(NULL, stream.data, stream.size, &info));
    CHECK(info.has_blocks == 1 && info.block_count == count && info.block_width == width && info.cells == 8000);
    CHECK(memcmp(&info.grid, &mesh, sizeof mesh) == 0);

    OK(vdfb_stream_blocks(NULL, stream.data, stream.size, NULL, 0, &found));
    CHECK(found == count);
    OK(vdfb_stream_blocks(NULL, stream.data, stream.size, back_ids, total, &found));
    for (i = 0; i < count; ++i) {
        if (back_ids[i] != ids[count - 1 - i]) {
            break;
        }
    }
    CHECK(i == count);

    found = 0;
    OK(vdfb_decode_blocks_f32(codec, stream.data, stream.size, NULL, 0, NULL, 0, &found));
    CHECK(found == count);
    FAILS(vdfb_decode_blocks_f32(codec, stream.data, stream.size, back_ids, count - 1, back, total * n, &found),
          VDFB_BUFFER_TOO_SMALL, "ids");
    CHECK(found == count);
    FAILS(vdfb_decode_blocks_f32(codec, stream.data, stream.size, back_ids, count, back, count * n - 1, &found),
          VDFB_BUFFER_TOO_SMALL, "values");
    memset(back_ids, 255, total * sizeof *back_ids);
    OK(vdfb_decode_blocks_f32(codec, stream.data, stream.size, back_ids, total, back, total * n, &found));
    for (i = 0; i < count && back_ids[i] == ids[count - 1 - i]; ++i) {
    }
    CHECK(found == count && i == count);

    /* As a box: the same values, zero outside the blocks, the moments of what was stored. */
    OK(vdfb_decode_f64(codec, stream.data, stream.size, decoded, 8000, NULL, NULL));
    OK(vdfb_stream_fidelity_f64(codec, stream.data, stream.size, dense, 8000, NULL, 0, &fidelity));
    CHECK(fidelity.l2 <= 0.0102 && fidelity.density < 1e-11 && fidelity.pressure < 1e-11 && fidelity.negative_mass == 0);
    OK(vdfb_moments_f64(&mesh, dense, 8000, NULL, &original));
    OK(vdfb_stream_moments(NULL, stream.data, stream.size, &moments));
    CHECK(fabs(moments.density / original.density - 1) < 1e-11);
    for (i = 0; i < 8000; ++i) {
        const uint64_t x = i / 400, y = i / 20 % 20, z = i % 20;
        block = (uint32_t)(x / width + per_axis * (y / width + per_axis * (z / width)));
        for (place = 0; place < count && back_ids[place] != block; ++place) {
        }
        if (place == count) {
            outside += decoded[i] != 0;
        } else {
            outside += (float)decoded[i] != back[place * n + (x % width + width * (y % width + width * (z % width)))];
        }
    }
    CHECK(outside == 0);

    /* The blocks above a threshold of a box are those that a caller would choose. */
    thresholded = make_codec(SPEC, 1e-3);
    OK(vdfb_encode_f64(thresholded, &mesh, dense, 8000, NULL, &other));
    OK(vdfb_stream_read_info(NULL, other.data, other.size, &info));
    CHECK(info.has_blocks == 1 && info.block_width == 4 && (width != 4 || info.block_count == count - 2));
    vdfb_bytes_free(&other);

    FAILS(vdfb_encode_blocks_f32(codec, &mesh, width, ids, count, values, count * n - 1, &other), VDFB_SIZE_MISMATCH,
          "blocks");
    ids[0] = ids[1];
    FAILS(vdfb_encode_blocks_f32(codec, &mesh, width, ids, count, values, count * n, &other), VDFB_INVALID_ARGUMENT,
          "only once");
    ids[0] = total;
    FAILS(vdfb_encode_blocks_f32(codec, &mesh, width, ids, count, values, count * n, &other), VDFB_INVALID_ARGUMENT,
          "blocks, counted from 0");
    FAILS(vdfb_encode_blocks_f32(codec, &mesh, 0, ids, count, values, count * n, &other), VDFB_INVALID_ARGUMENT,
          "block width");
    FAILS(vdfb_encode_blocks_f32(codec, &mesh, UINT64_MAX, ids, 1, values, n, &other), VDFB_INVALID_ARGUMENT,
          "block width");
    /* No blocks at all. */
    OK(vdfb_encode_blocks_f32(codec, &mesh, width, NULL, 0, NULL, 0, &other));
    found = 99;
    OK(vdfb_decode_blocks_f32(codec, other.data, other.size, NULL, 0, NULL, 0, &found));
    CHECK(found == 0);
    OK(vdfb_decode_f64(codec, other.data, other.size, decoded, 8000, NULL, NULL));
    CHECK(decoded[0] == 0 && decoded[7999] == 0);
    vdfb_bytes_free(&other);
    OK(vdfb_encode_f64(codec, &mesh, dense, 8000, NULL, &other));
    FAILS(vdfb_decode_blocks_f32(codec, other.data, other.size, back_ids, total, back, total * n, &found), VDFB_NO_BLOCKS,
          "box");
    FAILS(vdfb_stream_blocks(codec, other.data, other.size, back_ids, total, &found), VDFB_NO_BLOCKS, "box");

    vdfb_bytes_free(&other);
    vdfb_bytes_free(&stream);
    vdfb_codec_free(codec);
    vdfb_codec_free(thresholded);
    free(ids);
    free(back_ids);
    free(values);
    free(back);
    free(dense);
    free(decoded);
}

/* A mesh of 2^27 cells, of which one block is stored: more than a codec takes unless its options say so. */
static void a_large_mesh(void) {
    const vdfb_grid mesh = {{1024, 512, 256}, {0, 0, 0}, {1, 1, 1}};
    const uint32_t id = 555555;
    uint32_t back_id = 0;
    float values[64], back[64];
    vdfb_codec_options options;
    vdfb_codec *usual = make_codec("lossless", -1), *large = NULL;
    vdfb_bytes stream = {NULL, 0};
    size_t i, count = 0;

    for (i = 0; i < 64; ++i) {
        values[i] = (float)i;
    }
    OK(vdfb_codec_options_init(&options));
    options.max_cells = (uint64_t)1 << 27;
    OK(vdfb_codec_new("lossless", &options, &large));
    FAILS(vdfb_encode_blocks_f32(usual, &mesh, 4, &id, 1, values, 64, &stream), VDFB_INVALID_GRID, "at most 67108864");
    OK(vdfb_encode_blocks_f32(large, &mesh, 4, &id, 1, values, 64, &stream));
    FAILS(vdfb_decode_blocks_f32(usual, stream.data, stream.size, &back_id, 1, back, 64, &count), VDFB_LIMIT_EXCEEDED, "");
    OK(vdfb_decode_blocks_f32(large, stream.data, stream.size, &back_id, 1, back, 64, &count));
    CHECK(count == 1 && back_id == id && memcmp(back, values, sizeof values) == 0);
    vdfb_bytes_free(&stream);
    vdfb_codec_free(usual);
    vdfb_codec_free(large);
}

static void what_is_refused(void) {
    vdfb_grid grid = make_grid(CELLS), wrong;
    const size_t n = cell_count(&grid);
    double *values = allocate(n * sizeof *values);
    float *single = allocate(n * sizeof *single);
    vdfb_codec *codec = make_codec(SPEC, -1), *none = (vdfb_codec *)0x10;
    vdfb_codec_options options;
    vdfb_layout layout;
    vdfb_bytes stream = {NULL, 0}, kept = {NULL, 0};
    vdfb_moments moments;
    vdfb_fidelity fidelity;
    size_t i;

    fill(&grid, 0, values);
    for (i = 0; i < n; ++i) {
        single[i] = (float)values[i];
    }
    /* Null pointers. */
    FAILS(vdfb_encode_f64(NULL, &grid, values, n, NULL, &stream), VDFB_NULL_POINTER, "codec");
    FAILS(vdfb_encode_f64(codec, NULL, values, n, NULL, &stream), VDFB_NULL_POINTER, "grid");
    FAILS(vdfb_encode_f64(codec, &grid, NULL, n, NULL, &stream), VDFB_NULL_POINTER, "values");
    FAILS(vdfb_encode_f64(codec, &grid, values, n, NULL, NULL), VDFB_NULL_POINTER, "stream");
    FAILS(vdfb_encode_f64(codec, &grid, (double *)((char *)values + 1), n, NULL, &stream), VDFB_NULL_POINTER, "aligned");
    FAILS(vdfb_decode_f64(codec, NULL, 10, values, n, NULL, NULL), VDFB_NULL_POINTER, "stream");
    FAILS(vdfb_codec_new("fast", NULL, NULL), VDFB_NULL_POINTER, "codec");
    FAILS(vdfb_moments_f64(&grid, values, n, NULL, NULL), VDFB_NULL_POINTER, "moments");
    FAILS(vdfb_fidelity_f64(&grid, values, NULL, n, NULL, 0, &fidelity), VDFB_NULL_POINTER, "reconstruction");
    vdfb_codec_free(NULL);
    vdfb_bytes_free(NULL);

    /* Sizes and shapes. */
    FAILS(vdfb_encode_f64(codec, &grid, values, n - 1, NULL, &stream), VDFB_SIZE_MISMATCH, "1727 values");
    FAILS(vdfb_encode_f64(codec, &grid, values, SIZE_MAX, NULL, &stream), VDFB_SIZE_MISMATCH, "more than memory");
    OK(vdfb_layout_c(&grid, &layout));
    FAILS(vdfb_encode_f64(codec, &grid, values, n - 1, &layout, &stream), VDFB_SIZE_MISMATCH, "lead out of 1727");
    layout.strides[0] = -1;
    FAILS(vdfb_encode_f64(codec, &grid, values, n, &layout, &stream), VDFB_SIZE_MISMATCH, "lead out");
    layout.strides[0] = INT64_MIN;
    layout.offset = UINT64_MAX;
    FAILS(vdfb_encode_f64(codec, &grid, values, n, &layout, &stream), VDFB_SIZE_MISMATCH, "lead out");
    layout.strides[0] = layout.strides[1] = layout.strides[2] = INT64_MAX;
    FAILS(vdfb_encode_f64(codec, &grid, values, n, &layout, &stream), VDFB_SIZE_MISMATCH, "lead out");
    FAILS(vdfb_decode_f64(codec, NULL, 0, values, n, &layout, NULL), VDFB_MALFORMED, "shorter");
    wrong = grid;
    wrong.shape[0] = wrong.shape[1] = wrong.shape[2] = UINT64_C(1) << 40;
    FAILS(vdfb_encode_f64(codec, &wrong, values, n, NULL, &stream), VDFB_INVALID_GRID, "cells");
    wrong.shape[0] = UINT64_MAX;
    FAILS(vdfb_moments_f64(&wrong, values, n, NULL, &moments), VDFB_INVALID_GRID, "");
    wrong = grid;
    wrong.shape[1] = 0;
    FAILS(vdfb_encode_f64(codec, &wrong, values, 0, NULL, &stream), VDFB_INVALID_GRID, "no cells");
    wrong = grid;
    wrong.spacing[2] = -1;
    FAILS(vdfb_encode_f64(codec, &wrong, values, n, NULL, &stream), VDFB_INVALID_GRID, "axis 2");
    wrong.spacing[2] = NAN;
    FAILS(vdfb_encode_f64(codec, &wrong, values, n, NULL, &stream), VDFB_INVALID_GRID, "NaN");

    /* Values that are not finite, by cell and value. */
    values[(1 * CELLS + 2) * CELLS + 3] = NAN;
    FAILS(vdfb_encode_f64(codec, &grid, values, n, NULL, &stream), VDFB_NOT_FINITE, "[1, 2, 3] is NaN");
    FAILS(vdfb_moments_f64(&grid, values, n, NULL, &moments), VDFB_NOT_FINITE, "[1, 2, 3] is NaN");
    OK(vdfb_layout_fortran(&grid, &layout));
    FAILS(vdfb_encode_f64(codec, &grid, values, n, &layout, &stream), VDFB_NOT_FINITE, "[3, 2, 1] is NaN");
    single[5] = -INFINITY;
    FAILS(vdfb_encode_f32(codec, &grid, single, n, NULL, &stream), VDFB_NOT_FINITE, "[0, 0, 5] is -inf");
    values[(1 * CELLS + 2) * CELLS + 3] = 1e300;
    CHECK(stream.data == NULL && stream.size == 0);

    /* A density that float does not hold. */
    {
        vdfb_codec *lossless = make_codec("lossless", -1);
        OK(vdfb_encode_f64(lossless, &grid, values, n, NULL, &stream));
        FAILS(vdfb_decode_f32(lossless, stream.data, stream.size, single, n, NULL, NULL), VDFB_OUT_OF_RANGE, "[1, 2, 3]");
        vdfb_bytes_free(&stream);
        vdfb_codec_free(lossless);
    }

    /* Specs and options. */
    FAILS(vdfb_codec_new("fastest", NULL, &none), VDFB_INVALID_SPEC, "there is no basis `fastest`");
    FAILS(vdfb_codec_new("", NULL, &none), VDFB_INVALID_SPEC, "");
    FAILS(vdfb_codec_new("conserve(fast:l2=0.01", NULL, &none), VDFB_INVALID_SPEC, "");
    FAILS(vdfb_codec_new("fast:l2=-1", NULL, &none), VDFB_INVALID_ARGUMENT, "l2 = -1");
    FAILS(vdfb_codec_new("fast\xff", NULL, &none), VDFB_INVALID_ARGUMENT, "UTF-8");
    FAILS(vdfb_codec_new("pca:learnt=0123456789abcdef", NULL, &none), VDFB_INVALID_SPEC, "learnt");
    OK(vdfb_codec_options_init(&options));
    options.sparsity_threshold = NAN;
    FAILS(vdfb_codec_new("fast", &options, &none), VDFB_INVALID_ARGUMENT, "sparsity_threshold = NaN");
    options.sparsity_threshold = 0;
    options.block_width = 65;
    FAILS(vdfb_codec_new("fast", &options, &none), VDFB_INVALID_ARGUMENT, "block_width = 65");
    options.block_width = 4;
    options.population_count = 1;
    FAILS(vdfb_codec_new("fast", &options, &none), VDFB_NULL_POINTER, "populations");
    CHECK(none == (vdfb_codec *)0x10);

    /* Distributions that a basis cannot describe, and bounds that it cannot reach. */
    for (i = 0; i < n; ++i) {
        values[i] = 0;
    }
    OK(vdfb_codec_new("maxwellian", NULL, &none));
    FAILS(vdfb_encode_f64(none, &grid, values, n, NULL, &stream), VDFB_DEGENERATE, "maxwellian");
    vdfb_codec_free(none);
    fill(&grid, 0, values);
    OK(vdfb_codec_new("maxwellian:l2=1e-6", NULL, &none));
    FAILS(vdfb_encode_f64(none, &grid, values, n, NULL, &stream), VDFB_TARGET_NOT_MET, "l2");
    vdfb_codec_free(none);

    /* Streams that are cut, damaged, made up, or of another version. */
    OK(vdfb_encode_f64(codec, &grid, values, n, NULL, &kept));
    for (i = 0; i < kept.size; ++i) {
        const uint8_t byte = kept.data[i];
        CHECK(vdfb_decode_f64(codec, kept.data, i, values, n, NULL, NULL) == VDFB_MALFORMED);
        kept.data[i] = (uint8_t)(byte ^ 0x41);
        CHECK(vdfb_decode_f64(codec, kept.data, kept.size, values, n, NULL, NULL) ==
              (i == 3 ? VDFB_UNSUPPORTED_VERSION : VDFB_MALFORMED));
        kept.data[i] = byte;
    }
    kept.data[3] = 9;
    FAILS(vdfb_decode_f64(codec, kept.data, kept.size, values, n, NULL, NULL), VDFB_UNSUPPORTED_VERSION, "version 9");
    vdfb_bytes_free(&kept);
    vdfb_codec_free(codec);
    free(values);
    free(single);
}

static void populations(void) {
    const vdfb_grid grid = make_grid(8);
    const size_t n = cell_count(&grid);
    double *values = allocate(n * sizeof *values), *back = allocate(n * sizeof *back);
    vdfb_accumulator *all = NULL, *parts[2] = {NULL, NULL}, *read = NULL;
    vdfb_population *learnt = NULL, *same_learnt = NULL;
    const vdfb_population *list[1];
    vdfb_codec_options options;
    vdfb_codec *codec = NULL;
    vdfb_bytes bytes = {NULL, 0}, stream = {NULL, 0};
    vdfb_fidelity fidelity;
    char spec[64];
    uint64_t count = 0;
    double lost = 1, deviations[4], first = 0;
    size_t components = 0, cells = 0, i;

    OK(vdfb_accumulator_new(&grid, VDFB_VALUES_LOG10, 1e-6, &all));
    for (i = 0; i < 2; ++i) {
        OK(vdfb_accumulator_new(&grid, VDFB_VALUES_LOG10, 1e-6, &parts[i]));
    }
    for (i = 0; i < 10; ++i) {
        fill(&grid, 0.1 * (double)i, values);
        OK(vdfb_accumulator_add_f64(all, values, n, NULL));
        OK(vdfb_accumulator_add_f64(parts[i % 2], values, n, NULL));
    }
    /* Through bytes, as between ranks. */
    OK(vdfb_accumulator_to_bytes(parts[1], &bytes));
    OK(vdfb_accumulator_from_bytes(bytes.data, bytes.size, &read));
    FAILS(vdfb_accumulator_from_bytes(bytes.data, bytes.size - 1, &read), VDFB_MALFORMED, "");
    OK(vdfb_accumulator_merge(parts[0], read));
    vdfb_bytes_free(&bytes);
    FAILS(vdfb_accumulator_merge(all, all), VDFB_INVALID_ARGUMENT, "itself");
    OK(vdfb_accumulator_state(parts[0], &count, &lost));
    CHECK(count == 10 && lost == 0);
    OK(vdfb_accumulator_learn(all, 4, &learnt));
    OK(vdfb_accumulator_learn(parts[0], 4, &same_learnt));
    OK(vdfb_population_sizes(learnt, &components, &cells, &count));
    CHECK(components == 4 && cells == n && count == 10);
    OK(vdfb_population_deviations(learnt, deviations, 4));
    first = deviations[0];
    OK(vdfb_population_deviations(same_learnt, deviations, 4));
    CHECK(first > 0 && fabs(deviations[0] / first - 1) < 1e-12);
    FAILS(vdfb_population_deviations(learnt, deviations, 3), VDFB_BUFFER_TOO_SMALL, "4 are needed");
    OK(vdfb_population_mean(learnt, values, n));
    OK(vdfb_population_component(learnt, 0, values, n));
    OK(vdfb_population_component(same_learnt, 0, back, n));
    for (first = 0, i = 0; i < n; ++i) {
        first += values[i] * back[i];
    }
    CHECK(fabs(fabs(first) - 1) < 1e-12);
    FAILS(vdfb_population_component(learnt, 4, values, n), VDFB_INVALID_ARGUMENT, "less than 4");

    OK(vdfb_population_to_bytes(learnt, &bytes));
    vdfb_population_free(same_learnt);
    OK(vdfb_population_from_bytes(bytes.data, bytes.size, &same_learnt));
    OK(vdfb_population_spec(learnt, spec, sizeof spec, NULL));
    list[0] = same_learnt;
    OK(vdfb_codec_options_init(&options));
    options.populations = list;
    options.population_count = 1;
    OK(vdfb_codec_new(spec, &options, &codec));
    vdfb_population_free(same_learnt);
    fill(&grid, 0.35, values);
    OK(vdfb_encode_f64(codec, &grid, values, n, NULL, &stream));
    OK(vdfb_stream_fidelity_f64(codec, stream.data, stream.size, values, n, NULL, 0, &fidelity));
    CHECK(fidelity.l2 < 0.05);
    FAILS(vdfb_decode_f64(NULL, stream.data, stream.size, back, n, NULL, NULL), VDFB_INVALID_SPEC, "learnt");
    OK(vdfb_decode_f64(codec, stream.data, stream.size, back, n, NULL, NULL));

    /* An archive in a learnt basis. */
    {
        vdfb_archive_writer *writer = NULL;
        vdfb_archive *archive = NULL;
        vdfb_bytes made = {NULL, 0};
        OK(vdfb_archive_writer_in_memory(codec, NULL, &writer));
        OK(vdfb_archive_writer_add_f64(writer, "proton", 3, NULL, &grid, values, n, NULL));
        OK(vdfb_archive_writer_finish(writer, &made));
        FAILS(vdfb_archive_from_bytes(made.data, made.size, NULL, &archive), VDFB_INVALID_SPEC, "learnt");
        OK(vdfb_archive_from_bytes(made.data, made.size, codec, &archive));
        vdfb_archive_free(archive);
        vdfb_archive_writer_free(writer);
        vdfb_bytes_free(&made);
    }

    OK(vdfb_accumulator_limit(all, 4, 4));
    FAILS(vdfb_accumulator_limit(all, 0, 4), VDFB_INVALID_ARGUMENT, "directions");
    FAILS(vdfb_accumulator_new(&grid, 7, 0, &read), VDFB_INVALID_ARGUMENT, "values = 7");
    FAILS(vdfb_accumulator_new(&grid, VDFB_VALUES_LOG10, -1, &read), VDFB_INVALID_ARGUMENT, "floor");
    FAILS(vdfb_accumulator_learn(all, 0, &learnt), VDFB_INVALID_ARGUMENT, "components");
    vdfb_bytes_free(&bytes);
    vdfb_bytes_free(&stream);
    vdfb_codec_free(codec);
    vdfb_population_free(learnt);
    vdfb_accumulator_free(all);
    vdfb_accumulator_free(parts[0]);
    vdfb_accumulator_free(parts[1]);
    vdfb_accumulator_free(read);
    free(values);
    free(back);
}

/* An archive of cells first..last in memory. */
static vdfb_bytes write_cells(vdfb_codec *codec, const vdfb_grid *grid, size_t first, size_t last, uint64_t threads) {
    const size_t n = cell_count(grid);
    double *values = allocate(n * sizeof *values);
    vdfb_archive_options options;
    vdfb_archive_writer *writer = NULL;
    vdfb_bytes bytes = {NULL, 0};
    size_t cell;

    fill(grid, 0, values);
    OK(vdfb_archive_options_init(&options));
    options.group = 4;
    options.threads = threads;
    options.grid = grid;
    OK(vdfb_archive_writer_in_memory(codec, &options, &writer));
    for (cell = first; cell < last; ++cell) {
        vdfb_facts facts;
        memset(&facts, 0, sizeof facts);
        facts.has_time = 1;
        facts.time = 0.5;
        facts.has_position = 1;
        facts.position[1] = (double)cell;
        fill(grid, 0.1 * (double)cell, values);
        OK(vdfb_archive_writer_add_f64(writer, "proton", cell, &facts, grid, values, n, NULL));
    }
    OK(vdfb_archive_writer_finish(writer, &bytes));
    FAILS(vdfb_archive_writer_finish(writer, &bytes), VDFB_INVALID_ARGUMENT, "finished");
    FAILS(vdfb_archive_writer_add_f64(writer, "proton", 0, NULL, grid, values, n, NULL), VDFB_INVALID_ARGUMENT,
          "finished");
    vdfb_archive_writer_free(writer);
    free(values);
    return bytes;
}

static void archives(const char *path) {
    const vdfb_grid grid = make_grid(8);
    const size_t n = cell_count(&grid);
    double *values = allocate(n * sizeof *values), *back = allocate(n * sizeof *back);
    float *single = allocate(n * sizeof *single);
    vdfb_codec *codec = make_codec("fast:l2=0.02", -1);
    vdfb_archive_writer *writer = NULL;
    vdfb_archive *archive = NULL, *none = NULL;
    vdfb_archive_info info;
    vdfb_record_info record;
    vdfb_records *records = NULL;
    vdfb_moments moments, original;
    vdfb_fidelity fidelity;
    vdfb_bytes whole = write_cells(codec, &grid, 0, 10, 1), threaded = write_cells(codec, &grid, 0, 10, 3);
    vdfb_bytes parts[3], outlines[3], groups[3], beginning = {NULL, 0}, end = {NULL, 0};
    uint64_t sizes[3], cells[10];
    uint8_t *joined, *joined_outlines;
    char name[16];
    size_t i, size, count = 0, needed = 0;

    CHECK(same(&whole, &threaded));
    vdfb_bytes_free(&threaded);

    /* Three ranks, one of them without cells: the same bytes. */
    parts[0] = write_cells(codec, &grid, 0, 8, 1);
    parts[1] = write_cells(codec, &grid, 0, 0, 1);
    parts[2] = write_cells(codec, &grid, 8, 10, 1);
    for (i = 0, size = 0; i < 3; ++i) {
        OK(vdfb_archive_split(parts[i].data, parts[i].size, &outlines[i], &groups[i]));
        sizes[i] = outlines[i].size;
        size += outlines[i].size;
    }
    joined_outlines = allocate(size);
    for (i = 0, size = 0; i < 3; ++i) {
        memcpy(joined_outlines + size, outlines[i].data, outlines[i].size);
        size += outlines[i].size;
    }
    OK(vdfb_archive_join(joined_outlines, sizes, 3, &beginning, &end));
    joined = allocate(whole.size + 64);
    memcpy(joined, beginning.data, size = beginning.size);
    for (i = 0; i < 3; ++i) {
        if (groups[i].size) {
            memcpy(joined + size, groups[i].data, groups[i].size);
        }
        size += groups[i].size;
    }
    memcpy(joined + size, end.data, end.size);
    size += end.size;
    CHECK(size == whole.size && memcmp(joined, whole.data, size) == 0);
    CHECK(groups[1].size == 0 && groups[1].data == NULL);
    FAILS(vdfb_archive_split(whole.data, whole.size - 1, &beginning, &end), VDFB_MALFORMED, "");
    vdfb_bytes_free(&beginning);
    vdfb_bytes_free(&end);
    joined_outlines[8] ^= 1;
    FAILS(vdfb_archive_join(joined_outlines, sizes, 3, &beginning, &end), VDFB_MALFORMED, "");
    for (i = 0; i < 3; ++i) {
        vdfb_bytes_free(&parts[i]);
        vdfb_bytes_free(&outlines[i]);
        vdfb_bytes_free(&groups[i]);
    }

    OK(vdfb_archive_from_bytes(joined, size, NULL, &archive));
    OK(vdfb_archive_read_info(archive, &info));
    CHECK(info.cells == 10 && info.groups == 3 && info.populations == 1 && info.is_recovered == 0 && info.bytes == size);
    CHECK(info.lost_cells == 0);
    OK(vdfb_archive_lost_cells(archive, NULL, 0, &count));
    CHECK(count == 0);
    OK(vdfb_archive_population(archive, 0, name, sizeof name, &needed));
    CHECK(strcmp(name, "proton") == 0 && needed == 7);
    FAILS(vdfb_archive_population(archive, 1, name, sizeof name, NULL), VDFB_INVALID_ARGUMENT, "less than 1");
    OK(vdfb_archive_cells(archive, "proton", NULL, 0, &count));
    CHECK(count == 10);
    FAILS(vdfb_archive_cells(archive, "proton", cells, 9, &count), VDFB_BUFFER_TOO_SMALL, "10");
    OK(vdfb_archive_cells(archive, "proton", cells, 10, &count));
    CHECK(cells[0] == 0 && cells[9] == 9);
    FAILS(vdfb_archive_cells(archive, "electron", cells, 10, &count), VDFB_INVALID_ARGUMENT, "proton");
    OK(vdfb_archive_read_cell(archive, "proton", 7, &records));
    CHECK(vdfb_records_count(records) == 1 && vdfb_records_count(NULL) == 0);
    OK(vdfb_record_read_info(records, 0, &record));
    CHECK(record.cell == 7 && memcmp(&record.grid, &grid, sizeof grid) == 0);
    CHECK(record.facts.has_time && record.facts.time == 0.5 && record.facts.position[1] == 7 &&
          !record.facts.has_magnetic_field);
    OK(vdfb_record_population(records, 0, name, sizeof name, NULL));
    CHECK(strcmp(name, "proton") == 0);
    fill(&grid, 0.7, values);
    OK(vdfb_record_values_f64(records, 0, back, n, NULL, &needed));
    OK(vdfb_fidelity_f64(&grid, values, back, n, NULL, 0, &fidelity));
    CHECK(needed == n && fidelity.l2 <= 0.02);
    OK(vdfb_record_values_f32(records, 0, single, n, NULL, NULL));
    CHECK(single[n / 2] == (float)back[n / 2]);
    OK(vdfb_record_moments(records, 0, &moments));
    OK(vdfb_moments_f64(&grid, back, n, NULL, &original));
    CHECK(fabs(moments.density / original.density - 1) < 1e-9);
    FAILS(vdfb_record_read_info(records, 1, &record), VDFB_INVALID_ARGUMENT, "less than 1");
    FAILS(vdfb_record_values_f64(records, 0, back, n - 1, NULL, NULL), VDFB_BUFFER_TOO_SMALL, "512");
    vdfb_records_free(records);
    FAILS(vdfb_archive_read_cell(archive, "proton", 11, &records), VDFB_INVALID_ARGUMENT, "the nearest is 9");
    FAILS(vdfb_archive_read_group(archive, 3, &records), VDFB_INVALID_ARGUMENT, "3 groups");
    OK(vdfb_archive_read_group(archive, 1, &records));
    vdfb_archive_free(archive);
    /* Records outlive the archive. */
    CHECK(vdfb_records_count(records) == 4);
    OK(vdfb_record_read_info(records, 3, &record));
    CHECK(record.cell == 7);
    OK(vdfb_record_values_f64(records, 3, values, n, NULL, NULL));
    CHECK(memcmp(values, back, n * sizeof *values) == 0);
    vdfb_records_free(records);

    /* Cut and damaged archives are read as far as they are whole, or refused. */
    for (i = 0; i < size; i += 7) {
        if (vdfb_archive_from_bytes(joined, i, NULL, &archive) == VDFB_OK) {
            OK(vdfb_archive_read_info(archive, &info));
            CHECK(info.is_recovered == 1 && info.cells <= 8 + 2);
            vdfb_archive_free(archive);
        }
        joined[i] ^= 0x41;
        if (vdfb_archive_from_bytes(joined, size, NULL, &archive) == VDFB_OK) {
            if (vdfb_archive_read_group(archive, 0, &records) == VDFB_OK) {
                vdfb_records_free(records);
            }
            vdfb_archive_free(archive);
        }
        joined[i] ^= 0x41;
    }
    /* Without population, grid and basis, which are in the first chunk, the index still names the cells. */
    joined[11] ^= 0x41;
    OK(vdfb_archive_from_bytes(joined, size, NULL, &archive));
    OK(vdfb_archive_read_info(archive, &info));
    CHECK(info.lost_cells == 10 && info.cells == 0 && info.populations == 0 && info.is_recovered == 0);
    OK(vdfb_archive_lost_cells(archive, NULL, 0, &count));
    CHECK(count == 10);
    cells[0] = 77;
    FAILS(vdfb_archive_lost_cells(archive, cells, 9, &count), VDFB_BUFFER_TOO_SMALL, "10 are needed");
    CHECK(cells[0] == 77 && count == 10);
    FAILS(vdfb_archive_lost_cells(archive, NULL, 10, NULL), VDFB_NULL_POINTER, "cells");
    FAILS(vdfb_archive_lost_cells(NULL, cells, 10, &count), VDFB_NULL_POINTER, "archive");
    OK(vdfb_archive_lost_cells(archive, cells, 10, NULL));
    CHECK(cells[0] == 0 && cells[9] == 9);
    vdfb_archive_free(archive);
    joined[11] ^= 0x41;

    FAILS(vdfb_archive_from_bytes((const uint8_t *)"VDFA\x07xxxx", 9, NULL, &none), VDFB_UNSUPPORTED_VERSION, "7");
    FAILS(vdfb_archive_open("/nowhere/at/all.vdfa", NULL, &none), VDFB_IO, "/nowhere/at/all.vdfa");
    FAILS(vdfb_archive_writer_create("/nowhere/at/all.vdfa", codec, NULL, &writer), VDFB_IO, "/nowhere/at/all.vdfa");
    CHECK(none == NULL && writer == NULL);

    /* In a file; a cell that cannot be encoded is left out. */
    {
        vdfb_codec *maxwellian = make_codec("maxwellian", -1);
        OK(vdfb_archive_writer_create(path, maxwellian, NULL, &writer));
        OK(vdfb_archive_writer_add_f64(writer, "proton", 1, NULL, &grid, values, n, NULL));
        memset(back, 0, n * sizeof *back);
        OK(vdfb_archive_writer_add_f64(writer, "proton", 2, NULL, &grid, back, n, NULL));
        OK(vdfb_archive_writer_add_f32(writer, "proton", 3, NULL, &grid, single, n, NULL));
        back[1] = NAN;
        FAILS(vdfb_archive_writer_add_f64(writer, "proton", 4, NULL, &grid, back, n, NULL), VDFB_NOT_FINITE, "[0, 0, 1]");
        OK(vdfb_archive_writer_add_f64(writer, "electron", 5, NULL, &grid, values, n, NULL));
        FAILS(vdfb_archive_writer_finish(writer, NULL), VDFB_DEGENERATE, "cell 2 is left out");
        vdfb_archive_writer_free(writer);
        OK(vdfb_archive_open(path, NULL, &archive));
        OK(vdfb_archive_cells(archive, "proton", cells, 10, &count));
        CHECK(count == 2 && cells[0] == 1 && cells[1] == 3);
        OK(vdfb_archive_cells(archive, "electron", cells, 10, &count));
        CHECK(count == 1 && cells[0] == 5);
        vdfb_archive_free(archive);
        OK(vdfb_archive_writer_create(path, maxwellian, NULL, &writer));
        OK(vdfb_archive_writer_add_f64(writer, "", 5, NULL, &grid, values, n, NULL));
        FAILS(vdfb_archive_writer_finish(writer, NULL), VDFB_INVALID_ARGUMENT, "population");
        vdfb_archive_writer_free(writer);
        vdfb_codec_free(maxwellian);
        remove(path);
    }
    vdfb_bytes_free(&whole);
    vdfb_codec_free(codec);
    free(joined);
    free(joined_outlines);
    free(values);
    free(back);
    free(single);
}

int main(int count, char **arguments) {
    versions_and_names();
    layouts();
    questions_to_a_stream();
    blocks(4);
    blocks(8);
    a_large_mesh();
    what_is_refused();
    populations();
    archives(count > 1 ? arguments[1] : "face.vdfa");
    return finish("face.c");
}
