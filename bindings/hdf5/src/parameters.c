#include "parameters.h"

#include <stdio.h>
#include <string.h>

/* The element's description: its bytes, and this bit for big endian. */
#define BIG_ENDIAN_BIT 0x100u

int read_spec(size_t count, const unsigned *values, parameters *found, char message[MESSAGE]) {
    size_t length, k;
    if (count < 2 || values[0] != VDFB_HDF5_PACKING) {
        snprintf(message, MESSAGE,
                 "the filter's values begin with %u; a packing of version %u is allowed, which vdf_basis_hdf5.h and "
                 "vdf_basis_hdf5.py make of a spec",
                 count == 0 ? 0 : values[0], VDFB_HDF5_PACKING);
        return 0;
    }
    length = values[1];
    found->spec_values = 2 + (length + 3) / 4;
    if (length == 0 || length > VDFB_HDF5_MAX_SPEC || found->spec_values > count) {
        snprintf(message, MESSAGE, "a spec of %zu bytes in %zu values; 1 to %u bytes, four in each value after the second, "
                                   "are allowed",
                 length, count, VDFB_HDF5_MAX_SPEC);
        return 0;
    }
    for (k = 0; k < length; k++) {
        found->spec[k] = (char)(values[2 + k / 4] >> (8 * (k % 4)) & 0xff);
    }
    found->spec[length] = '\0';
    if (strlen(found->spec) != length) {
        snprintf(message, MESSAGE, "a spec with a zero at byte %zu", strlen(found->spec));
        return 0;
    }
    return 1;
}

int set_shape(parameters *found, char message[MESSAGE]) {
    uint64_t bytes = found->element;
    size_t axis;
    if (found->rank < 3 || found->rank > MAX_RANK) {
        snprintf(message, MESSAGE,
                 "a chunk of rank %zu; its last three axes must be vx, vy and vz, and axes of cells may precede them",
                 found->rank);
        return 0;
    }
    found->cells = 1;
    for (axis = 0; axis < found->rank; axis++) {
        const uint64_t extent = found->extents[axis];
        if (extent == 0 || extent > MAX_CHUNK / bytes) {
            snprintf(message, MESSAGE, "a chunk that is empty or has more than 2^32 - 1 bytes");
            return 0;
        }
        bytes *= extent;
        if (axis + 3 < found->rank) {
            found->cells *= (size_t)extent;
        } else {
            found->shape[axis + 3 - found->rank] = (size_t)extent;
        }
    }
    found->volume = found->shape[0] * found->shape[1] * found->shape[2];
    return 1;
}

int read_parameters(size_t count, const unsigned *values, parameters *found, char message[MESSAGE]) {
    uint64_t bits;
    size_t axis;
    if (!read_spec(count, values, found, message)) {
        return 0;
    }
    values += found->spec_values;
    count -= found->spec_values;
    if (count < 2 || values[1] > MAX_RANK || count != 4 + (size_t)values[1]) {
        snprintf(message, MESSAGE, "the filter's values do not describe a chunk: they are damaged");
        return 0;
    }
    found->element = values[0] & ~BIG_ENDIAN_BIT;
    found->is_big_endian = (values[0] & BIG_ENDIAN_BIT) != 0;
    if (found->element != 4 && found->element != 8) {
        snprintf(message, MESSAGE, "elements of %zu bytes; 4 or 8 are allowed", found->element);
        return 0;
    }
    found->rank = values[1];
    for (axis = 0; axis < found->rank; axis++) {
        found->extents[axis] = values[2 + axis];
    }
    bits = values[2 + found->rank] | (uint64_t)values[3 + found->rank] << 32;
    memcpy(&found->fill, &bits, sizeof bits);
    return set_shape(found, message);
}

size_t write_parameters(const parameters *found, unsigned values[MAX_ALL_VALUES]) {
    size_t count = vdfb_hdf5_pack(found->spec, values, MAX_ALL_VALUES), axis;
    uint64_t bits;
    values[count++] = (unsigned)found->element | (found->is_big_endian ? BIG_ENDIAN_BIT : 0);
    values[count++] = (unsigned)found->rank;
    for (axis = 0; axis < found->rank; axis++) {
        values[count++] = (unsigned)found->extents[axis];
    }
    memcpy(&bits, &found->fill, sizeof bits);
    values[count++] = (unsigned)(bits & 0xffffffff);
    values[count++] = (unsigned)(bits >> 32);
    return count;
}
