/* The parameters of the filter, as set_local leaves them in a dataset's properties. */
#ifndef VDFB_HDF5_PARAMETERS_H
#define VDFB_HDF5_PARAMETERS_H

#include <stddef.h>
#include <stdint.h>

#include "vdf_basis_hdf5.h"

enum { MAX_RANK = 32, MESSAGE = 512 };

/* Values after the spec: element, rank, extents, and the fill value as the bits of a double, the low half first. */
#define MAX_ALL_VALUES (VDFB_HDF5_MAX_VALUES + 2u + MAX_RANK + 2u)

/* Bytes of a chunk that HDF5 allows. */
#define MAX_CHUNK UINT64_C(0xffffffff)

typedef struct {
    char spec[VDFB_HDF5_MAX_SPEC + 1];
    /* Values that hold the spec. */
    size_t spec_values;
    /* 4 or 8 bytes, and whether the first is the highest. */
    size_t element;
    int is_big_endian;
    size_t rank;
    size_t extents[MAX_RANK];
    double fill;
    /* The product of all extents but the last three, which are `shape`, and the product of these. */
    size_t cells;
    size_t shape[3];
    size_t volume;
} parameters;

/* Reads the spec, which the user has packed. 0 if the values are no such packing, with a message. */
int read_spec(size_t count, const unsigned *values, parameters *found, char message[MESSAGE]);

/* Reads all parameters. 0 if they are not those of a chunk, with a message. */
int read_parameters(size_t count, const unsigned *values, parameters *found, char message[MESSAGE]);

/* Derives `cells`, `shape` and `volume`. 0 if the chunk has fewer than three axes, none or too many elements. */
int set_shape(parameters *found, char message[MESSAGE]);

/* Writes the values of all parameters. Returns their number. */
size_t write_parameters(const parameters *found, unsigned values[MAX_ALL_VALUES]);

#endif
