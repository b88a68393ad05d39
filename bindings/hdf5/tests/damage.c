/* Decodes damaged chunks and reads damaged parameters, under sanitizers: damage COUNT. Nothing may be read or written out of
 * bounds, and what is undamaged must decode. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../src/chunk.h"

static uint32_t state = 12345;

/* A linear congruential generator (Numerical Recipes): the same damage in each run. */
static uint32_t chance(uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

static parameters make_parameters(size_t cells) {
    parameters chunk = {0};
    char message[MESSAGE];
    strcpy(chunk.spec, "conserve(fast:l2=0.05)");
    chunk.element = 4;
    chunk.rank = 4;
    chunk.extents[0] = cells;
    chunk.extents[1] = chunk.extents[2] = chunk.extents[3] = 8;
    if (!set_shape(&chunk, message)) {
        puts(message);
        exit(1);
    }
    return chunk;
}

/* The first cell is zero, the second noise, the others Gaussians. */
static void make_data(const parameters *chunk, float *data) {
    size_t cell, k;
    for (cell = 0; cell < chunk->cells; cell++) {
        for (k = 0; k < chunk->volume; k++) {
            const double x = (double)(k / 64) - 3.5 + 0.1 * (double)cell, y = (double)(k / 8 % 8) - 3.5,
                         z = (double)(k % 8) - 3.5;
            data[cell * chunk->volume + k] = cell == 0 && chunk->cells > 1 ? 0.0f
                                             : cell == 1 ? (float)chance(1000) - 500.0f
                                                         : (float)exp(-(x * x + y * y + z * z) / 4);
        }
    }
}

static void damage_chunks(size_t cells, unsigned long count) {
    const parameters chunk = make_parameters(cells);
    const size_t size = cells * chunk.volume * sizeof(float);
    float *data = malloc(size);
    unsigned char *decoded = malloc(size), *stored = NULL, *damaged;
    size_t stored_size = 0, cut, hits;
    unsigned long k, refused = 0;
    char message[MESSAGE];
    make_data(&chunk, data);
    if (!encode_chunk(&chunk, (unsigned char *)data, size, &stored, &stored_size, message) ||
        !decode_chunk(&chunk, stored, stored_size, decoded, message)) {
        printf("%s\n", message);
        exit(1);
    }
    for (k = 0; k < count; k++) {
        cut = chance(4) == 0 ? chance((uint32_t)stored_size + 1) : stored_size;
        /* Of exactly that size, so that a sanitizer sees a byte too far. */
        damaged = malloc(cut > 0 ? cut : 1);
        memcpy(damaged, stored, cut);
        for (hits = chance(6); cut > 0 && hits > 0; hits--) {
            /* Half of them in the head and the states. */
            damaged[chance(2) == 0 && cut > 24 ? chance(24) : chance((uint32_t)cut)] = (unsigned char)chance(256);
        }
        refused += !decode_chunk(&chunk, damaged, cut, decoded, message);
        free(damaged);
    }
    printf("%zu cells, %zu bytes: %lu of %lu damaged chunks refused\n", cells, stored_size, refused, count);
    free(data);
    free(decoded);
    free(stored);
}

static void damage_parameters(unsigned long count) {
    const parameters chunk = make_parameters(3);
    unsigned long k, refused = 0;
    unsigned values[MAX_ALL_VALUES];
    size_t number, hits;
    parameters found;
    char message[MESSAGE];
    for (k = 0; k < count; k++) {
        unsigned *damaged;
        number = write_parameters(&chunk, values);
        for (hits = chance(4); hits > 0; hits--) {
            values[chance((uint32_t)number)] = chance(2) == 0 ? chance(40) : chance(1u << 24) << chance(9);
        }
        number = chance(4) == 0 ? chance((uint32_t)number + 1) : number;
        damaged = malloc((number > 0 ? number : 1) * sizeof *damaged);
        memcpy(damaged, values, number * sizeof *damaged);
        refused += !read_parameters(number, damaged, &found, message);
        free(damaged);
    }
    printf("%lu of %lu damaged parameters refused\n", refused, count);
}

int main(int count, char **arguments) {
    const unsigned long times = count > 1 ? strtoul(arguments[1], NULL, 10) : 1000;
    damage_chunks(1, times);
    damage_chunks(5, times);
    damage_parameters(10 * times);
    return 0;
}
