/* A chunk as the filter stores it. docs/hdf5.md has the layout. */
#ifndef VDFB_HDF5_CHUNK_H
#define VDFB_HDF5_CHUNK_H

#include "parameters.h"

/* Encodes a chunk of `size` bytes. The caller frees `*stored` by free. 0 if that fails, with a message. */
int encode_chunk(const parameters *chunk, const unsigned char *data, size_t size, unsigned char **stored,
                 size_t *stored_size, char message[MESSAGE]);

/* Decodes a chunk into `data`, which has cells * volume * element bytes. 0 if that fails, with a message. */
int decode_chunk(const parameters *chunk, const unsigned char *stored, size_t stored_size, unsigned char *data,
                 char message[MESSAGE]);

#endif
