#include <stdio.h>
#include <stdlib.h>

#include "elements.h"
#include "layout.h"

typedef struct {
    const parameters *chunk;
    const unsigned char *states;
    size_t box[3];
    size_t encoded;
    unsigned char *data;
    char *message;
} decoder;

static int damaged(decoder *self, const char *problem) {
    snprintf(self->message, MESSAGE, "a damaged chunk: %s", problem);
    return 0;
}

static int failed(decoder *self, vdfb_status status) {
    snprintf(self->message, MESSAGE, "%s: %s", vdfb_status_name((int32_t)status), vdfb_last_message());
    return 0;
}

static size_t box_volume(const decoder *self) { return self->box[0] * self->box[1] * self->box[2]; }

static int is_box(const decoder *self, const vdfb_grid *grid) {
    return grid->shape[0] == self->box[0] && grid->shape[1] == self->box[1] && grid->shape[2] == self->box[2];
}

static void write_cell_box(decoder *self, size_t cell, const double *values) {
    const size_t *shape = self->chunk->shape;
    size_t i, j, k;
    for (i = 0; i < self->box[0]; i++) {
        for (j = 0; j < self->box[1]; j++) {
            const size_t row = cell * self->chunk->volume + (i * shape[1] + j) * shape[2];
            for (k = 0; k < self->box[2]; k++) {
                write_element(self->chunk, *values++, self->data, row + k);
            }
        }
    }
}

/* Writes the cells that are not encoded, and the fill value around the box of those that are. Returns where the encoded
 * ones begin, or null if the bytes end before. */
static const unsigned char *write_plain_cells(decoder *self, const unsigned char *next, const unsigned char *end) {
    const parameters *chunk = self->chunk;
    const size_t cell_size = chunk->volume * chunk->element;
    size_t cell, k;
    for (cell = 0; cell < chunk->cells; cell++) {
        const unsigned state = get_state(self->states, cell);
        if (state == CELL_VERBATIM) {
            if ((size_t)(end - next) < cell_size) {
                return NULL;
            }
            memcpy(self->data + cell * cell_size, next, cell_size);
            next += cell_size;
        } else {
            const double value = state == CELL_ZERO ? 0.0 : chunk->fill;
            for (k = 0; k < chunk->volume; k++) {
                write_element(chunk, value, self->data, cell * chunk->volume + k);
            }
            self->encoded += state == CELL_ENCODED;
        }
    }
    return next;
}

static int decode_stream(decoder *self, const vdfb_codec *codec, const unsigned char *bytes, size_t size,
                         double *values) {
    vdfb_stream_info info;
    vdfb_status status = vdfb_stream_read_info(codec, bytes, size, &info);
    if (status == VDFB_OK && (!is_box(self, &info.grid) || self->encoded != 1)) {
        return damaged(self, "its stream is of another box");
    }
    if (status == VDFB_OK) {
        status = vdfb_decode_f64(codec, bytes, size, values, box_volume(self), NULL, NULL);
    }
    if (status != VDFB_OK) {
        return failed(self, status);
    }
    write_cell_box(self, 0, values);
    return 1;
}

/* Decodes a group. Cells that are read become verbatim in `states`, so that each is read once. */
static int decode_records(decoder *self, const vdfb_records *records, unsigned char *states, double *values) {
    const size_t count = vdfb_records_count(records);
    vdfb_record_info info;
    vdfb_status status;
    size_t index;
    for (index = 0; index < count; index++) {
        status = vdfb_record_read_info(records, index, &info);
        if (status != VDFB_OK) {
            return failed(self, status);
        }
        if (info.cell >= self->chunk->cells || get_state(states, (size_t)info.cell) != CELL_ENCODED ||
            !is_box(self, &info.grid)) {
            return damaged(self, "its archive has a cell of another number or box");
        }
        status = vdfb_record_values_f64(records, index, values, box_volume(self), NULL, NULL);
        if (status != VDFB_OK) {
            return failed(self, status);
        }
        write_cell_box(self, (size_t)info.cell, values);
        set_state(states, (size_t)info.cell, CELL_VERBATIM);
        self->encoded--;
    }
    return 1;
}

static int decode_groups(decoder *self, const vdfb_archive *archive, unsigned char *states, double *values) {
    vdfb_archive_info info;
    vdfb_status status = vdfb_archive_read_info(archive, &info);
    uint64_t group;
    if (status != VDFB_OK) {
        return failed(self, status);
    }
    if (info.cells != self->encoded) {
        return damaged(self, "its archive has another number of cells");
    }
    for (group = 0; group < info.groups; group++) {
        vdfb_records *records = NULL;
        int done;
        status = vdfb_archive_read_group(archive, (size_t)group, &records);
        done = status == VDFB_OK ? decode_records(self, records, states, values) : failed(self, status);
        vdfb_records_free(records);
        if (!done) {
            return 0;
        }
    }
    return self->encoded == 0 || damaged(self, "cells are missing in its archive");
}

static int decode_archive(decoder *self, const vdfb_codec *codec, const unsigned char *bytes, size_t size,
                          double *values) {
    const size_t states_size = state_bytes(self->chunk->cells);
    unsigned char *states = malloc(states_size);
    vdfb_archive *archive = NULL;
    vdfb_status status = vdfb_archive_from_bytes(bytes, size, codec, &archive);
    int done = 0;
    if (status != VDFB_OK) {
        failed(self, status);
    } else if (states == NULL) {
        snprintf(self->message, MESSAGE, "no memory for the states of %zu cells", self->chunk->cells);
    } else {
        memcpy(states, self->states, states_size);
        done = decode_groups(self, archive, states, values);
    }
    vdfb_archive_free(archive);
    free(states);
    return done;
}

static int decode_encoded(decoder *self, unsigned kind, const unsigned char *bytes, size_t size) {
    vdfb_codec *codec = chunk_codec(self->chunk, NULL);
    double *values = malloc(box_volume(self) * sizeof *values);
    int done = 0;
    if (codec == NULL || values == NULL) {
        snprintf(self->message, MESSAGE, "no memory for a box of %zu elements", box_volume(self));
    } else if (kind == HOLDS_STREAM) {
        done = decode_stream(self, codec, bytes, size, values);
    } else {
        done = decode_archive(self, codec, bytes, size, values);
    }
    vdfb_codec_free(codec);
    free(values);
    return done;
}

int decode_chunk(const parameters *chunk, const unsigned char *stored, size_t stored_size, unsigned char *data,
                 char message[MESSAGE]) {
    decoder self = {chunk, stored + CHUNK_HEAD, {0, 0, 0}, 0, data, message};
    const unsigned char *end = stored + stored_size, *next;
    size_t axis;
    unsigned kind;
    if (stored_size < CHUNK_HEAD + state_bytes(chunk->cells)) {
        return damaged(&self, "it is cut");
    }
    if (stored[0] != CHUNK_VERSION) {
        snprintf(message, MESSAGE, "a chunk of version %u of the layout; version %d is supported", stored[0], CHUNK_VERSION);
        return 0;
    }
    kind = stored[1];
    for (axis = 0; axis < 3; axis++) {
        const unsigned char *extent = stored + 2 + 4 * axis;
        self.box[axis] = extent[0] | (size_t)extent[1] << 8 | (size_t)extent[2] << 16 | (size_t)extent[3] << 24;
        if (self.box[axis] == 0 || self.box[axis] > chunk->shape[axis]) {
            return damaged(&self, "its box is not within the chunk");
        }
    }
    next = write_plain_cells(&self, stored + CHUNK_HEAD + state_bytes(chunk->cells), end);
    if (next == NULL) {
        return damaged(&self, "it is cut");
    }
    if (kind > HOLDS_ARCHIVE || (kind == HOLDS_NONE) != (self.encoded == 0) ||
        (kind == HOLDS_STREAM && chunk->cells != 1)) {
        return damaged(&self, "its kind does not fit its cells");
    }
    if (kind == HOLDS_NONE) {
        return next == end || damaged(&self, "bytes follow its end");
    }
    return decode_encoded(&self, kind, next, (size_t)(end - next));
}
