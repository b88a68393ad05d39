// Two threads decode into the same array, which no caller may let them do: a tool that looks for races has to say so. C++17.
#include <thread>
#include <vector>

#include "check.h"
#include "vdf_basis.hpp"

int main() {
    const vdfb_grid grid = make_grid(8);
    std::vector<double> values(vdfb::cells(grid));
    fill(&grid, 0, values.data());
    const vdfb::codec codec("wavelet:l2=0.05");
    const vdfb::bytes stream = codec.encode(grid, values);
    const auto decode = [&] { codec.decode_into(stream, values); };
    std::thread first(decode), second(decode);
    first.join();
    second.join();
    CHECK(values.size() == vdfb::cells(grid));
    return finish("race.cpp");
}
