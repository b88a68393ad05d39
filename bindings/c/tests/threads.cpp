// Many threads encode and decode at once through one codec: threads [THREADS] [ROUNDS] [CELLS]. The bytes must be those of
// one thread. Prints the speed-up. C++17.
#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "check.h"
#include "vdf_basis.hpp"

namespace {

using values_t = std::vector<double>;

struct work {
    vdfb_grid grid;
    std::vector<values_t> distributions;
    std::vector<std::vector<std::uint8_t>> streams;
};

// Encodes and decodes the distributions first, first + step, … `rounds` times; returns how often something differs.
int run(const vdfb::codec &codec, const work &all, std::size_t first, std::size_t step, int rounds) {
    int wrong = 0;
    values_t back(vdfb::cells(all.grid));
    for (int round = 0; round < rounds; ++round) {
        for (std::size_t index = first; index < all.distributions.size(); index += step) {
            const vdfb::bytes stream = codec.encode(all.grid, all.distributions[index]);
            const std::vector<std::uint8_t> &expected = all.streams[index];
            wrong += std::vector<std::uint8_t>(stream.begin(), stream.end()) != expected;
            codec.decode_into(stream, back);
            // Errors are those of this thread.
            const std::string spec = "no" + std::to_string(index);
            try {
                vdfb::codec none(spec);
                ++wrong;
            } catch (const vdfb::error &error) {
                wrong += std::string(error.what()).find("`" + spec + "`") == std::string::npos;
            }
        }
    }
    return wrong;
}

// The same with one array of all distributions, whose cells lie one after another as those of an array over space may: a
// thread decodes into the elements of its own distributions and encodes them, while others do the same with theirs.
int run_interleaved(const vdfb::codec &codec, const work &all, std::size_t first, std::size_t step,
                    vdfb::view<double> shared) {
    int wrong = 0;
    const auto count = static_cast<std::int64_t>(all.distributions.size());
    const auto ny = static_cast<std::int64_t>(all.grid.shape[1]), nz = static_cast<std::int64_t>(all.grid.shape[2]);
    for (std::size_t index = first; index < all.distributions.size(); index += step) {
        const vdfb_layout layout = {{ny * nz * count, nz * count, count}, index};
        codec.decode_into(all.streams[index], shared, &layout);
        const vdfb::bytes strided = codec.encode(all.grid, shared, &layout);
        const vdfb::bytes plain = codec.encode(all.grid, codec.decode<double>(all.streams[index]));
        wrong += !std::equal(strided.begin(), strided.end(), plain.begin(), plain.end());
    }
    return wrong;
}

// Calls `work` with the number of each thread on its thread; returns the seconds. It returns how often something differs.
template <class Work> double seconds(std::size_t threads, Work work) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> running;
    std::vector<int> wrong(threads);
    for (std::size_t thread = 0; thread < threads; ++thread) {
        running.emplace_back([&, thread] { wrong[thread] = work(thread); });
    }
    for (std::thread &thread : running) {
        thread.join();
    }
    for (const int differing : wrong) {
        CHECK(differing == 0);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

} // namespace

int main(int count, char **arguments) {
    const auto argument = [&](int index, int standard) { return count > index ? std::atoi(arguments[index]) : standard; };
    const std::size_t threads = static_cast<std::size_t>(argument(1, 8));
    const int rounds = argument(2, 4);
    work all{make_grid(static_cast<std::uint64_t>(argument(3, 20))), {}, {}};
    const vdfb::codec codec("conserve(fast:l2=0.01)");
    for (std::size_t index = 0; index < 2 * threads; ++index) {
        all.distributions.emplace_back(vdfb::cells(all.grid));
        fill(&all.grid, 0.05 * static_cast<double>(index), all.distributions.back().data());
        const vdfb::bytes stream = codec.encode(all.grid, all.distributions.back());
        all.streams.emplace_back(stream.begin(), stream.end());
    }
    const double one = seconds(1, [&](std::size_t) { return run(codec, all, 0, 1, rounds); });
    const double many = seconds(threads, [&](std::size_t thread) { return run(codec, all, thread, threads, rounds); });
    std::vector<double> shared(vdfb::cells(all.grid) * all.distributions.size());
    seconds(threads, [&](std::size_t thread) { return run_interleaved(codec, all, thread, threads, shared); });
    std::printf("%zu threads on %u processors: %.3f s, one thread %.3f s: %.2f times as fast\n", threads,
                std::thread::hardware_concurrency(), many, one, one / many);
    return finish("threads.cpp");
}
