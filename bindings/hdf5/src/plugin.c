/* The filter as HDF5 loads it: what it may be applied to, its parameters, and the pipeline's call. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <H5PLextern.h>

#include "chunk.h"
#include "library.h"
#include "vdf_basis.h"

/* Most values that HDF5 hands out. */
#define MAX_HANDED 256

#define NAME "vdf-basis: velocity distribution functions"

/* The description of an element, if the basis encodes such. */
static int read_type(const hdf5_library *hdf5, hid_t type, parameters *found, char message[MESSAGE]) {
    const hid_t known[4] = {hdf5->f32_little, hdf5->f32_big, hdf5->f64_little, hdf5->f64_big};
    size_t k;
    for (k = 0; k < 4; k++) {
        if (hdf5->is_equal(type, known[k]) > 0) {
            found->element = k < 2 ? 4 : 8;
            found->is_big_endian = k % 2 == 1;
            return 1;
        }
    }
    snprintf(message, MESSAGE, "elements of a type that is not allowed; IEEE floats of 4 and 8 bytes are, in both byte orders");
    return 0;
}

static int read_chunk_shape(const hdf5_library *hdf5, hid_t dcpl, parameters *found, char message[MESSAGE]) {
    hsize_t extents[MAX_RANK];
    const int rank = hdf5->get_chunk(dcpl, MAX_RANK, extents);
    int axis;
    if (rank < 0 || rank > MAX_RANK) {
        snprintf(message, MESSAGE, "the dataset has no chunks");
        return 0;
    }
    found->rank = (size_t)rank;
    for (axis = 0; axis < rank; axis++) {
        found->extents[axis] = (size_t)extents[axis];
    }
    return set_shape(found, message);
}

/* The fill value, which HDF5 puts into what was not written and behind the edges of a dataset. */
static int read_fill(const hdf5_library *hdf5, hid_t dcpl, parameters *found, char message[MESSAGE]) {
    H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
    found->fill = 0.0;
    if (hdf5->fill_value_defined(dcpl, &defined) < 0 ||
        (defined != H5D_FILL_VALUE_UNDEFINED && hdf5->get_fill_value(dcpl, hdf5->native_double, &found->fill) < 0)) {
        snprintf(message, MESSAGE, "the fill value is no number");
        return 0;
    }
    return 1;
}

/* The spec, which must parse, of a filter that must be the first: those before would change what it is given. */
static int read_user_values(const hdf5_library *hdf5, hid_t dcpl, parameters *found, char message[MESSAGE]) {
    unsigned values[MAX_HANDED], flags = 0;
    size_t count = MAX_HANDED, none = 0;
    vdfb_codec *codec = NULL;
    int parses;
    if (hdf5->get_filter_by_id(dcpl, VDFB_HDF5_FILTER, &flags, &count, values, 0, NULL, NULL) < 0) {
        snprintf(message, MESSAGE, "the parameters of the filter cannot be read");
        return 0;
    }
    /* Of properties that have been a dataset's there may be more values, which follow the spec. */
    count = count < MAX_HANDED ? count : MAX_HANDED;
    if (hdf5->get_filter(dcpl, 0, &flags, &none, NULL, 0, NULL, NULL) != VDFB_HDF5_FILTER) {
        snprintf(message, MESSAGE, "another filter comes before it, such as shuffle; it must be the first");
        return 0;
    }
    if (!read_spec(count, values, found, message)) {
        return 0;
    }
    parses = vdfb_codec_new(found->spec, NULL, &codec) == VDFB_OK;
    vdfb_codec_free(codec);
    if (!parses) {
        snprintf(message, MESSAGE, "%s", vdfb_last_message());
    }
    return parses;
}

static int read_all(const hdf5_library *hdf5, hid_t dcpl, hid_t type, parameters *found, char message[MESSAGE]) {
    if (!can_write(hdf5)) {
        snprintf(message, MESSAGE, "the HDF5 library of this program does not export its functions");
        return 0;
    }
    return read_type(hdf5, type, found, message) && read_chunk_shape(hdf5, dcpl, found, message) &&
           read_user_values(hdf5, dcpl, found, message) && read_fill(hdf5, dcpl, found, message);
}

/* Refuses what cannot be encoded, by an error. To say no would do for a mandatory filter only: one that is optional, as
 * h5py adds it, would be left out without a word. */
static htri_t can_apply(hid_t dcpl, hid_t type, hid_t space) {
    const hdf5_library hdf5 = hdf5_at(__builtin_return_address(0));
    parameters found;
    char message[MESSAGE];
    (void)space;
    if (!read_all(&hdf5, dcpl, type, &found, message)) {
        push_error(&hdf5, hdf5.cannot_apply, __func__, __LINE__, message);
        return -1;
    }
    return 1;
}

/* Adds what a chunk is to the values, and makes the filter mandatory: an optional one that fails stores the chunk without
 * it, so that a NaN would be stored instead of refused. */
static herr_t set_local(hid_t dcpl, hid_t type, hid_t space) {
    const hdf5_library hdf5 = hdf5_at(__builtin_return_address(0));
    parameters found;
    char message[MESSAGE];
    unsigned values[MAX_ALL_VALUES];
    (void)space;
    if (!read_all(&hdf5, dcpl, type, &found, message)) {
        push_error(&hdf5, hdf5.cannot_set_local, __func__, __LINE__, message);
        return -1;
    }
    if (hdf5.modify_filter(dcpl, VDFB_HDF5_FILTER, H5Z_FLAG_MANDATORY, write_parameters(&found, values), values) < 0) {
        push_error(&hdf5, hdf5.cannot_set_local, __func__, __LINE__, "the parameters of the filter cannot be set");
        return -1;
    }
    return 0;
}

/* A buffer that HDF5 will free. */
static void *allocate(const hdf5_library *hdf5, size_t size) {
    return hdf5->allocate_memory != NULL ? hdf5->allocate_memory(size, 0) : malloc(size);
}

static void release(const hdf5_library *hdf5, void *memory) {
    if (hdf5->free_memory != NULL) {
        hdf5->free_memory(memory);
    } else {
        free(memory);
    }
}

/* Encodes a chunk in the place of the old one where it fits. Returns its size, 0 if that fails. */
static size_t write_chunk(const hdf5_library *hdf5, const parameters *chunk, size_t size, size_t *buffer_size, void **buffer,
                          char message[MESSAGE]) {
    unsigned char *stored = NULL;
    size_t stored_size = 0;
    if (!encode_chunk(chunk, *buffer, size, &stored, &stored_size, message)) {
        return 0;
    }
    if (stored_size > *buffer_size) {
        void *larger = allocate(hdf5, stored_size);
        if (larger == NULL) {
            free(stored);
            snprintf(message, MESSAGE, "no memory for a chunk of %zu bytes", stored_size);
            return 0;
        }
        release(hdf5, *buffer);
        *buffer = larger;
        *buffer_size = stored_size;
    }
    memcpy(*buffer, stored, stored_size);
    free(stored);
    return stored_size;
}

static size_t read_chunk(const hdf5_library *hdf5, const parameters *chunk, size_t size, size_t *buffer_size, void **buffer,
                         char message[MESSAGE]) {
    const size_t full = chunk->cells * chunk->volume * chunk->element;
    unsigned char *data = allocate(hdf5, full);
    if (data == NULL) {
        snprintf(message, MESSAGE, "no memory for a chunk of %zu bytes", full);
        return 0;
    }
    if (!decode_chunk(chunk, *buffer, size, data, message)) {
        release(hdf5, data);
        return 0;
    }
    release(hdf5, *buffer);
    *buffer = data;
    *buffer_size = full;
    return full;
}

static size_t filter(unsigned flags, size_t count, const unsigned values[], size_t size, size_t *buffer_size,
                     void **buffer) {
    const hdf5_library hdf5 = hdf5_at(__builtin_return_address(0));
    parameters chunk;
    char message[MESSAGE] = "";
    size_t done = 0;
    if (read_parameters(count, values, &chunk, message)) {
        done = flags & H5Z_FLAG_REVERSE ? read_chunk(&hdf5, &chunk, size, buffer_size, buffer, message)
                                        : write_chunk(&hdf5, &chunk, size, buffer_size, buffer, message);
    }
    if (done == 0) {
        push_error(&hdf5, hdf5.cannot_filter, __func__, __LINE__, message);
    }
    return done;
}

static const H5Z_class2_t FILTER = {H5Z_CLASS_T_VERS, VDFB_HDF5_FILTER, 1, 1, NAME, can_apply, set_local, filter};

H5PL_type_t H5PLget_plugin_type(void) { return H5PL_TYPE_FILTER; }

const void *H5PLget_plugin_info(void) { return &FILTER; }
