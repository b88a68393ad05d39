// One archive from the parts of all ranks, written collectively.
#ifndef SHARED_ARCHIVE_HPP
#define SHARED_ARCHIVE_HPP

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <mpi.h>

#include <vdf_basis.hpp>

#include "bytes_of_ranks.hpp"

inline void check_mpi(int code, const std::string &what) {
    if (code != MPI_SUCCESS) {
        char text[MPI_MAX_ERROR_STRING];
        int length = 0;
        MPI_Error_string(code, text, &length);
        throw std::runtime_error(what + ": " + std::string(text, static_cast<std::size_t>(length)));
    }
}

// Writes bytes of each rank at its offset, in as many calls as the longest needs.
inline void write_at_all(MPI_File file, std::uint64_t offset, const std::uint8_t *data, std::uint64_t size, MPI_Comm comm) {
    std::uint64_t longest = 0;
    MPI_Allreduce(&size, &longest, 1, MPI_UINT64_T, MPI_MAX, comm);
    in_parts(longest, [&](std::uint64_t at, int most) {
        const std::uint64_t begin = std::min(at, size), count = std::min(size - begin, static_cast<std::uint64_t>(most));
        check_mpi(MPI_File_write_at_all(file, static_cast<MPI_Offset>(offset + begin), data + begin, static_cast<int>(count),
                                        MPI_BYTE, MPI_STATUS_IGNORE),
                  "writing the archive");
    });
}

// Gathers the outlines of all ranks on rank 0, and joins them there.
inline std::pair<vdfb::bytes, vdfb::bytes> join_outlines(const vdfb::bytes &outline, MPI_Comm comm) {
    int rank = 0;
    MPI_Comm_rank(comm, &rank);
    const auto [all, sizes] = gather(outline, comm);
    return rank == 0 ? vdfb::join_archive(all, sizes) : std::pair<vdfb::bytes, vdfb::bytes>{};
}

// Bytes of a shared archive: all, and those behind its groups, which rank 0 makes of the outlines.
struct archive_bytes {
    std::uint64_t all = 0, end = 0;
};

// Writes the archive of which each rank has a finished part in memory: beginning, the groups of all ranks, end.
inline archive_bytes write_shared_archive(const std::string &path, const vdfb::bytes &part, MPI_Comm comm) {
    const vdfb::archive_parts parts = vdfb::split_archive(part);
    const auto ends = join_outlines(parts.outline, comm);
    std::uint64_t head = ends.first.size(), own = parts.groups.size(), before = 0, all = 0, last = ends.second.size();
    MPI_Bcast(&head, 1, MPI_UINT64_T, 0, comm);
    // Rank 0 gets nothing from it: before it there is nothing.
    MPI_Exscan(&own, &before, 1, MPI_UINT64_T, MPI_SUM, comm);
    int rank = 0;
    MPI_Comm_rank(comm, &rank);
    before = rank == 0 ? 0 : before;
    MPI_Allreduce(&own, &all, 1, MPI_UINT64_T, MPI_SUM, comm);
    MPI_Bcast(&last, 1, MPI_UINT64_T, 0, comm);
    MPI_File file;
    check_mpi(MPI_File_open(comm, path.c_str(), MPI_MODE_CREATE | MPI_MODE_WRONLY, MPI_INFO_NULL, &file), path);
    check_mpi(MPI_File_set_size(file, static_cast<MPI_Offset>(head + all + last)), path);
    write_at_all(file, head + before, parts.groups.data(), own, comm);
    write_at_all(file, 0, ends.first.data(), ends.first.size(), comm);
    write_at_all(file, head + all, ends.second.data(), ends.second.size(), comm);
    check_mpi(MPI_File_close(&file), path);
    return {head + all + last, last};
}

#endif
