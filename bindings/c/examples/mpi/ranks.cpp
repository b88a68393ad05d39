// One archive of the cells of all ranks, in a basis that all have learnt together.
//
//     mpirun -n 4 ranks write DIR [options]    writes DIR/bounded.vdfa by --spec, learns a basis from all cells, and writes
//                                              it to DIR/basis.pca and the cells in it to DIR/learnt.vdfa
//     mpirun -n 3 ranks read DIR [options]     reads both on any number of ranks, and compares with the cells
//     ranks compare DIR DIR                    the largest difference of two learnt bases
//
// Options: --cells N (512), --edge N (16, velocity cells along an axis), --group N (32, cells), --spec SPEC
// (conserve(fast:l2=0.01)), --components N (6), --directions N (64, rows that accumulators keep), --plain (merge in any
// order), --nan CELL (put a NaN into a cell), --at-once N (most bytes of a call of MPI). A rank that fails ends all, with its
// message.
#include <chrono>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

#include "reduction.hpp"
#include "shared_archive.hpp"

namespace {

struct choices {
    std::uint64_t cells = 512, edge = 16, group = 32, components = 6, directions = 64, nan = UINT64_MAX;
    std::string spec = "conserve(fast:l2=0.01)";
    bool plain = false;
};

struct ranks {
    int rank = 0, size = 0;

    ranks() {
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
        MPI_Comm_size(MPI_COMM_WORLD, &size);
    }

    // The part of `count` things that this rank has: consecutive ones.
    std::pair<std::uint64_t, std::uint64_t> part(std::uint64_t count) const {
        const auto at = [&](int k) { return count * static_cast<std::uint64_t>(k) / static_cast<std::uint64_t>(size); };
        return {at(rank), at(rank + 1)};
    }
};

class stopwatch {
public:
    double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Seconds of processor time of this rank, which do not depend on what else runs on its machine.
class processor_watch {
public:
    double seconds() const { return static_cast<double>(std::clock() - start_) / CLOCKS_PER_SEC; }

private:
    std::clock_t start_ = std::clock();
};

vdfb_grid grid_of(const choices &chosen) {
    const double spacing = 2.4e6 / static_cast<double>(chosen.edge);
    return {{chosen.edge, chosen.edge, chosen.edge}, {-1.2e6, -1.2e6, -1.2e6}, {spacing, spacing, spacing}};
}

// The cells of this rank: whole groups, so that the groups are those of one rank.
std::pair<std::uint64_t, std::uint64_t> own_cells(const choices &chosen, const ranks &here) {
    const auto groups = here.part((chosen.cells + chosen.group - 1) / chosen.group);
    return {groups.first * chosen.group, std::min(groups.second * chosen.group, chosen.cells)};
}

// The densities of a cell [s^3 m^-6]: a drifting bi-Maxwellian and a beam that comes and goes, in m/s.
std::vector<float> make_cell(std::uint64_t cell, const vdfb_grid &grid, const choices &chosen) {
    const double phase = 0.011 * static_cast<double>(cell);
    const double ux = 2e5 * std::sin(phase), uy = 1.5e5 * std::cos(1.7 * phase);
    const double along = 2.2e5 * (1 + 0.2 * std::sin(0.6 * phase)), across = 1.8e5;
    const double beam = 0.15 * (1 + std::sin(2.3 * phase));
    std::vector<float> values;
    values.reserve(vdfb::cells(grid));
    const auto centre = [&](std::uint64_t k, int axis) {
        return grid.lower[axis] + (static_cast<double>(k) + 0.5) * grid.spacing[axis];
    };
    for (std::uint64_t i = 0; i < grid.shape[0]; ++i) {
        for (std::uint64_t j = 0; j < grid.shape[1]; ++j) {
            for (std::uint64_t k = 0; k < grid.shape[2]; ++k) {
                const double x = centre(i, 0), y = centre(j, 1), z = centre(k, 2);
                const double core = (std::pow((x - ux) / along, 2) + (std::pow(y - uy, 2) + z * z) / (across * across)) / 2;
                const double drift = (std::pow(x - 5e5, 2) + y * y + z * z) / (2 * 1.5e5 * 1.5e5);
                values.push_back(static_cast<float>(1e-12 * (std::exp(-core) + beam * std::exp(-drift))));
            }
        }
    }
    if (cell == chosen.nan) {
        values[values.size() / 2] = NAN;
    }
    return values;
}

// Encodes this rank's groups of cells into an archive in memory. Adds the time to `seconds`, without that of making cells.
vdfb::bytes encode(const vdfb::codec &codec, const vdfb_grid &grid, const choices &chosen,
                   std::pair<std::uint64_t, std::uint64_t> cells, double &seconds) {
    vdfb::archive_options options;
    options.group = chosen.group;
    options.grid = &grid;
    vdfb::archive_writer writer = vdfb::archive_writer::in_memory(codec, options);
    for (std::uint64_t cell = cells.first; cell < cells.second; ++cell) {
        const std::vector<float> values = make_cell(cell, grid, chosen);
        const processor_watch watch;
        try {
            writer.add("proton", cell, grid, values);
        } catch (const vdfb::error &error) {
            throw std::runtime_error("cell " + std::to_string(cell) + ": " + error.what());
        }
        seconds += watch.seconds();
    }
    const processor_watch watch;
    vdfb::bytes archive = writer.finish();
    seconds += watch.seconds();
    return archive;
}

// Takes this rank's cells in, a leaf for each group. Adds the time as `encode` does.
forest take_in(const vdfb_grid &grid, const choices &chosen, std::pair<std::uint64_t, std::uint64_t> cells,
               double &seconds) {
    forest own(chosen.plain);
    for (std::uint64_t begin = cells.first; begin < cells.second; begin += chosen.group) {
        vdfb::accumulator leaf(grid);
        leaf.limit(chosen.directions, chosen.group);
        for (std::uint64_t cell = begin; cell < std::min(begin + chosen.group, cells.second); ++cell) {
            const std::vector<float> values = make_cell(cell, grid, chosen);
            const processor_watch watch;
            leaf.add(values);
            seconds += watch.seconds();
        }
        const processor_watch watch;
        own.add_leaf(begin / chosen.group, std::move(leaf));
        seconds += watch.seconds();
    }
    return own;
}

// The basis that all ranks have learnt, on each of them.
vdfb::population learn(const forest &own, const choices &chosen, const ranks &here) {
    const std::uint64_t leaves = (chosen.cells + chosen.group - 1) / chosen.group, edge = chosen.edge;
    const std::uint64_t most = forest::most_bytes(leaves, edge * edge * edge, chosen.directions + chosen.group, chosen.cells,
                                                  chosen.plain);
    MPI_Barrier(MPI_COMM_WORLD);
    const stopwatch watch;
    const forest all = reduce(own, most, chosen.plain, MPI_COMM_WORLD);
    const double reduction = watch.seconds();
    std::vector<std::uint8_t> learnt;
    if (here.rank == 0) {
        const processor_watch learning;
        const vdfb::accumulator root = all.root();
        const vdfb::bytes bytes = root.learn(chosen.components).to_bytes();
        learnt.assign(bytes.begin(), bytes.end());
        std::printf("reduction: %.4f s over %d ranks, %.2f MB a message, %d merges of %.4f s on rank 0; learning %.4f s; "
                    "%.1e of the variance left out\n",
                    reduction, here.size, 1e-6 * static_cast<double>(most), cost_of_reduction.merges,
                    cost_of_reduction.seconds / std::max(cost_of_reduction.merges, 1), learning.seconds(), root.lost());
    }
    broadcast(learnt, MPI_COMM_WORLD);
    return vdfb::population::from_bytes(learnt);
}

void write_archive(const std::string &path, const vdfb::codec &codec, const choices &chosen, const ranks &here) {
    const vdfb_grid grid = grid_of(chosen);
    double seconds = 0, all = 0;
    const vdfb::bytes part = encode(codec, grid, chosen, own_cells(chosen, here), seconds);
    MPI_Reduce(&seconds, &all, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
    const stopwatch writing;
    const archive_bytes bytes = write_shared_archive(path, part, MPI_COMM_WORLD);
    if (here.rank == 0) {
        const double count = static_cast<double>(chosen.cells);
        std::printf("%s: %s, %.1f bytes and %.3f ms a cell, written in %.4f s, index of %llu bytes\n", path.c_str(),
                    codec.spec().c_str(), static_cast<double>(bytes.all) / count, 1e3 * all / count, writing.seconds(),
                    static_cast<unsigned long long>(bytes.end));
    }
}

void write(const std::string &folder, const choices &chosen, const ranks &here) {
    write_archive(folder + "/bounded.vdfa", vdfb::codec(chosen.spec), chosen, here);
    const vdfb_grid grid = grid_of(chosen);
    double seconds = 0, all = 0;
    const forest own = take_in(grid, chosen, own_cells(chosen, here), seconds);
    MPI_Reduce(&seconds, &all, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    if (here.rank == 0) {
        std::printf("taken in: %.3f ms a cell\n", 1e3 * all / static_cast<double>(chosen.cells));
    }
    const vdfb::population learnt = learn(own, chosen, here);
    if (here.rank == 0) {
        const vdfb::bytes bytes = learnt.to_bytes();
        std::ofstream(folder + "/basis.pca", std::ios::binary)
            .write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    vdfb::options options;
    options.populations = {&learnt};
    write_archive(folder + "/learnt.vdfa", vdfb::codec(learnt.spec(), options), chosen, here);
}

vdfb::population read_basis(const std::string &folder) {
    std::ifstream file(folder + "/basis.pca", std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
    return vdfb::population::from_bytes(bytes);
}

// FNV-1a of a cell's number and densities. The sum over all cells does not depend on who read which.
std::uint64_t hash(std::uint64_t cell, const std::vector<float> &values) {
    std::uint64_t found = 0xcbf29ce484222325;
    const auto take = [&](const void *bytes, std::size_t size) {
        for (std::size_t k = 0; k < size; ++k) {
            found = (found ^ static_cast<const std::uint8_t *>(bytes)[k]) * 0x100000001b3;
        }
    };
    take(&cell, sizeof cell);
    take(values.data(), values.size() * sizeof(float));
    return found;
}

void read_archive(const std::string &path, const vdfb::codec &codec, const choices &chosen, const ranks &here) {
    const processor_watch opening;
    const vdfb::archive archive(path, codec);
    const double opened = opening.seconds();
    const auto groups = here.part(archive.info().groups);
    std::uint64_t own[2] = {0, 0}, all[2] = {0, 0};
    double worst = 0, worst_of_all = 0;
    for (std::uint64_t group = groups.first; group < groups.second; ++group) {
        const vdfb::records records = archive.read_group(static_cast<std::size_t>(group));
        for (std::size_t k = 0; k < records.size(); ++k) {
            const vdfb_record_info info = records.info(k);
            const std::vector<float> values = records.values<float>(k);
            worst = std::max(worst, vdfb::fidelity(info.grid, make_cell(info.cell, info.grid, chosen), values).l2);
            own[0] += 1;
            own[1] += hash(info.cell, values);
        }
    }
    MPI_Reduce(own, all, 2, MPI_UINT64_T, MPI_SUM, 0, MPI_COMM_WORLD);
    MPI_Reduce(&worst, &worst_of_all, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    if (here.rank == 0) {
        std::printf("%s: %llu cells, worst l2 %.5f, hash of the densities %016llx\n",
                    path.substr(path.rfind('/') + 1).c_str(), static_cast<unsigned long long>(all[0]), worst_of_all,
                    static_cast<unsigned long long>(all[1]));
        std::fprintf(stderr, "opened in %.4f s\n", opened);
    }
}

void read(const std::string &folder, const choices &chosen, const ranks &here) {
    read_archive(folder + "/bounded.vdfa", vdfb::codec::decoder(), chosen, here);
    const vdfb::population learnt = read_basis(folder);
    vdfb::options options;
    options.populations = {&learnt};
    read_archive(folder + "/learnt.vdfa", vdfb::codec::decoder(options), chosen, here);
}

double largest_difference(const std::vector<double> &one, const std::vector<double> &other) {
    double largest = 0, scale = 0;
    for (std::size_t k = 0; k < one.size(); ++k) {
        largest = std::max(largest, std::abs(one[k] - other[k]));
        scale = std::max(scale, std::abs(one[k]));
    }
    return largest / scale;
}

// Prints the largest differences of mean, components and deviations, each over the largest number of the array.
void compare(const std::string &one, const std::string &other) {
    const vdfb::population a = read_basis(one), b = read_basis(other);
    if (a.components() != b.components()) {
        throw std::runtime_error("bases of another number of components");
    }
    double components = 0;
    for (std::size_t k = 0; k < a.components(); ++k) {
        components = std::max(components, largest_difference(a.component(k), b.component(k)));
    }
    std::printf("mean %.2e, components %.2e, deviations %.2e\n", largest_difference(a.mean(), b.mean()), components,
                largest_difference(a.deviations(), b.deviations()));
}

choices read_choices(int count, char **arguments, int from) {
    choices chosen;
    for (int k = from; k < count; ++k) {
        const std::string name = arguments[k];
        if (name == "--plain") {
            chosen.plain = true;
            continue;
        }
        if (k + 1 == count) {
            throw std::runtime_error(name + " needs a value");
        }
        const std::string value = arguments[++k];
        std::uint64_t *number = name == "--cells"        ? &chosen.cells
                                : name == "--edge"       ? &chosen.edge
                                : name == "--group"      ? &chosen.group
                                : name == "--components" ? &chosen.components
                                : name == "--directions" ? &chosen.directions
                                : name == "--nan"        ? &chosen.nan
                                : name == "--at-once"    ? &most_at_once
                                                         : nullptr;
        if (name == "--spec") {
            chosen.spec = value;
        } else if (number != nullptr) {
            *number = std::strtoull(value.c_str(), nullptr, 10);
        } else {
            throw std::runtime_error("no option " + name);
        }
    }
    if (chosen.group < 1 || most_at_once < 1 || most_at_once > INT_MAX) {
        throw std::runtime_error("--group is at least 1, and --at-once from 1 to " + std::to_string(INT_MAX));
    }
    return chosen;
}

void run(int count, char **arguments) {
    const std::string task = count > 2 ? arguments[1] : "";
    const ranks here;
    if (task == "write") {
        write(arguments[2], read_choices(count, arguments, 3), here);
    } else if (task == "read") {
        read(arguments[2], read_choices(count, arguments, 3), here);
    } else if (task == "compare" && count == 4) {
        compare(arguments[2], arguments[3]);
    } else {
        throw std::runtime_error("usage: ranks write DIR, ranks read DIR, ranks compare DIR DIR (ranks.cpp has the options)");
    }
}

} // namespace

int main(int count, char **arguments) {
    MPI_Init(&count, &arguments);
    try {
        run(count, arguments);
    } catch (const std::exception &error) {
        int rank = 0;
        MPI_Comm_rank(MPI_COMM_WORLD, &rank);
        std::fprintf(stderr, "rank %d: %s\n", rank, error.what());
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    MPI_Finalize();
}
