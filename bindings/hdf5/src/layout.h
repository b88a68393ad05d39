/* What the encoder and the decoder of a chunk share. */
#ifndef VDFB_HDF5_LAYOUT_H
#define VDFB_HDF5_LAYOUT_H

#include "chunk.h"
#include "vdf_basis.h"

/* The version of the layout, the first byte of a chunk. */
#define CHUNK_VERSION 1

/* Bytes before the states of the cells: version, kind, and the shape of the box. */
#define CHUNK_HEAD 14

/* How the cells that are encoded are stored: the second byte. */
enum { HOLDS_NONE = 0, HOLDS_STREAM = 1, HOLDS_ARCHIVE = 2 };

/* How a cell is stored, in two bits: it is nothing but the fill value, in a basis, nothing but zeros, or verbatim. */
enum { CELL_FILL = 0, CELL_ENCODED = 1, CELL_ZERO = 2, CELL_VERBATIM = 3 };

/* The name of the population in an archive. */
#define POPULATION "f"

static inline size_t state_bytes(size_t cells) { return (cells + 3) / 4; }

static inline unsigned get_state(const unsigned char *states, size_t cell) {
    return states[cell / 4] >> (2 * (cell % 4)) & 3u;
}

static inline void set_state(unsigned char *states, size_t cell, unsigned state) {
    const unsigned shift = 2 * (unsigned)(cell % 4);
    states[cell / 4] = (unsigned char)((states[cell / 4] & ~(3u << shift)) | state << shift);
}

/* The grid of a box. The filter does not know the velocities: it counts cells. */
static inline vdfb_grid box_grid(const size_t box[3]) {
    const vdfb_grid grid = {{box[0], box[1], box[2]}, {-0.5, -0.5, -0.5}, {1.0, 1.0, 1.0}};
    return grid;
}

/* A codec that reads no larger grids than a chunk's; null if the spec, which may be null, makes none. */
static inline vdfb_codec *chunk_codec(const parameters *chunk, const char *spec) {
    vdfb_codec_options options;
    vdfb_codec *codec = NULL;
    if (vdfb_codec_options_init(&options) != VDFB_OK) {
        return NULL;
    }
    options.max_cells = chunk->volume;
    return vdfb_codec_new(spec, &options, &codec) == VDFB_OK ? codec : NULL;
}

#endif
