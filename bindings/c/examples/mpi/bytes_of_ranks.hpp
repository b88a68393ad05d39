// Messages of any number of bytes. Counts of MPI are int, so longer ones take several calls.
#ifndef BYTES_OF_RANKS_HPP
#define BYTES_OF_RANKS_HPP

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <mpi.h>

#include <vdf_basis.hpp>

// Most bytes of one call.
inline std::uint64_t most_at_once = std::uint64_t{1} << 30;

// Calls `each` with offset and length of the parts of `size` bytes.
template <class Each> void in_parts(std::uint64_t size, Each each) {
    for (std::uint64_t done = 0; done < size; done += most_at_once) {
        each(done, static_cast<int>(std::min(size - done, most_at_once)));
    }
}

// Bytes of rank 0 on all ranks; the others' are replaced.
inline void broadcast(std::vector<std::uint8_t> &bytes, MPI_Comm comm) {
    std::uint64_t size = bytes.size();
    MPI_Bcast(&size, 1, MPI_UINT64_T, 0, comm);
    bytes.resize(size);
    in_parts(size, [&](std::uint64_t at, int count) { MPI_Bcast(bytes.data() + at, count, MPI_BYTE, 0, comm); });
}

// Bytes of all ranks on rank 0, one after another, and how many each rank has; other ranks get nothing. The counts of
// MPI_Gatherv reach to 2 GiB in all.
inline std::pair<std::vector<std::uint8_t>, std::vector<std::uint64_t>> gather(vdfb::view<const std::uint8_t> own,
                                                                            MPI_Comm comm) {
    int rank = 0, ranks = 0;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    const std::uint64_t size = own.size();
    std::vector<std::uint64_t> sizes(rank == 0 ? static_cast<std::size_t>(ranks) : 0);
    MPI_Gather(&size, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, 0, comm);
    if (rank != 0) {
        in_parts(size, [&](std::uint64_t at, int count) { MPI_Send(own.data() + at, count, MPI_BYTE, 0, 0, comm); });
        return {};
    }
    std::vector<std::uint8_t> all(own.begin(), own.end());
    for (int from = 1; from < ranks; ++from) {
        const std::size_t begin = all.size();
        const std::uint64_t length = sizes[static_cast<std::size_t>(from)];
        all.resize(begin + length);
        in_parts(length, [&](std::uint64_t at, int count) {
            MPI_Recv(all.data() + begin + at, count, MPI_BYTE, from, 0, comm, MPI_STATUS_IGNORE);
        });
    }
    return {std::move(all), std::move(sizes)};
}

#endif
