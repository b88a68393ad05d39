/*
 * vdf-basis: velocity distribution functions as coefficients of an analytic basis, and as short streams.
 *
 * A distribution is phase-space density on a grid of velocity cells. A codec (`vdfb_codec_new`) encodes it into a stream:
 * bytes that hold the grid, the basis and the coefficients, and that any process decodes.
 *
 *     vdfb_codec *codec = NULL;
 *     vdfb_bytes stream;
 *     if (vdfb_codec_new("conserve(fast:l2=0.01)", NULL, &codec) != VDFB_OK) return fail(vdfb_last_message());
 *     if (vdfb_encode_f32(codec, &grid, values, count, NULL, &stream) != VDFB_OK) return fail(vdfb_last_message());
 *     ...
 *     vdfb_decode_f32(codec, stream.data, stream.size, values, count, NULL, NULL);
 *     vdfb_bytes_free(&stream);
 *     vdfb_codec_free(codec);
 *
 * docs/c.md introduces it; vdf_basis.hpp wraps it for C++.
 *
 * Units. Those of the caller: velocities in m/s and densities in s^3 m^-6 give moments in SI units. Any other consistent
 * units will do.
 *
 * Errors. Functions return a vdfb_status; VDFB_OK is 0. `vdfb_last_message` has a sentence about the last failure on the same
 * thread. A call that fails has written to no result, but for the archive of `vdfb_archive_writer_finish`, and for sizes and
 * counts that are needed (`needed`, `count`), which are set even if the status is VDFB_BUFFER_TOO_SMALL; the contents of buffers for values are then not specified. Null
 * pointers and sizes that do not match are refused. No call ends the process: an error inside the library is
 * VDFB_INTERNAL. Only if the system has no memory left does the process end, as it does in most programs.
 *
 * Ownership. Values, ids and texts are written to buffers of the caller, since their sizes can be asked for. Bytes whose
 * number is not known before (`vdfb_bytes`) are allocated by the library; the caller frees each with `vdfb_bytes_free`. Handles
 * (`vdfb_codec *` and so on) are made by the function that has a `**` to them, and freed by the caller with the function of
 * their name. All `_free` functions take null. To use a handle or bytes after they were freed, or to free a handle twice,
 * is undefined; the wrappers of vdf_basis.hpp cannot do it. Pointers that are handed to a call are not kept after it.
 *
 * Threads. All functions may be called from any thread at any time; there is no global state. A codec, a population, an
 * archive and records do not change and may be used by any number of threads at once. An accumulator and an archive writer
 * are changed: by one thread at a time. No thread is started, unless `vdfb_archive_options.threads` asks for it. The same
 * call gives the same bytes on any thread.
 *
 * Streams from elsewhere. Any bytes may be decoded: those that are damaged or made up are refused, or decode to some
 * distribution on a grid of at most `vdfb_codec_options.max_cells` cells.
 *
 * This file is generated from bindings/c/src by `VDF_BASIS_WRITE_HEADER=1 cargo test -p vdf-basis-c-header`.
 */


#ifndef VDF_BASIS_H
#define VDF_BASIS_H

#include <stddef.h>
#include <stdint.h>


/**
 * Components describe log10 of the densities above a floor: errors are relative, densities never negative.
 */
#define VDFB_VALUES_LOG10 0

/**
 * Components describe the densities themselves.
 */
#define VDFB_VALUES_LINEAR 1

/**
 * The outcome of a call. `vdfb_last_message` says more of all but `VDFB_OK`.
 */
typedef enum vdfb_status {
    /**
     * All was done.
     */
    VDFB_OK = 0,
    /**
     * A pointer that must not be null is null, or is not aligned.
     */
    VDFB_NULL_POINTER = 1,
    /**
     * An argument is outside its range.
     */
    VDFB_INVALID_ARGUMENT = 2,
    /**
     * A grid without cells, or whose edges or spacings are not finite and positive.
     */
    VDFB_INVALID_GRID = 3,
    /**
     * The number of values is not that of the grid or of the blocks.
     */
    VDFB_SIZE_MISMATCH = 4,
    /**
     * A NaN or an infinity among the densities; the message has its cell and its value.
     */
    VDFB_NOT_FINITE = 5,
    /**
     * A spec that does not parse, or a basis that is not known.
     */
    VDFB_INVALID_SPEC = 6,
    /**
     * A buffer is too small; the size that is needed has been returned.
     */
    VDFB_BUFFER_TOO_SMALL = 7,
    /**
     * Bytes that are cut, damaged, or not of this library.
     */
    VDFB_MALFORMED = 8,
    /**
     * Bytes of another version of the format.
     */
    VDFB_UNSUPPORTED_VERSION = 9,
    /**
     * Bytes that ask for more than the reader allows.
     */
    VDFB_LIMIT_EXCEEDED = 10,
    /**
     * A bound that the basis cannot reach.
     */
    VDFB_TARGET_NOT_MET = 11,
    /**
     * A distribution with nothing that the basis could describe.
     */
    VDFB_DEGENERATE = 12,
    /**
     * A number outside the range of the stream, or of `float`.
     */
    VDFB_OUT_OF_RANGE = 13,
    /**
     * Two grids, or two sets of components, where one was needed.
     */
    VDFB_MISMATCH = 14,
    /**
     * Reading or writing a file failed.
     */
    VDFB_IO = 15,
    /**
     * The stream holds no set of blocks.
     */
    VDFB_NO_BLOCKS = 16,
    /**
     * An error inside the library: please report it. Handles that the call was to change may only be freed.
     */
    VDFB_INTERNAL = 17,
} vdfb_status;

/**
 * Mean and covariance of a population of distributions on one grid, gathered one after another. Changed by one thread at a
 * time.
 */
typedef struct vdfb_accumulator vdfb_accumulator;

/**
 * An archive that is open for reading. It does not change: any number of threads may use it at once.
 */
typedef struct vdfb_archive vdfb_archive;

/**
 * Writes an archive. Used by one thread at a time.
 */
typedef struct vdfb_archive_writer vdfb_archive_writer;

/**
 * A codec: encodes by its spec, and decodes any stream. It does not change: any number of threads may use it at once.
 */
typedef struct vdfb_codec vdfb_codec;

/**
 * The mean and the leading components of a population. It does not change: any number of threads may use it at once.
 */
typedef struct vdfb_population vdfb_population;

/**
 * Distributions that were read from an archive: one cell, or a group of cells. They do not change: any number of threads
 * may use them at once. They outlive the archive.
 */
typedef struct vdfb_records vdfb_records;

/**
 * A uniform grid of velocity cells. Cell `k` of an axis spans `lower + k spacing` to `lower + (k + 1) spacing`. Any unit
 * will do, m/s for example; spacing 1 and lower edge -0.5 count cells.
 */
typedef struct vdfb_grid {
    /**
     * Cells along vx, vy, vz.
     */
    uint64_t shape[3];
    /**
     * Lower edges of the first cells [m/s].
     */
    double lower[3];
    /**
     * Widths of a cell [m/s].
     */
    double spacing[3];
} vdfb_grid;

/**
 * Choices of an archive writer. `vdfb_archive_options_init` sets the defaults.
 */
typedef struct vdfb_archive_options {
    /**
     * Cells of a group, by default 32, at most 4096. Larger groups take fewer bytes; to read one cell, the group before it
     * is decoded.
     */
    uint64_t group;
    /**
     * Threads that encode, at most 256, by default 1: the caller's, and none is started. Of several populations whose cells
     * come by turns, the order of the groups depends on it; no other byte does.
     */
    uint64_t threads;
    /**
     * The grid from which the boxes of cells are counted, or null for that of the first cell. Ranks whose parts are to be
     * joined give the same.
     */
    const struct vdfb_grid *grid;
} vdfb_archive_options;

/**
 * Facts that an archive keeps beside a distribution, exactly.
 */
typedef struct vdfb_facts {
    /**
     * 1 if `time` is known, else 0.
     */
    uint32_t has_time;
    /**
     * 1 if `position` is known, else 0.
     */
    uint32_t has_position;
    /**
     * 1 if `magnetic_field` is known, else 0.
     */
    uint32_t has_magnetic_field;
    /**
     * Not used; 0.
     */
    uint32_t reserved;
    /**
     * Time of the simulation [s].
     */
    double time;
    /**
     * Centre of the cell in space [m].
     */
    double position[3];
    /**
     * Magnetic field in the cell [T].
     */
    double magnetic_field[3];
} vdfb_facts;

/**
 * Where in an array the cells of a grid are: cell `[i, j, k]` is element `offset + i strides[0] + j strides[1] +
 * k strides[2]`. Strides count elements, not bytes, and may be negative. The other elements are neither read nor written:
 * they may be the cells of distributions that other threads work on. A null pointer to a layout means C order: vz runs
 * fastest.
 */
typedef struct vdfb_layout {
    /**
     * Elements from one cell to the next along vx, vy, vz.
     */
    int64_t strides[3];
    /**
     * The element of cell [0, 0, 0].
     */
    uint64_t offset;
} vdfb_layout;

/**
 * Bytes that the library has allocated, of a stream for example. Whoever gets them frees them with `vdfb_bytes_free`.
 */
typedef struct vdfb_bytes {
    /**
     * The first byte; null if there are none.
     */
    uint8_t *data;
    /**
     * Their number.
     */
    size_t size;
} vdfb_bytes;

/**
 * What is in an archive.
 */
typedef struct vdfb_archive_info {
    /**
     * The version of the format.
     */
    uint32_t version;
    /**
     * 1 if the index was missing or damaged, and what could be read was found by reading all; else 0.
     */
    uint32_t is_recovered;
    /**
     * Bytes of the archive.
     */
    uint64_t bytes;
    /**
     * The number of populations (`vdfb_archive_population`).
     */
    uint64_t populations;
    /**
     * The number of groups (`vdfb_archive_read_group`).
     */
    uint64_t groups;
    /**
     * The number of cells that were found, over all populations.
     */
    uint64_t cells;
    /**
     * The number of cells that were not, because their population, grid and basis are damaged (`vdfb_archive_lost_cells`);
     * 0 of an archive that is recovered: what is missing there is not known.
     */
    uint64_t lost_cells;
} vdfb_archive_info;

/**
 * A distribution of an archive, without its densities.
 */
typedef struct vdfb_record_info {
    /**
     * The id of the cell in space.
     */
    uint64_t cell;
    /**
     * The grid of its densities.
     */
    struct vdfb_grid grid;
    /**
     * Facts that were kept with it.
     */
    struct vdfb_facts facts;
} vdfb_record_info;

/**
 * Velocity moments per unit mass. With velocities in m/s and densities in s^3 m^-6 they are in SI units.
 */
typedef struct vdfb_moments {
    /**
     * Number density n [m^-3].
     */
    double density;
    /**
     * Bulk velocity u [m/s].
     */
    double bulk_velocity[3];
    /**
     * Pressure tensor: sum (v-u)_i (v-u)_j f dV [m^-1 s^-2].
     */
    double pressure[3][3];
    /**
     * Heat flux: sum (v-u)_i |v-u|^2 f dV / 2 [s^-3].
     */
    double heat_flux[3];
    /**
     * Thermal speed: the standard deviation of one velocity component, averaged over the three [m/s].
     */
    double thermal_speed;
} vdfb_moments;

/**
 * Choices of a codec besides its spec. `vdfb_codec_options_init` sets the defaults.
 */
typedef struct vdfb_codec_options {
    /**
     * Sparsity threshold [s^3 m^-6] for distributions that are given as boxes: only blocks with a density of larger
     * magnitude are kept, and the stream holds their set. Negative, the default: the whole box. Blocks that are given as
     * blocks are all kept.
     */
    double sparsity_threshold;
    /**
     * Cells along the edge of such a block, by default 4.
     */
    uint64_t block_width;
    /**
     * Most cells of a grid that is encoded, or that a stream may claim, by default 2^26. Presets and bounds encode at most
     * 2^26 cells, of blocks in the box around them. A stream of a few bytes can make the library take 4 numbers of 8 bytes
     * for each of these cells, and no less than 2^24 numbers: for streams from elsewhere set it to the cells that you expect.
     */
    uint64_t max_cells;
    /**
     * Learnt bases that streams may name, or null. The codec keeps what it needs of them: they may be freed before it.
     */
    const struct vdfb_population *const *populations;
    /**
     * Their number.
     */
    size_t population_count;
} vdfb_codec_options;

/**
 * Errors of a reconstruction g of an original f, without dimension.
 */
typedef struct vdfb_fidelity {
    /**
     * sum |f-g| / sum |f|.
     */
    double l1;
    /**
     * Norm of f-g over that of f.
     */
    double l2;
    /**
     * max |f-g| / max |f|.
     */
    double linf;
    /**
     * Root mean square over all cells of log10 max(f, floor) - log10 max(g, floor) [dex].
     */
    double log10_rms;
    /**
     * Largest |f-g| / f over the cells with f >= floor.
     */
    double relative;
    /**
     * That floor [s^3 m^-6].
     */
    double log10_floor;
    /**
     * Error of the density, over the density.
     */
    double density;
    /**
     * Error of the bulk velocity, over the thermal speed.
     */
    double bulk_velocity;
    /**
     * Largest error of a component of it, over the thermal speed along its axis.
     */
    double bulk_velocity_component;
    /**
     * Norm of the error of the pressure tensor, over that of the tensor.
     */
    double pressure;
    /**
     * Largest error of a component of it, over n v_i v_j, v_i the thermal speed along axis i.
     */
    double pressure_component;
    /**
     * Error of the heat flux, over n times the thermal speed cubed.
     */
    double heat_flux;
    /**
     * Mass of the negative part of g, over n.
     */
    double negative_mass;
} vdfb_fidelity;

/**
 * What a stream says of itself.
 */
typedef struct vdfb_stream_info {
    /**
     * The version of the format.
     */
    uint32_t version;
    /**
     * 1 if the stream holds a set of blocks, else 0.
     */
    uint32_t has_blocks;
    /**
     * The grid; of a stream in blocks the velocity mesh.
     */
    struct vdfb_grid grid;
    /**
     * The number of its cells.
     */
    uint64_t cells;
    /**
     * The number of blocks; 0 of a box.
     */
    uint64_t block_count;
    /**
     * Cells along the edge of a block; 0 of a box.
     */
    uint64_t block_width;
} vdfb_stream_info;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Sets the default choices.
 */
enum vdfb_status vdfb_archive_options_init(struct vdfb_archive_options *options);

/**
 * Begins an archive in a file, over one that is there, whose cells are encoded by a codec (which may be freed before the
 * writer). Null options are the defaults. The caller frees `*writer`.
 */
enum vdfb_status vdfb_archive_writer_create(const char *path,
                                            const struct vdfb_codec *codec,
                                            const struct vdfb_archive_options *options,
                                            struct vdfb_archive_writer **writer);

/**
 * Begins an archive in memory; `vdfb_archive_writer_finish` hands it over.
 */
enum vdfb_status vdfb_archive_writer_in_memory(const struct vdfb_codec *codec,
                                               const struct vdfb_archive_options *options,
                                               struct vdfb_archive_writer **writer);

/**
 * Adds a distribution: the population's name, the id of the cell in space (at most 2^61), facts or null, and the densities
 * as of `vdfb_encode_f64`. Cells wait until a group of their population is whole for each thread and are then encoded. A cell
 * that cannot be encoded is left out: the call that encodes its group returns why, and the others are written. A codec's
 * sparsity threshold does not matter here.
 */
enum vdfb_status vdfb_archive_writer_add_f64(struct vdfb_archive_writer *writer,
                                             const char *population,
                                             uint64_t cell,
                                             const struct vdfb_facts *facts,
                                             const struct vdfb_grid *grid,
                                             const double *values,
                                             size_t count,
                                             const struct vdfb_layout *layout);

/**
 * As `vdfb_archive_writer_add_f64`, in single precision.
 */
enum vdfb_status vdfb_archive_writer_add_f32(struct vdfb_archive_writer *writer,
                                             const char *population,
                                             uint64_t cell,
                                             const struct vdfb_facts *facts,
                                             const struct vdfb_grid *grid,
                                             const float *values,
                                             size_t count,
                                             const struct vdfb_layout *layout);

/**
 * Encodes the cells that wait and writes the index. Of an archive in memory `*bytes` becomes the archive, which the caller
 * frees; of one in a file it becomes none, and may be null. If a last cell is left out, the archive is finished and handed over
 * all the same, and the call returns why. Then the writer may only be freed.
 */
enum vdfb_status vdfb_archive_writer_finish(struct vdfb_archive_writer *writer,
                                            struct vdfb_bytes *bytes);

/**
 * Frees a writer; does nothing for null. Of an archive that was not finished, all whole groups in its file can be read.
 */
void vdfb_archive_writer_free(struct vdfb_archive_writer *writer);

/**
 * Splits a finished archive into an outline, which is short, and its groups, for one file that several ranks write: the
 * beginning of the file (`vdfb_archive_join`), the groups of all ranks in order, and the end. The caller frees both.
 */
enum vdfb_status vdfb_archive_split(const uint8_t *data,
                                    size_t size,
                                    struct vdfb_bytes *outline,
                                    struct vdfb_bytes *groups);

/**
 * Makes the beginning and the end of an archive from the outlines of its parts, one after another in `outlines`, with their
 * `sizes`. The parts must be of one population, basis and grid (`vdfb_archive_options.grid`); a rank without cells has an
 * outline, too. If each rank has whole groups (but for the last cells of all), the bytes do not depend on their number. The
 * caller frees `*beginning` and `*end`.
 */
enum vdfb_status vdfb_archive_join(const uint8_t *outlines,
                                   const uint64_t *sizes,
                                   size_t count,
                                   struct vdfb_bytes *beginning,
                                   struct vdfb_bytes *end);

/**
 * Opens an archive and reads its index. The codec may be null for standard bases; it sets the most cells of a grid. The
 * caller frees `*archive`.
 */
enum vdfb_status vdfb_archive_open(const char *path, const struct vdfb_codec *codec, struct vdfb_archive **archive);

/**
 * As `vdfb_archive_open`, of bytes in memory, which are copied.
 */
enum vdfb_status vdfb_archive_from_bytes(const uint8_t *data,
                                         size_t size,
                                         const struct vdfb_codec *codec,
                                         struct vdfb_archive **archive);

/**
 * Frees an archive; does nothing for null.
 */
void vdfb_archive_free(struct vdfb_archive *archive);

/**
 * What is in an archive.
 */
enum vdfb_status vdfb_archive_read_info(const struct vdfb_archive *archive, struct vdfb_archive_info *info);

/**
 * Writes the name of population `index`, counted from 0, and a zero into `buffer`, as `vdfb_codec_spec` does.
 */
enum vdfb_status vdfb_archive_population(const struct vdfb_archive *archive,
                                         size_t index,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *needed);

/**
 * Writes the ids of the cells of a population, in the archive's order, and how many there are to `*count`. With null `cells`
 * and no capacity only `*count` is set.
 */
enum vdfb_status vdfb_archive_cells(const struct vdfb_archive *archive,
                                    const char *population,
                                    uint64_t *cells,
                                    size_t capacity,
                                    size_t *count);

/**
 * Writes the ids of the cells that cannot be read, because their population, grid and basis are damaged, in the archive's
 * order, and how many there are to `*count`, as `vdfb_archive_cells` does. A group that is damaged itself is found when it is
 * read: `vdfb_archive_read_cell` and `vdfb_archive_read_group` return `VDFB_MALFORMED`.
 */
enum vdfb_status vdfb_archive_lost_cells(const struct vdfb_archive *archive,
                                         uint64_t *cells,
                                         size_t capacity,
                                         size_t *count);

/**
 * Reads one cell; of one that was written twice the last. Decodes the coefficients of its group up to it. The caller frees
 * `*records`.
 */
enum vdfb_status vdfb_archive_read_cell(const struct vdfb_archive *archive,
                                        const char *population,
                                        uint64_t cell,
                                        struct vdfb_records **records);

/**
 * Reads all cells of group `index`, counted from 0: the way to read many. The caller frees `*records`.
 */
enum vdfb_status vdfb_archive_read_group(const struct vdfb_archive *archive,
                                         size_t index,
                                         struct vdfb_records **records);

/**
 * Frees records; does nothing for null.
 */
void vdfb_records_free(struct vdfb_records *records);

/**
 * The number of distributions that were read; 0 for null.
 */
size_t vdfb_records_count(const struct vdfb_records *records);

/**
 * The cell, the grid and the facts of record `index`.
 */
enum vdfb_status vdfb_record_read_info(const struct vdfb_records *records, size_t index, struct vdfb_record_info *info);

/**
 * Writes the name of the population of record `index` and a zero into `buffer`, as `vdfb_codec_spec` does.
 */
enum vdfb_status vdfb_record_population(const struct vdfb_records *records,
                                        size_t index,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *needed);

/**
 * The moments of record `index`, as of `vdfb_stream_moments`.
 */
enum vdfb_status vdfb_record_moments(const struct vdfb_records *records, size_t index, struct vdfb_moments *moments);

/**
 * Decodes record `index` into a box, as `vdfb_decode_f64` does.
 */
enum vdfb_status vdfb_record_values_f64(const struct vdfb_records *records,
                                        size_t index,
                                        double *result,
                                        size_t count,
                                        const struct vdfb_layout *layout,
                                        size_t *needed);

/**
 * As `vdfb_record_values_f64`, rounded to single precision.
 */
enum vdfb_status vdfb_record_values_f32(const struct vdfb_records *records,
                                        size_t index,
                                        float *result,
                                        size_t count,
                                        const struct vdfb_layout *layout,
                                        size_t *needed);

/**
 * Encodes the densities of one cell of space in `count` blocks of `width` cells along each edge. Block `[bx, by, bz]` of
 * the mesh has the number `bx + nbx (by + nby bz)`, nbx = shape / width rounded up; `values` has width^3 values for each
 * block, cell `[i, j, k]` of a block at `i + width (j + width k)`: in both vx runs fastest, as in Vlasiator. The numbers may
 * be in any order, each once. The stream holds the exact set of the blocks, whatever is in them. `value_count` must be
 * `count` width^3. The caller frees `*stream`.
 */
enum vdfb_status vdfb_encode_blocks_f64(const struct vdfb_codec *codec,
                                        const struct vdfb_grid *mesh,
                                        uint64_t width,
                                        const uint32_t *ids,
                                        size_t count,
                                        const double *values,
                                        size_t value_count,
                                        struct vdfb_bytes *stream);

/**
 * As `vdfb_encode_blocks_f64`, in single precision.
 */
enum vdfb_status vdfb_encode_blocks_f32(const struct vdfb_codec *codec,
                                        const struct vdfb_grid *mesh,
                                        uint64_t width,
                                        const uint32_t *ids,
                                        size_t count,
                                        const float *values,
                                        size_t value_count,
                                        struct vdfb_bytes *stream);

/**
 * Decodes a stream in blocks into the same blocks: their numbers, ascending, and width^3 values for each, in arrays that
 * the caller owns. `*count` becomes the number of blocks, also if `capacity` or `value_capacity` is too small (it may be
 * null); with null arrays of no capacity only `*count` is set. A stream of a box is `VDFB_NO_BLOCKS`. The codec may be null as
 * for `vdfb_decode_f64`.
 */
enum vdfb_status vdfb_decode_blocks_f64(const struct vdfb_codec *codec,
                                        const uint8_t *stream,
                                        size_t size,
                                        uint32_t *ids,
                                        size_t capacity,
                                        double *values,
                                        size_t value_capacity,
                                        size_t *count);

/**
 * As `vdfb_decode_blocks_f64`, rounded to single precision.
 */
enum vdfb_status vdfb_decode_blocks_f32(const struct vdfb_codec *codec,
                                        const uint8_t *stream,
                                        size_t size,
                                        uint32_t *ids,
                                        size_t capacity,
                                        float *values,
                                        size_t value_capacity,
                                        size_t *count);

/**
 * Encodes the densities of one cell of space, in double precision. `values` has `count` elements, of which `layout` says
 * where the velocity cells are (null: C order, and exactly as many values as cells). The caller frees `*stream`.
 */
enum vdfb_status vdfb_encode_f64(const struct vdfb_codec *codec,
                                 const struct vdfb_grid *grid,
                                 const double *values,
                                 size_t count,
                                 const struct vdfb_layout *layout,
                                 struct vdfb_bytes *stream);

/**
 * As `vdfb_encode_f64`, in single precision.
 */
enum vdfb_status vdfb_encode_f32(const struct vdfb_codec *codec,
                                 const struct vdfb_grid *grid,
                                 const float *values,
                                 size_t count,
                                 const struct vdfb_layout *layout,
                                 struct vdfb_bytes *stream);

/**
 * Decodes a stream into a box of `count` values, which the caller owns; `*needed` becomes the number of cells, also if
 * there are fewer values (it may be null). With null `values` and `count` 0 only `*needed` is set. Of a stream in blocks
 * it is the whole velocity mesh, zero outside the blocks. Elements that `layout` does not name are not written to. The
 * codec may be null for streams in standard bases; with one the tables of its bases are shared.
 */
enum vdfb_status vdfb_decode_f64(const struct vdfb_codec *codec,
                                 const uint8_t *stream,
                                 size_t size,
                                 double *values,
                                 size_t count,
                                 const struct vdfb_layout *layout,
                                 size_t *needed);

/**
 * As `vdfb_decode_f64`, rounded to single precision; a density beyond its range is `VDFB_OUT_OF_RANGE`.
 */
enum vdfb_status vdfb_decode_f32(const struct vdfb_codec *codec,
                                 const uint8_t *stream,
                                 size_t size,
                                 float *values,
                                 size_t count,
                                 const struct vdfb_layout *layout,
                                 size_t *needed);

/**
 * Frees bytes that the library has allocated, and sets them to none. Does nothing for null or none, so that bytes may be
 * freed twice through the same struct, but not through two copies of it.
 */
void vdfb_bytes_free(struct vdfb_bytes *bytes);

/**
 * Sets the default choices.
 */
enum vdfb_status vdfb_codec_options_init(struct vdfb_codec_options *options);

/**
 * Makes a codec from a spec, such as `conserve(fast:l2=0.01)`: a basis with its options and bounds (README, Bases). A null
 * spec makes one that only decodes; a learnt basis among the options is named `pca:learnt=` and its hash
 * (`vdfb_population_spec`). Null options are the defaults. The caller frees `*codec` with `vdfb_codec_free`.
 */
enum vdfb_status vdfb_codec_new(const char *spec,
                                const struct vdfb_codec_options *options,
                                struct vdfb_codec **codec);

/**
 * Frees a codec; does nothing for null.
 */
void vdfb_codec_free(struct vdfb_codec *codec);

/**
 * Writes the codec's spec, with the bound passed on to where it is kept, and a zero behind it into `buffer`. `*needed`
 * becomes the bytes of both; it may be null. With a null buffer and capacity 0 only `*needed` is set.
 */
enum vdfb_status vdfb_codec_spec(const struct vdfb_codec *codec, char *buffer, size_t capacity, size_t *needed);

/**
 * Sets `layout` to that of an array in C order, in which vz runs fastest; the same as none.
 */
enum vdfb_status vdfb_layout_c(const struct vdfb_grid *grid, struct vdfb_layout *layout);

/**
 * Sets `layout` to that of an array in Fortran order, in which vx runs fastest.
 */
enum vdfb_status vdfb_layout_fortran(const struct vdfb_grid *grid, struct vdfb_layout *layout);

/**
 * The moments of a distribution; its arguments as those of `vdfb_encode_f64`.
 */
enum vdfb_status vdfb_moments_f64(const struct vdfb_grid *grid,
                                  const double *values,
                                  size_t count,
                                  const struct vdfb_layout *layout,
                                  struct vdfb_moments *result);

/**
 * As `vdfb_moments_f64`, in single precision.
 */
enum vdfb_status vdfb_moments_f32(const struct vdfb_grid *grid,
                                  const float *values,
                                  size_t count,
                                  const struct vdfb_layout *layout,
                                  struct vdfb_moments *result);

/**
 * The errors of a reconstruction against the original, both of `count` values in the same layout. `floor` is that of the
 * logarithmic and of the relative error [s^3 m^-6]; 0 takes 1e-15 for peaks from 1e-14 to 1e-7, else 1e-6 of the peak.
 */
enum vdfb_status vdfb_fidelity_f64(const struct vdfb_grid *grid,
                                   const double *original,
                                   const double *reconstruction,
                                   size_t count,
                                   const struct vdfb_layout *layout,
                                   double floor,
                                   struct vdfb_fidelity *result);

/**
 * As `vdfb_fidelity_f64`, in single precision.
 */
enum vdfb_status vdfb_fidelity_f32(const struct vdfb_grid *grid,
                                   const float *original,
                                   const float *reconstruction,
                                   size_t count,
                                   const struct vdfb_layout *layout,
                                   double floor,
                                   struct vdfb_fidelity *result);

/**
 * Makes an accumulator of distributions on `grid`. `values` is `VDFB_VALUES_LOG10` or `VDFB_VALUES_LINEAR`; `floor` that of
 * the logarithm [s^3 m^-6], 0 for a millionth of each distribution's peak. The accumulator is exact and holds up to two
 * rows of 8 bytes a cell for each cell (`vdfb_accumulator_limit`). The caller frees `*accumulator`.
 */
enum vdfb_status vdfb_accumulator_new(const struct vdfb_grid *grid,
                                      uint32_t values,
                                      double floor,
                                      struct vdfb_accumulator **accumulator);

/**
 * Keeps only the `directions` leading directions whenever `batch` more distributions have been added: never more than
 * `directions + batch` rows of 8 bytes a cell are held. Twice the components to be learnt is a good number of directions.
 */
enum vdfb_status vdfb_accumulator_limit(struct vdfb_accumulator *accumulator,
                                        uint64_t directions,
                                        uint64_t batch);

/**
 * Takes a distribution in; `values`, `count` and `layout` as of `vdfb_encode_f64`.
 */
enum vdfb_status vdfb_accumulator_add_f64(struct vdfb_accumulator *accumulator,
                                          const double *values,
                                          size_t count,
                                          const struct vdfb_layout *layout);

/**
 * As `vdfb_accumulator_add_f64`, in single precision.
 */
enum vdfb_status vdfb_accumulator_add_f32(struct vdfb_accumulator *accumulator,
                                          const float *values,
                                          size_t count,
                                          const struct vdfb_layout *layout);

/**
 * Takes in all that `other`, which does not change, has taken in: in any order to the same within rounding. The two must
 * be of one grid and one kind of values, and not the same handle.
 */
enum vdfb_status vdfb_accumulator_merge(struct vdfb_accumulator *accumulator,
                                        const struct vdfb_accumulator *other);

/**
 * The number of distributions taken in, and the share of the variance that `vdfb_accumulator_limit` has left out (either
 * may be null).
 */
enum vdfb_status vdfb_accumulator_state(const struct vdfb_accumulator *accumulator,
                                        uint64_t *count,
                                        double *lost);

/**
 * The accumulator as bytes, for another rank or a file (docs/methods/pca.md has the layout). The caller frees `*bytes`.
 */
enum vdfb_status vdfb_accumulator_to_bytes(const struct vdfb_accumulator *accumulator, struct vdfb_bytes *bytes);

/**
 * Reads what `vdfb_accumulator_to_bytes` has written. The caller frees `*accumulator`.
 */
enum vdfb_status vdfb_accumulator_from_bytes(const uint8_t *data, size_t size, struct vdfb_accumulator **accumulator);

/**
 * Learns at most `components` components; fewer where fewer describe the population. The caller frees `*population`.
 */
enum vdfb_status vdfb_accumulator_learn(const struct vdfb_accumulator *accumulator,
                                        uint64_t components,
                                        struct vdfb_population **population);

/**
 * Frees an accumulator; does nothing for null.
 */
void vdfb_accumulator_free(struct vdfb_accumulator *accumulator);

/**
 * The learnt basis as bytes, for readers of its streams. The caller frees `*bytes`.
 */
enum vdfb_status vdfb_population_to_bytes(const struct vdfb_population *population, struct vdfb_bytes *bytes);

/**
 * Reads what `vdfb_population_to_bytes` has written. The caller frees `*population`.
 */
enum vdfb_status vdfb_population_from_bytes(const uint8_t *data, size_t size, struct vdfb_population **population);

/**
 * Writes the spec of a learnt basis, `pca:learnt=` and its hash, and a zero into `buffer`, as `vdfb_codec_spec` does. A codec
 * that has the basis among its options knows it by this name, alone, bounded, and in combinations:
 * `conserve(pca:learnt=0123456789abcdef)`.
 */
enum vdfb_status vdfb_population_spec(const struct vdfb_population *population,
                                      char *buffer,
                                      size_t capacity,
                                      size_t *needed);

/**
 * The number of components, of cells of the grid, and of the distributions they were learnt from (any may be null).
 */
enum vdfb_status vdfb_population_sizes(const struct vdfb_population *population,
                                       size_t *components,
                                       size_t *cells,
                                       uint64_t *distributions);

/**
 * Copies the mean, in C order of the grid, into `values`, which has `count` elements, at least as many as cells.
 */
enum vdfb_status vdfb_population_mean(const struct vdfb_population *population, double *values, size_t count);

/**
 * Copies component `index`, a unit vector in C order of the grid, into `values`, which has `count` elements, at least as
 * many as cells. The first component has the largest variance.
 */
enum vdfb_status vdfb_population_component(const struct vdfb_population *population,
                                           size_t index,
                                           double *values,
                                           size_t count);

/**
 * Copies the standard deviation of the population along each component into `values`, which has `count` elements, at least
 * as many as components.
 */
enum vdfb_status vdfb_population_deviations(const struct vdfb_population *population,
                                            double *values,
                                            size_t count);

/**
 * Frees a learnt basis; does nothing for null.
 */
void vdfb_population_free(struct vdfb_population *population);

/**
 * The message of the last call on this thread that did not return `VDFB_OK`, a sentence in UTF-8; empty if there was none.
 * It is valid until the next such call on this thread, and belongs to the library.
 */
const char *vdfb_last_message(void);

/**
 * The name of a status, such as `VDFB_NOT_FINITE`; it is valid for ever.
 */
const char *vdfb_status_name(int32_t status);

/**
 * Reads the grid and the blocks of a stream, without its coefficients. The codec may be null; it sets the most cells.
 */
enum vdfb_status vdfb_stream_read_info(const struct vdfb_codec *codec,
                                       const uint8_t *stream,
                                       size_t size,
                                       struct vdfb_stream_info *info);

/**
 * Writes the spec of a stream's basis and a zero into `buffer`, and the bytes of both to `*needed`, as `vdfb_codec_spec`
 * does, without reading the coefficients.
 */
enum vdfb_status vdfb_stream_spec(const struct vdfb_codec *codec,
                                  const uint8_t *stream,
                                  size_t size,
                                  char *buffer,
                                  size_t capacity,
                                  size_t *needed);

/**
 * Writes the numbers of the blocks of a stream, ascending, and how many there are to `*count`, without reading the
 * coefficients. With null `ids` and no capacity only `*count` is set. A stream of a box is `VDFB_NO_BLOCKS`.
 */
enum vdfb_status vdfb_stream_blocks(const struct vdfb_codec *codec,
                                    const uint8_t *stream,
                                    size_t size,
                                    uint32_t *ids,
                                    size_t capacity,
                                    size_t *count);

/**
 * The moments of what a stream decodes to: in closed form from the coefficients where the basis has one, else from the
 * cells, for which the library takes memory during the call. The codec may be null as for `vdfb_decode_f64`.
 */
enum vdfb_status vdfb_stream_moments(const struct vdfb_codec *codec,
                                     const uint8_t *stream,
                                     size_t size,
                                     struct vdfb_moments *moments);

/**
 * The errors of what a stream decodes to, against the original on the same grid. `floor` is that of the logarithmic and of
 * the relative error [s^3 m^-6]; 0 takes the one of the stream's bound, else 1e-15 or 1e-6 of the peak (`vdfb_fidelity_f64`).
 */
enum vdfb_status vdfb_stream_fidelity_f64(const struct vdfb_codec *codec,
                                          const uint8_t *stream,
                                          size_t size,
                                          const double *values,
                                          size_t count,
                                          const struct vdfb_layout *layout,
                                          double floor,
                                          struct vdfb_fidelity *result);

/**
 * As `vdfb_stream_fidelity_f64`, with an original in single precision.
 */
enum vdfb_status vdfb_stream_fidelity_f32(const struct vdfb_codec *codec,
                                          const uint8_t *stream,
                                          size_t size,
                                          const float *values,
                                          size_t count,
                                          const struct vdfb_layout *layout,
                                          double floor,
                                          struct vdfb_fidelity *result);

/**
 * The version of the library, such as `0.1.0`; it is valid for ever.
 */
const char *vdfb_version(void);

/**
 * The version of the streams that the library writes.
 */
uint32_t vdfb_stream_version(void);

/**
 * The version of the archives that the library writes.
 */
uint32_t vdfb_archive_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* VDF_BASIS_H */
