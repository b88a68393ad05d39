#include <stdio.h>
#include <stdlib.h>

#include "elements.h"
#include "layout.h"

typedef struct {
    const parameters *chunk;
    const unsigned char *data;
    unsigned char *states;
    /* The smallest box from cell [0, 0, 0] that holds all values of encoded cells that are not the fill value. */
    size_t box[3];
    /* The box of one cell. */
    double *values;
    char *message;
} encoder;

/* Whether each value of a cell is the same as `value`. */
static int is_all(const encoder *self, size_t cell, double value) {
    const size_t begin = cell * self->chunk->volume;
    size_t k;
    for (k = 0; k < self->chunk->volume; k++) {
        if (!is_same(read_element(self->chunk, self->data, begin + k), value)) {
            return 0;
        }
    }
    return 1;
}

/* Grows the box to hold the values of a cell that are not the fill value. */
static void grow_box(encoder *self, size_t cell) {
    const size_t *shape = self->chunk->shape;
    size_t index[3], k = cell * self->chunk->volume;
    int axis;
    for (index[0] = 0; index[0] < shape[0]; index[0]++) {
        for (index[1] = 0; index[1] < shape[1]; index[1]++) {
            for (index[2] = 0; index[2] < shape[2]; index[2]++, k++) {
                if (!is_same(read_element(self->chunk, self->data, k), self->chunk->fill)) {
                    for (axis = 0; axis < 3; axis++) {
                        self->box[axis] = index[axis] >= self->box[axis] ? index[axis] + 1 : self->box[axis];
                    }
                }
            }
        }
    }
}

/* Says where in the chunk a value is that no basis describes. */
static int refuse(encoder *self, size_t element, double value) {
    size_t index[MAX_RANK], axis, length;
    for (axis = self->chunk->rank; axis-- > 0; element /= self->chunk->extents[axis]) {
        index[axis] = element % self->chunk->extents[axis];
    }
    length = (size_t)snprintf(self->message, MESSAGE, "element [");
    for (axis = 0; axis < self->chunk->rank && length + 32 < MESSAGE; axis++) {
        length += (size_t)snprintf(self->message + length, MESSAGE - length, axis == 0 ? "%zu" : ", %zu", index[axis]);
    }
    snprintf(self->message + length, MESSAGE - length, "] of the chunk is %s; only finite values are allowed",
             isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf");
    return 0;
}

/* Copies the box of a cell to `values`. 0 if one is not finite. */
static int read_cell_box(encoder *self, size_t cell) {
    const size_t *shape = self->chunk->shape;
    double *next = self->values;
    size_t i, j, k;
    for (i = 0; i < self->box[0]; i++) {
        for (j = 0; j < self->box[1]; j++) {
            const size_t row = cell * self->chunk->volume + (i * shape[1] + j) * shape[2];
            for (k = 0; k < self->box[2]; k++) {
                *next = read_element(self->chunk, self->data, row + k);
                if (!isfinite(*next++)) {
                    return refuse(self, row + k, next[-1]);
                }
            }
        }
    }
    return 1;
}

/* Whether a cell that fails so is stored verbatim: the basis or its bound is not for it, but nothing is wrong with it. */
static int is_for_no_basis(vdfb_status status) {
    return status == VDFB_DEGENERATE || status == VDFB_TARGET_NOT_MET || status == VDFB_OUT_OF_RANGE;
}

static int failed(encoder *self, vdfb_status status) {
    snprintf(self->message, MESSAGE, "%s: %s", vdfb_status_name((int32_t)status), vdfb_last_message());
    return 0;
}

/* Encodes the only cell. */
static int encode_stream(encoder *self, const vdfb_codec *codec, vdfb_bytes *bytes) {
    const vdfb_grid grid = box_grid(self->box);
    vdfb_status status;
    if (!read_cell_box(self, 0)) {
        return 0;
    }
    status = vdfb_encode_f64(codec, &grid, self->values, self->box[0] * self->box[1] * self->box[2], NULL, bytes);
    if (is_for_no_basis(status)) {
        set_state(self->states, 0, CELL_VERBATIM);
        return 1;
    }
    return status == VDFB_OK || failed(self, status);
}

/* Adds all cells that are to be encoded. Those that no basis describes are left out by the writer. */
static int add_cells(encoder *self, vdfb_archive_writer *writer, vdfb_bytes *bytes) {
    const vdfb_grid grid = box_grid(self->box);
    const size_t volume = self->box[0] * self->box[1] * self->box[2];
    vdfb_status status;
    size_t cell;
    for (cell = 0; cell < self->chunk->cells; cell++) {
        if (get_state(self->states, cell) != CELL_ENCODED) {
            continue;
        }
        if (!read_cell_box(self, cell)) {
            return 0;
        }
        status = vdfb_archive_writer_add_f64(writer, POPULATION, cell, NULL, &grid, self->values, volume, NULL);
        if (status != VDFB_OK && !is_for_no_basis(status)) {
            return failed(self, status);
        }
    }
    status = vdfb_archive_writer_finish(writer, bytes);
    return status == VDFB_OK || is_for_no_basis(status) || failed(self, status);
}

/* Marks cells that are not in the archive as verbatim. */
static int mark_left_out(encoder *self, const vdfb_codec *codec, const vdfb_bytes *bytes) {
    vdfb_archive *archive = NULL;
    vdfb_archive_info info = {0};
    uint64_t *written = malloc(self->chunk->cells * sizeof *written);
    size_t count = 0, cell, next = 0;
    vdfb_status status;
    if (written == NULL) {
        snprintf(self->message, MESSAGE, "no memory for the numbers of %zu cells", self->chunk->cells);
        return 0;
    }
    status = vdfb_archive_from_bytes(bytes->data, bytes->size, codec, &archive);
    if (status == VDFB_OK) {
        status = vdfb_archive_read_info(archive, &info);
    }
    /* Without cells an archive has no population. */
    if (status == VDFB_OK && info.cells > 0) {
        status = vdfb_archive_cells(archive, POPULATION, written, self->chunk->cells, &count);
    }
    for (cell = 0; status == VDFB_OK && cell < self->chunk->cells; cell++) {
        if (next < count && written[next] == cell) {
            next++;
        } else if (get_state(self->states, cell) == CELL_ENCODED) {
            set_state(self->states, cell, CELL_VERBATIM);
        }
    }
    vdfb_archive_free(archive);
    free(written);
    return status == VDFB_OK || failed(self, status);
}

/* Encodes several cells as one group (of at most 4096), so that the coder goes on learning from cell to cell. */
static int encode_archive(encoder *self, const vdfb_codec *codec, vdfb_bytes *bytes) {
    vdfb_archive_options options;
    vdfb_archive_writer *writer = NULL;
    vdfb_status status = vdfb_archive_options_init(&options);
    int done;
    options.group = self->chunk->cells < 4096 ? self->chunk->cells : 4096;
    if (status == VDFB_OK) {
        status = vdfb_archive_writer_in_memory(codec, &options, &writer);
    }
    done = status == VDFB_OK ? add_cells(self, writer, bytes) : failed(self, status);
    vdfb_archive_writer_free(writer);
    if (done && bytes->data == NULL) {
        /* The writer has failed at the last cell; it gives no bytes then. */
        return failed(self, VDFB_DEGENERATE);
    }
    return done && mark_left_out(self, codec, bytes);
}

/* Puts head, states, verbatim cells and encoded ones together. */
static int put_together(encoder *self, const vdfb_bytes *bytes, unsigned char **stored, size_t *stored_size) {
    const parameters *chunk = self->chunk;
    const size_t cell_size = chunk->volume * chunk->element, heads = CHUNK_HEAD + state_bytes(chunk->cells);
    size_t encoded = 0, verbatim = 0, cell, axis, byte;
    unsigned char *next;
    for (cell = 0; cell < chunk->cells; cell++) {
        encoded += get_state(self->states, cell) == CELL_ENCODED;
        verbatim += get_state(self->states, cell) == CELL_VERBATIM;
    }
    *stored_size = heads + verbatim * cell_size + (encoded > 0 ? bytes->size : 0);
    *stored = next = malloc(*stored_size);
    if (next == NULL) {
        snprintf(self->message, MESSAGE, "no memory for a chunk of %zu bytes", *stored_size);
        return 0;
    }
    *next++ = CHUNK_VERSION;
    *next++ = encoded == 0 ? HOLDS_NONE : chunk->cells == 1 ? HOLDS_STREAM : HOLDS_ARCHIVE;
    for (axis = 0; axis < 3; axis++) {
        for (byte = 0; byte < 4; byte++) {
            *next++ = (unsigned char)(self->box[axis] >> (8 * byte));
        }
    }
    memcpy(next, self->states, state_bytes(chunk->cells));
    next += state_bytes(chunk->cells);
    for (cell = 0; cell < chunk->cells; cell++) {
        if (get_state(self->states, cell) == CELL_VERBATIM) {
            memcpy(next, self->data + cell * cell_size, cell_size);
            next += cell_size;
        }
    }
    if (encoded > 0) {
        memcpy(next, bytes->data, bytes->size);
    }
    return 1;
}

/* Finds how each cell is stored and the box. Returns the number of cells to be encoded. */
static size_t sort_cells(encoder *self) {
    size_t cell, encoded = 0;
    for (cell = 0; cell < self->chunk->cells; cell++) {
        if (is_all(self, cell, self->chunk->fill)) {
            set_state(self->states, cell, CELL_FILL);
        } else if (is_all(self, cell, 0.0)) {
            set_state(self->states, cell, CELL_ZERO);
        } else {
            set_state(self->states, cell, CELL_ENCODED);
            grow_box(self, cell);
            encoded++;
        }
    }
    return encoded;
}

static int encode_cells(encoder *self, unsigned char **stored, size_t *stored_size) {
    vdfb_bytes bytes = {NULL, 0};
    vdfb_codec *codec = NULL;
    int done = 1;
    if (sort_cells(self) > 0) {
        codec = chunk_codec(self->chunk, self->chunk->spec);
        if (codec == NULL) {
            snprintf(self->message, MESSAGE, "%s", vdfb_last_message());
            done = 0;
        } else if (self->chunk->cells == 1) {
            done = encode_stream(self, codec, &bytes);
        } else {
            done = encode_archive(self, codec, &bytes);
        }
    }
    done = done && put_together(self, &bytes, stored, stored_size);
    vdfb_codec_free(codec);
    vdfb_bytes_free(&bytes);
    return done;
}

int encode_chunk(const parameters *chunk, const unsigned char *data, size_t size, unsigned char **stored,
                 size_t *stored_size, char message[MESSAGE]) {
    encoder self = {chunk, data, NULL, {1, 1, 1}, NULL, message};
    int done = 0;
    if (size != chunk->cells * chunk->volume * chunk->element) {
        snprintf(message, MESSAGE, "a chunk of %zu bytes; %zu cells of %zu elements of %zu bytes were expected", size,
                 chunk->cells, chunk->volume, chunk->element);
        return 0;
    }
    self.states = calloc(state_bytes(chunk->cells), 1);
    self.values = malloc(chunk->volume * sizeof *self.values);
    if (self.states == NULL || self.values == NULL) {
        snprintf(message, MESSAGE, "no memory for a cell of %zu elements", chunk->volume);
    } else {
        done = encode_cells(&self, stored, stored_size);
    }
    free(self.states);
    free(self.values);
    return done;
}
