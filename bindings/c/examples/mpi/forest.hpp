// A reduction of accumulators over ranks whose result has the same bits on any number of ranks.
//
// The sums of an accumulator depend on the order of merging in their last bits, and MPI is free in that order. So the
// order is fixed here: the cells are cut into leaves, which do not depend on the ranks, and leaves are merged along one
// binary tree. A forest holds the accumulators of those nodes of the tree whose leaves it has all seen, each node merged
// from its two halves, the left one first. To unite two forests is associative and commutative to the bit.
#ifndef FOREST_HPP
#define FOREST_HPP

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include <vdf_basis.hpp>

class forest {
public:
    // A plain forest merges all into one accumulator in the order in which they come: the same within rounding only, but
    // as small as one accumulator.
    explicit forest(bool plain) : plain_(plain) {}

    // Adds the accumulator of a leaf.
    void add_leaf(std::uint64_t leaf, vdfb::accumulator accumulator) {
        add({0, plain_ ? 0 : leaf}, std::move(accumulator));
    }

    // Takes in another forest of the same kind.
    void unite(forest other) {
        for (auto &[node, accumulator] : other.nodes_) {
            add(node, std::move(accumulator));
        }
    }

    // All nodes in one, from the first leaf to the last.
    vdfb::accumulator root() const {
        std::map<std::uint64_t, const vdfb::accumulator *> in_order;
        for (const auto &[node, accumulator] : nodes_) {
            in_order[node.second << node.first] = &accumulator;
        }
        if (in_order.empty()) {
            throw std::runtime_error("a population without distributions");
        }
        vdfb::accumulator whole = vdfb::accumulator::from_bytes(in_order.begin()->second->to_bytes());
        for (auto next = std::next(in_order.begin()); next != in_order.end(); ++next) {
            whole.merge(*next->second);
        }
        return whole;
    }

    // Most bytes of any forest over `leaves` leaves with at most `rows` rows in a node and `all_rows` in all.
    static std::uint64_t most_bytes(std::uint64_t leaves, std::uint64_t cells, std::uint64_t rows, std::uint64_t all_rows,
                                    bool plain) {
        std::uint64_t nodes = 1;
        // Of each level there are at most two nodes at the ends of consecutive leaves.
        for (std::uint64_t width = 1; !plain && width < leaves; width *= 2) {
            nodes += 2;
        }
        const std::uint64_t held = nodes * rows < all_rows ? nodes * rows : all_rows;
        // Each node has its mean and less than 256 bytes of head and hash besides.
        return 16 + nodes * (256 + 24) + 8 * cells * (nodes + held);
    }

    void write(std::uint8_t *buffer, std::uint64_t capacity) const {
        std::uint64_t at = 0;
        const auto put = [&](const void *bytes, std::uint64_t size) {
            if (size > capacity - at) {
                throw std::runtime_error("a forest that is larger than foreseen");
            }
            std::memcpy(buffer + at, bytes, size);
            at += size;
        };
        const std::uint64_t head[2] = {plain_, nodes_.size()};
        put(head, sizeof head);
        for (const auto &[node, accumulator] : nodes_) {
            const vdfb::bytes bytes = accumulator.to_bytes();
            const std::uint64_t about[3] = {node.first, node.second, bytes.size()};
            put(about, sizeof about);
            put(bytes.data(), bytes.size());
        }
    }

    static forest read(const std::uint8_t *buffer, std::uint64_t size) {
        std::uint64_t at = 0;
        const auto take = [&](void *bytes, std::uint64_t length) {
            if (length > size - at) {
                throw std::runtime_error("a forest that is cut");
            }
            std::memcpy(bytes, buffer + at, length);
            at += length;
        };
        std::uint64_t head[2];
        take(head, sizeof head);
        forest found(head[0] != 0);
        for (std::uint64_t k = 0; k < head[1]; ++k) {
            std::uint64_t about[3];
            take(about, sizeof about);
            if (about[2] > size - at) {
                throw std::runtime_error("a forest that is cut");
            }
            found.add({about[0], about[1]}, vdfb::accumulator::from_bytes({buffer + at, about[2]}));
            at += about[2];
        }
        return found;
    }

private:
    // The height of a node above the leaves, and its number among those of the height.
    using node = std::pair<std::uint64_t, std::uint64_t>;

    // Adds a node, and merges it with the other half of the node above as long as that is there.
    void add(node where, vdfb::accumulator accumulator) {
        auto other = nodes_.find(sibling(where));
        while (other != nodes_.end()) {
            vdfb::accumulator found = std::move(other->second);
            nodes_.erase(other);
            if (!plain_ && where.second % 2 == 0) {
                std::swap(found, accumulator);
            }
            found.merge(accumulator);
            accumulator = std::move(found);
            where = plain_ ? where : node{where.first + 1, where.second / 2};
            other = plain_ ? nodes_.end() : nodes_.find(sibling(where));
        }
        nodes_.emplace(where, std::move(accumulator));
    }

    node sibling(node where) const { return plain_ ? where : node{where.first, where.second ^ 1}; }

    bool plain_;
    std::map<node, vdfb::accumulator> nodes_;
};

#endif
