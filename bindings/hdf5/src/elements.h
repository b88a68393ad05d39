/* Elements of a chunk as doubles. */
#ifndef VDFB_HDF5_ELEMENTS_H
#define VDFB_HDF5_ELEMENTS_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "parameters.h"

/* The integer of an element's bytes, whose order is the file's and not the machine's. */
static inline uint64_t element_bits(const parameters *chunk, const unsigned char *bytes) {
    uint64_t bits = 0;
    size_t k;
    for (k = 0; k < chunk->element; k++) {
        const size_t shift = 8 * (chunk->is_big_endian ? chunk->element - 1 - k : k);
        bits |= (uint64_t)bytes[k] << shift;
    }
    return bits;
}

static inline void put_element_bits(const parameters *chunk, uint64_t bits, unsigned char *bytes) {
    size_t k;
    for (k = 0; k < chunk->element; k++) {
        const size_t shift = 8 * (chunk->is_big_endian ? chunk->element - 1 - k : k);
        bytes[k] = (unsigned char)(bits >> shift);
    }
}

static inline double read_element(const parameters *chunk, const unsigned char *data, size_t index) {
    const uint64_t bits = element_bits(chunk, data + index * chunk->element);
    if (chunk->element == 4) {
        const uint32_t single_bits = (uint32_t)bits;
        float single;
        memcpy(&single, &single_bits, sizeof single);
        return single;
    } else {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
}

/* A finite value beyond the range of float becomes the largest float: what was stored in range remains readable. */
static inline void write_element(const parameters *chunk, double value, unsigned char *data, size_t index) {
    uint64_t bits;
    if (chunk->element == 4) {
        float single = isfinite(value) && fabs(value) > FLT_MAX ? copysignf(FLT_MAX, (float)(value > 0 ? 1 : -1))
                                                                : (float)value;
        uint32_t single_bits;
        memcpy(&single_bits, &single, sizeof single);
        bits = single_bits;
    } else {
        memcpy(&bits, &value, sizeof bits);
    }
    put_element_bits(chunk, bits, data + index * chunk->element);
}

/* Whether two values are the same: zeros of both signs are not, all NaN are. */
static inline int is_same(double one, double other) {
    return (isnan(one) && isnan(other)) || memcmp(&one, &other, sizeof one) == 0;
}

#endif
