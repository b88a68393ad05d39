// MPI_Reduce over forests of accumulators.
#ifndef REDUCTION_HPP
#define REDUCTION_HPP

#include <climits>
#include <cstdio>
#include <ctime>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <mpi.h>

#include "forest.hpp"

// Calls of the operation on this rank, and their seconds of processor time.
struct reduction_cost {
    int merges = 0;
    double seconds = 0;
};

inline reduction_cost cost_of_reduction;

// The MPI operation: `*result` becomes `*other`, which is of lower ranks, united with `*result`. No exception may leave it.
extern "C" inline void unite_forests(void *other, void *result, int *count, MPI_Datatype *type) {
    try {
        const std::clock_t start = std::clock();
        MPI_Count size = 0;
        MPI_Type_size_x(*type, &size);
        for (int k = 0; k < *count; ++k) {
            const auto offset = static_cast<std::uint64_t>(k) * static_cast<std::uint64_t>(size);
            auto *place = static_cast<std::uint8_t *>(result) + offset;
            forest united = forest::read(static_cast<std::uint8_t *>(other) + offset, static_cast<std::uint64_t>(size));
            united.unite(forest::read(place, static_cast<std::uint64_t>(size)));
            united.write(place, static_cast<std::uint64_t>(size));
        }
        cost_of_reduction.merges += *count;
        cost_of_reduction.seconds += static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "the reduction failed: %s\n", error.what());
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

// Unites the forests of all ranks on rank 0; `most_bytes` holds any of them. Other ranks get an empty forest.
inline forest reduce(const forest &own, std::uint64_t most_bytes, bool plain, MPI_Comm comm) {
    int rank = 0;
    MPI_Comm_rank(comm, &rank);
    // Counts of MPI are int, and an operation needs the whole forest at once: words reach to 16 GiB.
    const std::uint64_t words = (most_bytes + 7) / 8;
    if (words > static_cast<std::uint64_t>(INT_MAX)) {
        throw std::runtime_error("a forest of up to " + std::to_string(most_bytes) +
                                 " bytes is more than a message of MPI holds: keep fewer directions (--directions)");
    }
    std::vector<std::uint64_t> sent(words), received(rank == 0 ? words : 0);
    own.write(reinterpret_cast<std::uint8_t *>(sent.data()), 8 * words);
    MPI_Datatype type;
    MPI_Type_contiguous(static_cast<int>(words), MPI_UINT64_T, &type);
    MPI_Type_commit(&type);
    MPI_Op operation;
    // Not commutative for MPI: forests of neighbours are smaller when united.
    MPI_Op_create(unite_forests, 0, &operation);
    MPI_Reduce(sent.data(), received.data(), 1, type, operation, 0, comm);
    MPI_Op_free(&operation);
    MPI_Type_free(&type);
    return rank == 0 ? forest::read(reinterpret_cast<std::uint8_t *>(received.data()), 8 * words) : forest(plain);
}

#endif
