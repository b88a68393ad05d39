// The C++ wrapper: handles, views, exceptions. C++17, and std::span where there is one.
#include <array>
#include <type_traits>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

#include "check.h"
#include "vdf_basis.hpp"

namespace {

// The status of the error that a call throws; VDFB_OK if it throws none.
template <class Call> vdfb_status thrown(Call call) {
    try {
        call();
    } catch (const vdfb::error &error) {
        CHECK(std::string(error.what()).rfind(vdfb_status_name(error.status()), 0) == 0);
        return error.status();
    }
    return VDFB_OK;
}

void streams() {
    const vdfb_grid grid = make_grid(12);
    std::vector<double> values(vdfb::cells(grid));
    fill(&grid, 0, values.data());
    const std::vector<float> single(values.begin(), values.end());
    const vdfb::codec codec("conserve(fast:l2=0.01)");
    CHECK(codec.spec() == "conserve(fast:l2=0.01)");

    vdfb::bytes stream = codec.encode(grid, values);
    const vdfb::bytes of_pointer = codec.encode(grid, {values.data(), values.size()});
    CHECK(std::vector<std::uint8_t>(stream.begin(), stream.end()) ==
          std::vector<std::uint8_t>(of_pointer.begin(), of_pointer.end()));
    CHECK(codec.encode(grid, single).size() > 0);
#if __cplusplus >= 202002L
    CHECK(codec.encode(grid, std::span<const double>(values)).size() == stream.size());
    CHECK(codec.encode(grid, std::span<double>(values)).size() == stream.size());
#endif
    const std::vector<double> back = codec.decode<double>(stream);
    const vdfb_fidelity fidelity = codec.fidelity(stream, values);
    CHECK(fidelity.l2 <= 0.0102 && fidelity.pressure < 1e-11);
    CHECK(vdfb::fidelity(grid, values, back).l2 == fidelity.l2);
    CHECK(codec.fidelity(stream, single).l2 <= 0.0103);
    CHECK(std::fabs(codec.moments(stream).density / vdfb::moments(grid, values).density - 1) < 1e-11);
    CHECK(vdfb::moments(grid, single).density > 0);
    CHECK(codec.info(stream).cells == values.size() && codec.spec_of(stream) == codec.spec());

    const vdfb_layout fortran = vdfb::fortran_order(grid);
    std::vector<float> transposed(values.size());
    codec.decode_into(stream, transposed, &fortran);
    CHECK(transposed[1] == static_cast<float>(back[144]));
    CHECK(codec.encode(grid, transposed, &fortran).size() > 0);

    // A stream from elsewhere.
    const std::vector<std::uint8_t> copy(stream.begin(), stream.end());
    CHECK(vdfb::codec::decoder().decode<double>(copy) == back);

    // What was moved from frees nothing twice.
    vdfb::bytes moved = std::move(stream);
    stream = std::move(moved);
    CHECK(codec.decode<double>(stream) == back);
    vdfb::codec first("fast"), second("maxwellian");
    first = std::move(second);
    CHECK(first.spec() == "maxwellian");
    static_assert(!std::is_copy_constructible_v<vdfb::codec> && !std::is_copy_constructible_v<vdfb::bytes>);
    static_assert(std::is_nothrow_move_constructible_v<vdfb::codec>);
    static_assert(std::is_convertible_v<std::vector<float> &, vdfb::view<const float>>);
    static_assert(std::is_convertible_v<const std::array<double, 3> &, vdfb::view<const double>>);
    static_assert(!std::is_convertible_v<std::vector<float> &, vdfb::view<const double>>);
    static_assert(!std::is_convertible_v<const std::vector<float> &, vdfb::view<float>>);
}

void blocks() {
    const vdfb_grid mesh = make_grid(16);
    std::vector<double> values(vdfb::cells(mesh));
    fill(&mesh, 0, values.data());
    vdfb::options options;
    options.sparsity_threshold = 1e-2;
    const vdfb::codec codec("fast:l2=0.02", options);
    const vdfb::bytes stream = codec.encode(mesh, values);
    const vdfb::blocks<float> found = codec.decode_blocks<float>(stream);
    CHECK(!found.ids.empty() && found.ids.size() < 64 && found.values.size() == 64 * found.ids.size());
    CHECK(codec.blocks_of(stream) == found.ids);
    // The same set again, of its blocks.
    const vdfb::blocks<double> again = codec.decode_blocks<double>(codec.encode_blocks(mesh, 4, found.ids, found.values));
    CHECK(again.ids == found.ids);
    CHECK(codec.encode_blocks(mesh, 4, again.ids, again.values).size() > 0);
    const vdfb::codec dense("fast");
    const vdfb::bytes box = dense.encode(mesh, values);
    CHECK(thrown([&] { codec.blocks_of(box); }) == VDFB_NO_BLOCKS);
}

void refused() {
    const vdfb_grid grid = make_grid(6);
    std::vector<double> values(vdfb::cells(grid));
    const vdfb::codec codec("fast");
    CHECK(thrown([] { vdfb::codec("fastest"); }) == VDFB_INVALID_SPEC);
    CHECK(thrown([&] { codec.encode(grid, vdfb::view<const double>(values.data(), 3)); }) == VDFB_SIZE_MISMATCH);
    CHECK(thrown([&] { codec.encode(grid, vdfb::view<const double>()); }) == VDFB_SIZE_MISMATCH);
    CHECK(thrown([&] { vdfb::fidelity(grid, values, vdfb::view<const double>()); }) == VDFB_SIZE_MISMATCH);
    values[7] = std::nan("");
    CHECK(thrown([&] { codec.encode(grid, values); }) == VDFB_NOT_FINITE);
    CHECK(thrown([&] { codec.decode<float>(std::vector<std::uint8_t>{1, 2, 3}); }) == VDFB_MALFORMED);
    CHECK(thrown([&] { vdfb::archive("/nowhere/at/all.vdfa"); }) == VDFB_IO);
    const std::array<std::uint64_t, 2> sizes{UINT64_MAX, 2};
    CHECK(thrown([&] { vdfb::join_archive(vdfb::view<const std::uint8_t>(), sizes); }) == VDFB_SIZE_MISMATCH);
    vdfb::options options;
    options.populations = {nullptr};
    CHECK(thrown([&] { vdfb::codec("fast", options); }) == VDFB_NULL_POINTER);
    const vdfb::codec decoder = vdfb::codec::decoder();
    CHECK(thrown([&] { decoder.spec(); }) == VDFB_INVALID_SPEC);
}

void populations_and_archives() {
    const vdfb_grid grid = make_grid(8);
    std::vector<double> values(vdfb::cells(grid));
    vdfb::accumulator all(grid), part(grid);
    for (int cell = 0; cell < 8; ++cell) {
        fill(&grid, 0.1 * cell, values.data());
        (cell < 5 ? all : part).add(values);
    }
    all.merge(vdfb::accumulator::from_bytes(part.to_bytes()));
    CHECK(all.count() == 8 && all.lost() == 0);
    const vdfb::population learnt = vdfb::population::from_bytes(all.learn(3).to_bytes());
    CHECK(learnt.components() == 3 && learnt.deviations().size() == 3 && learnt.mean().size() == values.size());
    CHECK(learnt.component(2).size() == values.size());

    vdfb::options options;
    options.populations = {&learnt};
    const vdfb::codec codec("conserve(" + learnt.spec() + ")", options);
    vdfb::archive_options archived;
    archived.grid = &grid;
    archived.group = 2;
    vdfb::archive_writer writer = vdfb::archive_writer::in_memory(codec, archived);
    vdfb_facts facts = {};
    facts.has_magnetic_field = 1;
    facts.magnetic_field[2] = 5e-9;
    for (std::uint64_t cell = 0; cell < 5; ++cell) {
        fill(&grid, 0.1 * static_cast<double>(cell), values.data());
        writer.add("proton", cell, grid, values, &facts);
    }
    const vdfb::bytes whole = writer.finish();
    const vdfb::archive_parts parts = vdfb::split_archive(whole);
    const std::array<std::uint64_t, 1> sizes{parts.outline.size()};
    const auto [beginning, end] = vdfb::join_archive(parts.outline, sizes);
    CHECK(beginning.size() + parts.groups.size() + end.size() == whole.size());

    const vdfb::archive archive = vdfb::archive::from_bytes(whole, codec);
    CHECK(archive.populations() == std::vector<std::string>{"proton"} && archive.info().groups == 3);
    CHECK(archive.cells("proton").size() == 5);
    const vdfb::records records = archive.read("proton", 4);
    CHECK(records.size() == 1 && records.population() == "proton" && records.info().facts.magnetic_field[2] == 5e-9);
    const std::vector<double> back = records.values<double>();
    CHECK(vdfb::fidelity(grid, values, back).pressure < 1e-10);
    CHECK(std::fabs(records.moments().density / vdfb::moments(grid, values).density - 1) < 1e-10);
    CHECK(archive.read_group(1).size() == 2 && archive.read_group(1).values<float>(1).size() == values.size());
}

// One of two populations is damaged: its cells are named, and those of the other one are read.
void lost_cells() {
    const vdfb_grid grid = make_grid(8);
    std::vector<double> values(vdfb::cells(grid));
    fill(&grid, 0, values.data());
    const vdfb::codec codec("fast:l2=0.05");
    vdfb::archive_writer writer = vdfb::archive_writer::in_memory(codec);
    writer.add("proton", 7, grid, values);
    writer.add("proton", 3, grid, values);
    writer.add("helium", 3, grid, values);
    const vdfb::bytes whole = writer.finish();
    CHECK(vdfb::archive::from_bytes(whole).lost_cells().empty());
    std::vector<std::uint8_t> damaged(whole.begin(), whole.end());
    damaged[11] ^= 1; // in the first chunk: the population, the grid and the basis of the protons
    const vdfb::archive archive = vdfb::archive::from_bytes(damaged);
    CHECK(archive.info().lost_cells == 2 && archive.info().cells == 1);
    CHECK(archive.lost_cells() == std::vector<std::uint64_t>({7, 3}));
    CHECK(archive.populations() == std::vector<std::string>{"helium"});
    CHECK(archive.read("helium", 3).values<double>().size() == values.size());
    CHECK(thrown([&] { archive.read("proton", 7); }) == VDFB_INVALID_ARGUMENT);
}

} // namespace

int main() {
    streams();
    blocks();
    refused();
    populations_and_archives();
    lost_cells();
    CHECK(!vdfb::version().empty());
    return finish("wrapper.cpp");
}
