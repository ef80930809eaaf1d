// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev RFC 9162 section 2.1, written to be read beside it: no assembly, nothing clever, its names. What the deployed
/// assembly is compared with, and what makes the trees and proofs of the tests.
library Reference {
    /// @dev A leaf of the test tree: the hash of its own index.
    function leaf(uint256 index) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x00), index));
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// @dev 2.1.1: MTH of the leaves [start, end).
    function mth(uint256 start, uint256 end) internal pure returns (bytes32) {
        if (end - start == 1) return leaf(start);
        uint256 k = split(end - start);
        return node(mth(start, start + k), mth(start + k, end));
    }

    /// @dev The same over any number of equal leaves, of which each level has one node.
    function uniformMth(uint256 size) internal pure returns (bytes32 root) {
        bytes32 complete = leaf(0);
        for (bool any = false; size != 0; size >>= 1) {
            if (size & 1 == 1) {
                root = any ? node(complete, root) : complete;
                any = true;
            }
            complete = node(complete, complete);
        }
    }

    /// @dev The largest power of two smaller than n.
    function split(uint256 n) internal pure returns (uint256 k) {
        k = 1;
        while (k << 1 < n) k <<= 1;
    }

    /// @dev 2.1.4.1: PROOF(m, D_n), iteratively, over the test tree from leaf `first` on or over equal leaves.
    function proveConsistency(uint256 first, uint256 m, uint256 n, bool uniform)
        internal
        pure
        returns (bytes32[] memory proof)
    {
        bytes32[] memory fromRoot = new bytes32[](65);
        uint256 length = 0;
        uint256 start = first;
        uint256 end = first + n;
        while (end != first + m) {
            uint256 middle = start + split(end - start);
            if (first + m <= middle) {
                fromRoot[length++] = range(middle, end, uniform);
                end = middle;
            } else {
                fromRoot[length++] = range(start, middle, uniform);
                start = middle;
            }
        }
        if (start > first) fromRoot[length++] = range(start, end, uniform);
        return reversed(fromRoot, length);
    }

    /// @dev 2.1.3.1: PATH(index, D_size), over the test tree from leaf `first` on or over equal leaves.
    function proveInclusion(uint256 first, uint256 index, uint256 size, bool uniform)
        internal
        pure
        returns (bytes32[] memory path)
    {
        bytes32[] memory fromRoot = new bytes32[](65);
        uint256 length = 0;
        uint256 start = first;
        uint256 end = first + size;
        while (end - start > 1) {
            uint256 middle = start + split(end - start);
            if (first + index < middle) {
                fromRoot[length++] = range(middle, end, uniform);
                end = middle;
            } else {
                fromRoot[length++] = range(start, middle, uniform);
                start = middle;
            }
        }
        return reversed(fromRoot, length);
    }

    function range(uint256 start, uint256 end, bool uniform) internal pure returns (bytes32) {
        return uniform ? uniformMth(end - start) : mth(start, end);
    }

    function reversed(bytes32[] memory items, uint256 length) internal pure returns (bytes32[] memory result) {
        result = new bytes32[](length);
        for (uint256 i = 0; i < length; i++) result[i] = items[length - 1 - i];
    }

    /// @dev 2.1.4.2.
    function verifyConsistency(uint256 first, bytes32 firstHash, uint256 second, bytes32 secondHash, bytes32[] memory path)
        internal
        pure
        returns (bool)
    {
        if (path.length == 0) return false;
        if (first & (first - 1) == 0) path = prepend(firstHash, path);
        uint256 fn = first - 1;
        uint256 sn = second - 1;
        while (fn & 1 == 1) (fn, sn) = (fn >> 1, sn >> 1);
        bytes32 fr = path[0];
        bytes32 sr = path[0];
        for (uint256 i = 1; i < path.length; i++) {
            bytes32 c = path[i];
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                fr = node(c, fr);
                sr = node(c, sr);
                while (fn & 1 == 0 && fn != 0) (fn, sn) = (fn >> 1, sn >> 1);
            } else {
                sr = node(sr, c);
            }
            (fn, sn) = (fn >> 1, sn >> 1);
        }
        return fr == firstHash && sr == secondHash && sn == 0;
    }

    function prepend(bytes32 item, bytes32[] memory items) internal pure returns (bytes32[] memory result) {
        result = new bytes32[](items.length + 1);
        result[0] = item;
        for (uint256 i = 0; i < items.length; i++) result[i + 1] = items[i];
    }

    /// @dev 2.1.3.2.
    function verifyInclusion(uint256 size, bytes32 root, uint256 index, bytes32 leafHash, bytes32[] memory path)
        internal
        pure
        returns (bool)
    {
        if (index >= size) return false;
        uint256 fn = index;
        uint256 sn = size - 1;
        bytes32 r = leafHash;
        for (uint256 i = 0; i < path.length; i++) {
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                r = node(path[i], r);
                while (fn & 1 == 0 && fn != 0) (fn, sn) = (fn >> 1, sn >> 1);
            } else {
                r = node(r, path[i]);
            }
            (fn, sn) = (fn >> 1, sn >> 1);
        }
        return sn == 0 && r == root;
    }
}
