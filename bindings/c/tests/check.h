/* What the test programs share: a count of checks, and a made-up distribution. C99 and C++17. */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vdf_basis.h"

static int passed = 0, failed = 0;

/* Counts a condition; prints one that does not hold, and the library's last message. */
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (condition) {                                                                                               \
            ++passed;                                                                                                  \
        } else {                                                                                                       \
            ++failed;                                                                                                  \
            printf("%s:%d: does not hold: %s (last message: %s)\n", __FILE__, __LINE__, #condition,                    \
                   vdfb_last_message());                                                                               \
        }                                                                                                              \
    } while (0)

/* Checks that a call succeeds, or that it fails in one way with a message that has a word in it. */
#define OK(call) CHECK((call) == VDFB_OK)
#define FAILS(call, expected, word) CHECK((call) == (expected) && strstr(vdfb_last_message(), (word)) != NULL)

/* A core and a beam on a cube of cells from -5 to 5. */
static inline vdfb_grid make_grid(uint64_t cells) {
    vdfb_grid grid;
    int axis;
    for (axis = 0; axis < 3; ++axis) {
        grid.shape[axis] = cells;
        grid.lower[axis] = -5.0;
        grid.spacing[axis] = 10.0 / (double)cells;
    }
    return grid;
}

static inline double density(double x, double y, double z, double shift) {
    const double beam = 2.5 + shift;
    return exp(-0.5 * (x * x + y * y + 0.7 * z * z)) +
           0.3 * exp(-2.0 * ((x - beam) * (x - beam) + y * y + (z - 1.0) * (z - 1.0)));
}

static inline size_t cell_count(const vdfb_grid *grid) { return (size_t)(grid->shape[0] * grid->shape[1] * grid->shape[2]); }

/* Fills values in C order. */
static inline void fill(const vdfb_grid *grid, double shift, double *values) {
    size_t i, j, k, place = 0;
    for (i = 0; i < grid->shape[0]; ++i) {
        for (j = 0; j < grid->shape[1]; ++j) {
            for (k = 0; k < grid->shape[2]; ++k) {
                values[place++] = density(grid->lower[0] + ((double)i + 0.5) * grid->spacing[0],
                                          grid->lower[1] + ((double)j + 0.5) * grid->spacing[1],
                                          grid->lower[2] + ((double)k + 0.5) * grid->spacing[2], shift);
            }
        }
    }
}

static inline void *allocate(size_t size) {
    void *place = malloc(size ? size : 1);
    if (!place) {
        abort();
    }
    return place;
}

/* Prints the count; the exit status of a program. */
static int finish(const char *name) {
    printf("%s: %d passed, %d failed\n", name, passed, failed);
    return failed == 0 ? 0 : 1;
}

#endif
