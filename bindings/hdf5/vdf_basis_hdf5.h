/*
 * Parameters of the HDF5 filter of vdf-basis. Header only: it needs HDF5 and nothing of vdf-basis.
 *
 *     hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
 *     hsize_t chunk[4] = {16, 50, 50, 50};               (16 cells of space, then vx, vy, vz)
 *     H5Pset_chunk(dcpl, 4, chunk);
 *     vdfb_hdf5_set_filter(dcpl, "conserve(fast:l2=0.01)");
 *
 * docs/hdf5.md introduces the filter.
 */
#ifndef VDF_BASIS_HDF5_H
#define VDF_BASIS_HDF5_H

#include <stddef.h>
#include <string.h>

#include <hdf5.h>

/* The filter's id. It is in the range for testing, 256 to 511, and not registered with the HDF Group. */
#define VDFB_HDF5_FILTER 317

/* The version of the packing, the first value. */
#define VDFB_HDF5_PACKING 1u

/* Most bytes of a spec, and most values that such a spec is packed to. HDF5 hands a filter 256 values at most. */
#define VDFB_HDF5_MAX_SPEC 1000u
#define VDFB_HDF5_MAX_VALUES (2u + VDFB_HDF5_MAX_SPEC / 4u)

/*
 * Packs a spec into the values of the filter: the version of the packing, the number of bytes of the spec, and its bytes,
 * four in a value, the first in the lowest bits. Returns how many values that takes. They are written if `capacity` is as
 * many at least. A spec that is null, empty or longer than VDFB_HDF5_MAX_SPEC takes 0.
 */
static inline size_t vdfb_hdf5_pack(const char *spec, unsigned *values, size_t capacity) {
    const size_t length = spec == NULL ? 0 : strlen(spec);
    const size_t count = 2 + (length + 3) / 4;
    size_t k;
    if (length == 0 || length > VDFB_HDF5_MAX_SPEC) {
        return 0;
    }
    if (values == NULL || capacity < count) {
        return count;
    }
    values[0] = VDFB_HDF5_PACKING;
    values[1] = (unsigned)length;
    for (k = 2; k < count; k++) {
        values[k] = 0;
    }
    for (k = 0; k < length; k++) {
        values[2 + k / 4] |= (unsigned)(unsigned char)spec[k] << (8 * (k % 4));
    }
    return count;
}

/* Adds the filter to a dataset creation property list. Negative if that fails. */
static inline herr_t vdfb_hdf5_set_filter(hid_t dcpl, const char *spec) {
    unsigned values[VDFB_HDF5_MAX_VALUES];
    const size_t count = vdfb_hdf5_pack(spec, values, VDFB_HDF5_MAX_VALUES);
    if (count == 0) {
        return -1;
    }
    return H5Pset_filter(dcpl, (H5Z_filter_t)VDFB_HDF5_FILTER, H5Z_FLAG_MANDATORY, count, values);
}

#endif
