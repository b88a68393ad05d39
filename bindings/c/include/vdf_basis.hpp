// vdf-basis for C++17: the functions of vdf_basis.h with handles that free themselves, views, and exceptions.
//
//     vdfb::codec codec("conserve(fast:l2=0.01)");
//     vdfb::bytes stream = codec.encode(grid, values);        // values: std::vector<float>, std::span<double>, {pointer, size}
//     std::vector<float> back = codec.decode<float>(stream);
//
// All that fails throws vdfb::error, which has a vdfb_status and a sentence. What vdf_basis.h says of units and threads
// holds here: a codec, a population, an archive and records may be used by any number of threads at once, an accumulator
// and an archive_writer by one at a time. Objects can be moved and not copied; one that was moved from may only be
// destroyed or assigned to.
#ifndef VDF_BASIS_HPP
#define VDF_BASIS_HPP

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "vdf_basis.h"

namespace vdfb {

// A call that failed.
class error : public std::runtime_error {
public:
    error(vdfb_status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    vdfb_status status() const noexcept { return status_; }

private:
    vdfb_status status_;
};

// Throws the message of this thread unless `status` is VDFB_OK.
inline void check(vdfb_status status) {
    if (status != VDFB_OK) {
        throw error(status, std::string(vdfb_status_name(status)) + ": " + vdfb_last_message());
    }
}

// Elements that somebody else owns: a pointer and a number, as std::span of C++20. Made of a pointer and a size, or of
// anything that has data() and size(), such as std::vector, std::array, std::span and vdfb::bytes.
template <class T> class view {
    template <class C>
    using fits = std::enable_if_t<
        std::is_convertible_v<std::remove_pointer_t<decltype(std::data(std::declval<C &>()))> (*)[], T (*)[]>>;

public:
    constexpr view() noexcept = default;
    constexpr view(T *data, std::size_t size) noexcept : data_(data), size_(size) {}

    template <class C, class = fits<C>> constexpr view(C &container) : view(std::data(container), std::size(container)) {}

    template <class C, class = fits<const C>, class = std::enable_if_t<std::is_const_v<T> && !std::is_same_v<C, view>>>
    constexpr view(const C &container) : view(std::data(container), std::size(container)) {}

    constexpr T *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr T *begin() const noexcept { return data_; }
    constexpr T *end() const noexcept { return data_ + size_; }
    constexpr T &operator[](std::size_t index) const { return data_[index]; }

private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

// Bytes that the library has allocated.
class bytes {
public:
    bytes() noexcept = default;
    bytes(bytes &&other) noexcept : held_(std::exchange(other.held_, vdfb_bytes{nullptr, 0})) {}
    bytes &operator=(bytes &&other) noexcept {
        std::swap(held_, other.held_);
        return *this;
    }
    ~bytes() { vdfb_bytes_free(&held_); }

    const std::uint8_t *data() const noexcept { return held_.data; }
    std::size_t size() const noexcept { return held_.size; }
    bool empty() const noexcept { return held_.size == 0; }
    const std::uint8_t *begin() const noexcept { return held_.data; }
    const std::uint8_t *end() const noexcept { return held_.data + held_.size; }

    // The struct for a function of vdf_basis.h that hands over bytes; what was held is freed.
    vdfb_bytes *out() noexcept {
        vdfb_bytes_free(&held_);
        return &held_;
    }

private:
    vdfb_bytes held_ = {nullptr, 0};
};

namespace detail {

template <auto Free> struct freed {
    template <class T> void operator()(T *handle) const noexcept { Free(handle); }
};

template <class T, auto Free> using handle = std::unique_ptr<T, freed<Free>>;

// A text from a function that writes it to a buffer.
template <class Write> std::string text(Write write) {
    std::size_t needed = 0;
    check(write(nullptr, std::size_t{0}, &needed));
    std::string text(needed, '\0');
    check(write(text.data(), text.size(), &needed));
    text.resize(needed - 1);
    return text;
}

template <class T> void check_type() {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>, "values are float or double");
}

} // namespace detail

// The version of the library.
inline std::string version() { return vdfb_version(); }

// The layout of an array in which vx runs fastest.
inline vdfb_layout fortran_order(const vdfb_grid &grid) {
    vdfb_layout layout;
    check(vdfb_layout_fortran(&grid, &layout));
    return layout;
}

// The number of cells of a grid.
inline std::size_t cells(const vdfb_grid &grid) {
    return static_cast<std::size_t>(grid.shape[0] * grid.shape[1] * grid.shape[2]);
}

inline vdfb_moments moments(const vdfb_grid &grid, view<const double> values, const vdfb_layout *layout = nullptr) {
    vdfb_moments found;
    check(vdfb_moments_f64(&grid, values.data(), values.size(), layout, &found));
    return found;
}

inline vdfb_moments moments(const vdfb_grid &grid, view<const float> values, const vdfb_layout *layout = nullptr) {
    vdfb_moments found;
    check(vdfb_moments_f32(&grid, values.data(), values.size(), layout, &found));
    return found;
}

namespace detail {

inline void same_size(std::size_t original, std::size_t reconstruction) {
    if (original != reconstruction) {
        throw error(VDFB_SIZE_MISMATCH, "VDFB_SIZE_MISMATCH: " + std::to_string(original) + " values of the original, " +
                                            std::to_string(reconstruction) + " of the reconstruction");
    }
}

} // namespace detail

// Errors of a reconstruction; a floor of 0 takes the default one.
inline vdfb_fidelity fidelity(const vdfb_grid &grid, view<const double> original, view<const double> reconstruction,
                              double floor = 0, const vdfb_layout *layout = nullptr) {
    detail::same_size(original.size(), reconstruction.size());
    vdfb_fidelity found;
    check(vdfb_fidelity_f64(&grid, original.data(), reconstruction.data(), original.size(), layout, floor, &found));
    return found;
}

inline vdfb_fidelity fidelity(const vdfb_grid &grid, view<const float> original, view<const float> reconstruction,
                              double floor = 0, const vdfb_layout *layout = nullptr) {
    detail::same_size(original.size(), reconstruction.size());
    vdfb_fidelity found;
    check(vdfb_fidelity_f32(&grid, original.data(), reconstruction.data(), original.size(), layout, floor, &found));
    return found;
}

// The mean and the leading components of a population of distributions.
class population {
public:
    explicit population(vdfb_population *owned) noexcept : handle_(owned) {}

    static population from_bytes(view<const std::uint8_t> data) {
        vdfb_population *made = nullptr;
        check(vdfb_population_from_bytes(data.data(), data.size(), &made));
        return population(made);
    }

    bytes to_bytes() const {
        bytes made;
        check(vdfb_population_to_bytes(handle_.get(), made.out()));
        return made;
    }

    // The spec by which a codec knows this basis.
    std::string spec() const {
        return detail::text([this](char *buffer, std::size_t capacity, std::size_t *needed) {
            return vdfb_population_spec(handle_.get(), buffer, capacity, needed);
        });
    }

    std::size_t components() const { return sizes().first; }

    std::vector<double> mean() const {
        std::vector<double> values(sizes().second);
        check(vdfb_population_mean(handle_.get(), values.data(), values.size()));
        return values;
    }

    std::vector<double> component(std::size_t index) const {
        std::vector<double> values(sizes().second);
        check(vdfb_population_component(handle_.get(), index, values.data(), values.size()));
        return values;
    }

    // The standard deviation of the population along each component.
    std::vector<double> deviations() const {
        std::vector<double> values(sizes().first);
        check(vdfb_population_deviations(handle_.get(), values.data(), values.size()));
        return values;
    }

    const vdfb_population *get() const noexcept { return handle_.get(); }

private:
    std::pair<std::size_t, std::size_t> sizes() const {
        std::size_t components = 0, cells = 0;
        check(vdfb_population_sizes(handle_.get(), &components, &cells, nullptr));
        return {components, cells};
    }

    detail::handle<vdfb_population, vdfb_population_free> handle_;
};

// Gathers the mean and the covariance of a population.
class accumulator {
public:
    explicit accumulator(const vdfb_grid &grid, std::uint32_t values = VDFB_VALUES_LOG10, double floor = 0) {
        vdfb_accumulator *made = nullptr;
        check(vdfb_accumulator_new(&grid, values, floor, &made));
        handle_.reset(made);
    }

    static accumulator from_bytes(view<const std::uint8_t> data) {
        vdfb_accumulator *made = nullptr;
        check(vdfb_accumulator_from_bytes(data.data(), data.size(), &made));
        return accumulator(made);
    }

    void limit(std::uint64_t directions, std::uint64_t batch) {
        check(vdfb_accumulator_limit(handle_.get(), directions, batch));
    }

    void add(view<const double> values, const vdfb_layout *layout = nullptr) {
        check(vdfb_accumulator_add_f64(handle_.get(), values.data(), values.size(), layout));
    }

    void add(view<const float> values, const vdfb_layout *layout = nullptr) {
        check(vdfb_accumulator_add_f32(handle_.get(), values.data(), values.size(), layout));
    }

    void merge(const accumulator &other) { check(vdfb_accumulator_merge(handle_.get(), other.handle_.get())); }

    std::uint64_t count() const {
        std::uint64_t count = 0;
        check(vdfb_accumulator_state(handle_.get(), &count, nullptr));
        return count;
    }

    // The share of the variance that a limit has left out.
    double lost() const {
        double lost = 0;
        check(vdfb_accumulator_state(handle_.get(), nullptr, &lost));
        return lost;
    }

    bytes to_bytes() const {
        bytes made;
        check(vdfb_accumulator_to_bytes(handle_.get(), made.out()));
        return made;
    }

    population learn(std::uint64_t components) const {
        vdfb_population *made = nullptr;
        check(vdfb_accumulator_learn(handle_.get(), components, &made));
        return population(made);
    }

private:
    explicit accumulator(vdfb_accumulator *owned) noexcept : handle_(owned) {}

    detail::handle<vdfb_accumulator, vdfb_accumulator_free> handle_;
};

// Choices of a codec.
struct options {
    // Density [s^3 m^-6] below which blocks of a box are left out; negative: none are.
    double sparsity_threshold = -1;
    std::uint64_t block_width = 4;
    std::uint64_t max_cells = std::uint64_t{1} << 26;
    // Learnt bases that the spec, or streams, may name.
    std::vector<const population *> populations = {};
};

// Blocks of a velocity mesh: their numbers, ascending, and width^3 values for each.
template <class T> struct blocks {
    std::vector<std::uint32_t> ids;
    std::vector<T> values;
};

// Encodes distributions by its spec, and decodes any stream.
class codec {
public:
    explicit codec(const std::string &spec, const options &chosen = {}) : handle_(make(spec.c_str(), chosen)) {}

    // A codec that only decodes.
    static codec decoder(const options &chosen = {}) { return codec(make(nullptr, chosen)); }

    std::string spec() const {
        return detail::text([this](char *buffer, std::size_t capacity, std::size_t *needed) {
            return vdfb_codec_spec(handle_.get(), buffer, capacity, needed);
        });
    }

    bytes encode(const vdfb_grid &grid, view<const double> values, const vdfb_layout *layout = nullptr) const {
        bytes stream;
        check(vdfb_encode_f64(handle_.get(), &grid, values.data(), values.size(), layout, stream.out()));
        return stream;
    }

    bytes encode(const vdfb_grid &grid, view<const float> values, const vdfb_layout *layout = nullptr) const {
        bytes stream;
        check(vdfb_encode_f32(handle_.get(), &grid, values.data(), values.size(), layout, stream.out()));
        return stream;
    }

    bytes encode_blocks(const vdfb_grid &mesh, std::uint64_t width, view<const std::uint32_t> ids,
                        view<const double> values) const {
        bytes stream;
        check(vdfb_encode_blocks_f64(handle_.get(), &mesh, width, ids.data(), ids.size(), values.data(), values.size(),
                                     stream.out()));
        return stream;
    }

    bytes encode_blocks(const vdfb_grid &mesh, std::uint64_t width, view<const std::uint32_t> ids,
                        view<const float> values) const {
        bytes stream;
        check(vdfb_encode_blocks_f32(handle_.get(), &mesh, width, ids.data(), ids.size(), values.data(), values.size(),
                                     stream.out()));
        return stream;
    }

    vdfb_stream_info info(view<const std::uint8_t> stream) const {
        vdfb_stream_info info;
        check(vdfb_stream_read_info(handle_.get(), stream.data(), stream.size(), &info));
        return info;
    }

    // The spec of a stream's basis.
    std::string spec_of(view<const std::uint8_t> stream) const {
        return detail::text([&](char *buffer, std::size_t capacity, std::size_t *needed) {
            return vdfb_stream_spec(handle_.get(), stream.data(), stream.size(), buffer, capacity, needed);
        });
    }

    // The numbers of the blocks of a stream.
    std::vector<std::uint32_t> blocks_of(view<const std::uint8_t> stream) const {
        std::size_t count = 0;
        check(vdfb_stream_blocks(handle_.get(), stream.data(), stream.size(), nullptr, 0, &count));
        std::vector<std::uint32_t> ids(count);
        check(vdfb_stream_blocks(handle_.get(), stream.data(), stream.size(), ids.data(), ids.size(), &count));
        return ids;
    }

    vdfb_moments moments(view<const std::uint8_t> stream) const {
        vdfb_moments found;
        check(vdfb_stream_moments(handle_.get(), stream.data(), stream.size(), &found));
        return found;
    }

    vdfb_fidelity fidelity(view<const std::uint8_t> stream, view<const double> original, double floor = 0,
                           const vdfb_layout *layout = nullptr) const {
        vdfb_fidelity found;
        check(vdfb_stream_fidelity_f64(handle_.get(), stream.data(), stream.size(), original.data(), original.size(),
                                       layout, floor, &found));
        return found;
    }

    vdfb_fidelity fidelity(view<const std::uint8_t> stream, view<const float> original, double floor = 0,
                           const vdfb_layout *layout = nullptr) const {
        vdfb_fidelity found;
        check(vdfb_stream_fidelity_f32(handle_.get(), stream.data(), stream.size(), original.data(), original.size(),
                                       layout, floor, &found));
        return found;
    }

    // The densities of a stream, in C order.
    template <class T> std::vector<T> decode(view<const std::uint8_t> stream) const {
        detail::check_type<T>();
        std::vector<T> values(static_cast<std::size_t>(info(stream).cells));
        decode_into(stream, view<T>(values));
        return values;
    }

    void decode_into(view<const std::uint8_t> stream, view<double> values, const vdfb_layout *layout = nullptr) const {
        check(vdfb_decode_f64(handle_.get(), stream.data(), stream.size(), values.data(), values.size(), layout, nullptr));
    }

    void decode_into(view<const std::uint8_t> stream, view<float> values, const vdfb_layout *layout = nullptr) const {
        check(vdfb_decode_f32(handle_.get(), stream.data(), stream.size(), values.data(), values.size(), layout, nullptr));
    }

    // The blocks of a stream.
    template <class T> blocks<T> decode_blocks(view<const std::uint8_t> stream) const {
        detail::check_type<T>();
        const vdfb_stream_info known = info(stream);
        const std::size_t count = static_cast<std::size_t>(known.block_count);
        const std::size_t width = static_cast<std::size_t>(known.block_width);
        blocks<T> found{std::vector<std::uint32_t>(count), std::vector<T>(count * width * width * width)};
        decode_blocks_into(stream, view<std::uint32_t>(found.ids), view<T>(found.values));
        return found;
    }

    // Writes the blocks of a stream to arrays that are large enough, and returns their number.
    std::size_t decode_blocks_into(view<const std::uint8_t> stream, view<std::uint32_t> ids, view<double> values) const {
        std::size_t count = 0;
        check(vdfb_decode_blocks_f64(handle_.get(), stream.data(), stream.size(), ids.data(), ids.size(), values.data(),
                                     values.size(), &count));
        return count;
    }

    std::size_t decode_blocks_into(view<const std::uint8_t> stream, view<std::uint32_t> ids, view<float> values) const {
        std::size_t count = 0;
        check(vdfb_decode_blocks_f32(handle_.get(), stream.data(), stream.size(), ids.data(), ids.size(), values.data(),
                                     values.size(), &count));
        return count;
    }

    const vdfb_codec *get() const noexcept { return handle_.get(); }

private:
    explicit codec(vdfb_codec *owned) noexcept : handle_(owned) {}

    static vdfb_codec *make(const char *spec, const options &chosen) {
        std::vector<const vdfb_population *> populations;
        for (const population *learnt : chosen.populations) {
            populations.push_back(learnt ? learnt->get() : nullptr);
        }
        vdfb_codec_options options;
        check(vdfb_codec_options_init(&options));
        options.sparsity_threshold = chosen.sparsity_threshold;
        options.block_width = chosen.block_width;
        options.max_cells = chosen.max_cells;
        options.populations = populations.data();
        options.population_count = populations.size();
        vdfb_codec *made = nullptr;
        check(vdfb_codec_new(spec, &options, &made));
        return made;
    }

    detail::handle<vdfb_codec, vdfb_codec_free> handle_;
};

// Choices of an archive writer.
struct archive_options {
    std::uint64_t group = 32;
    std::uint64_t threads = 1;
    // The grid from which boxes are counted; null: that of the first cell.
    const vdfb_grid *grid = nullptr;
};

// Writes the distributions of many cells to one file, or to memory.
class archive_writer {
public:
    archive_writer(const std::string &path, const codec &encoder, const archive_options &chosen = {}) {
        const vdfb_archive_options options = of(chosen);
        vdfb_archive_writer *made = nullptr;
        check(vdfb_archive_writer_create(path.c_str(), encoder.get(), &options, &made));
        handle_.reset(made);
    }

    static archive_writer in_memory(const codec &encoder, const archive_options &chosen = {}) {
        const vdfb_archive_options options = of(chosen);
        vdfb_archive_writer *made = nullptr;
        check(vdfb_archive_writer_in_memory(encoder.get(), &options, &made));
        return archive_writer(made);
    }

    void add(const std::string &population, std::uint64_t cell, const vdfb_grid &grid, view<const double> values,
             const vdfb_facts *facts = nullptr, const vdfb_layout *layout = nullptr) {
        check(vdfb_archive_writer_add_f64(handle_.get(), population.c_str(), cell, facts, &grid, values.data(),
                                          values.size(), layout));
    }

    void add(const std::string &population, std::uint64_t cell, const vdfb_grid &grid, view<const float> values,
             const vdfb_facts *facts = nullptr, const vdfb_layout *layout = nullptr) {
        check(vdfb_archive_writer_add_f32(handle_.get(), population.c_str(), cell, facts, &grid, values.data(),
                                          values.size(), layout));
    }

    // Writes the index. `archive` becomes the archive if it is in memory, also where a last cell is left out and this throws.
    void finish(bytes &archive) { check(vdfb_archive_writer_finish(handle_.get(), archive.out())); }

    // The same, with the archive as the result, or nothing if it is in a file.
    bytes finish() {
        bytes archive;
        finish(archive);
        return archive;
    }

private:
    explicit archive_writer(vdfb_archive_writer *owned) noexcept : handle_(owned) {}

    static vdfb_archive_options of(const archive_options &chosen) {
        vdfb_archive_options options;
        check(vdfb_archive_options_init(&options));
        options.group = chosen.group;
        options.threads = chosen.threads;
        options.grid = chosen.grid;
        return options;
    }

    detail::handle<vdfb_archive_writer, vdfb_archive_writer_free> handle_;
};

// An archive in the two parts from which one file of several ranks is made.
struct archive_parts {
    bytes outline;
    bytes groups;
};

inline archive_parts split_archive(view<const std::uint8_t> archive) {
    archive_parts parts;
    check(vdfb_archive_split(archive.data(), archive.size(), parts.outline.out(), parts.groups.out()));
    return parts;
}

// The beginning and the end of an archive, between which the groups of all parts come.
inline std::pair<bytes, bytes> join_archive(view<const std::uint8_t> outlines, view<const std::uint64_t> sizes) {
    std::uint64_t total = 0;
    for (const std::uint64_t size : sizes) {
        total = size > outlines.size() - total ? outlines.size() + std::uint64_t{1} : total + size;
        if (total > outlines.size()) {
            break;
        }
    }
    if (total != outlines.size()) {
        throw error(VDFB_SIZE_MISMATCH, "VDFB_SIZE_MISMATCH: the sizes of the outlines are not those of their bytes");
    }
    std::pair<bytes, bytes> ends;
    check(vdfb_archive_join(outlines.data(), sizes.data(), sizes.size(), ends.first.out(), ends.second.out()));
    return ends;
}

// Distributions that were read from an archive.
class records {
public:
    explicit records(vdfb_records *owned) noexcept : handle_(owned) {}

    std::size_t size() const noexcept { return vdfb_records_count(handle_.get()); }

    vdfb_record_info info(std::size_t index = 0) const {
        vdfb_record_info info;
        check(vdfb_record_read_info(handle_.get(), index, &info));
        return info;
    }

    std::string population(std::size_t index = 0) const {
        return detail::text([this, index](char *buffer, std::size_t capacity, std::size_t *needed) {
            return vdfb_record_population(handle_.get(), index, buffer, capacity, needed);
        });
    }

    vdfb_moments moments(std::size_t index = 0) const {
        vdfb_moments found;
        check(vdfb_record_moments(handle_.get(), index, &found));
        return found;
    }

    template <class T> std::vector<T> values(std::size_t index = 0) const {
        detail::check_type<T>();
        std::vector<T> values(cells(info(index).grid));
        values_into(index, view<T>(values));
        return values;
    }

    void values_into(std::size_t index, view<double> values, const vdfb_layout *layout = nullptr) const {
        check(vdfb_record_values_f64(handle_.get(), index, values.data(), values.size(), layout, nullptr));
    }

    void values_into(std::size_t index, view<float> values, const vdfb_layout *layout = nullptr) const {
        check(vdfb_record_values_f32(handle_.get(), index, values.data(), values.size(), layout, nullptr));
    }

private:
    detail::handle<vdfb_records, vdfb_records_free> handle_;
};

// An archive that is open for reading.
class archive {
public:
    explicit archive(const std::string &path) : archive(path, nullptr) {}
    archive(const std::string &path, const codec &decoder) : archive(path, decoder.get()) {}

    static archive from_bytes(view<const std::uint8_t> data) { return archive(of(data, nullptr)); }
    static archive from_bytes(view<const std::uint8_t> data, const codec &decoder) {
        return archive(of(data, decoder.get()));
    }

    vdfb_archive_info info() const {
        vdfb_archive_info info;
        check(vdfb_archive_read_info(handle_.get(), &info));
        return info;
    }

    std::vector<std::string> populations() const {
        std::vector<std::string> names(static_cast<std::size_t>(info().populations));
        for (std::size_t index = 0; index < names.size(); ++index) {
            names[index] = detail::text([this, index](char *buffer, std::size_t capacity, std::size_t *needed) {
                return vdfb_archive_population(handle_.get(), index, buffer, capacity, needed);
            });
        }
        return names;
    }

    std::vector<std::uint64_t> cells(const std::string &population) const {
        std::size_t count = 0;
        check(vdfb_archive_cells(handle_.get(), population.c_str(), nullptr, 0, &count));
        std::vector<std::uint64_t> ids(count);
        check(vdfb_archive_cells(handle_.get(), population.c_str(), ids.data(), ids.size(), &count));
        return ids;
    }

    // The ids of the cells that cannot be read, because their population, grid and basis are damaged.
    std::vector<std::uint64_t> lost_cells() const {
        std::size_t count = 0;
        check(vdfb_archive_lost_cells(handle_.get(), nullptr, 0, &count));
        std::vector<std::uint64_t> ids(count);
        check(vdfb_archive_lost_cells(handle_.get(), ids.data(), ids.size(), &count));
        return ids;
    }

    records read(const std::string &population, std::uint64_t cell) const {
        vdfb_records *made = nullptr;
        check(vdfb_archive_read_cell(handle_.get(), population.c_str(), cell, &made));
        return records(made);
    }

    records read_group(std::size_t index) const {
        vdfb_records *made = nullptr;
        check(vdfb_archive_read_group(handle_.get(), index, &made));
        return records(made);
    }

private:
    explicit archive(vdfb_archive *owned) noexcept : handle_(owned) {}

    archive(const std::string &path, const vdfb_codec *decoder) {
        vdfb_archive *made = nullptr;
        check(vdfb_archive_open(path.c_str(), decoder, &made));
        handle_.reset(made);
    }

    static vdfb_archive *of(view<const std::uint8_t> data, const vdfb_codec *decoder) {
        vdfb_archive *made = nullptr;
        check(vdfb_archive_from_bytes(data.data(), data.size(), decoder, &made));
        return made;
    }

    detail::handle<vdfb_archive, vdfb_archive_free> handle_;
};

} // namespace vdfb

#endif
