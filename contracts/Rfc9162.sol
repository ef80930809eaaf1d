// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RFC 9162 section 2.1 proofs over SHA-256
/// @notice Checks consistency and inclusion proofs of the trees whose roots a ReadingLog keeps.
/// @dev The loops follow the RFC's verification algorithms step by step and use its names fn and sn.
/// Assembly because it pays: written plainly (forge/Reference.sol, which forge compares with this) an anchor of 10,000
/// more leaves at a million costs 88,704 gas instead of 72,031 (measured by gas.ts).
/// Every call's success is folded into the result: a failed one would leave the hash before it in memory. Today no
/// frame survives such a failure, 63/64 of its gas being gone; repricing must not be what makes one survive.
library Rfc9162 {
    /// @notice Whether the tree of `toSize` leaves begins with the tree of `fromSize` leaves (section 2.1.4.2).
    /// @param fromSize Leaves of the earlier tree; 0 < fromSize < toSize < 2^64.
    /// @param fromRoot Root of the earlier tree.
    /// @param toSize Leaves of the later tree.
    /// @param toRoot Root of the later tree.
    /// @param proof The consistency proof.
    /// @return valid Whether `proof` reproduces both roots and has exactly the length that the sizes ask for.
    // One loop of the RFC, kept whole so that it can be read beside it.
    // solhint-disable-next-line function-max-lines
    function verifyConsistency(
        uint256 fromSize,
        bytes32 fromRoot,
        uint256 toSize,
        bytes32 toRoot,
        bytes32[] calldata proof
    ) internal view returns (bool valid) {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let next := proof.offset
            let end := add(next, shl(5, proof.length))
            let fn := sub(fromSize, 1)
            let sn := sub(toSize, 1)
            valid := 1

            // Steps 2 and 5. A power of two is a complete subtree: its root is left out of the proof.
            let fr := fromRoot
            if and(fn, fromSize) {
                valid := lt(next, end)
                fr := calldataload(next)
                next := add(next, 32)
            }
            let sr := fr

            // Step 4.
            for {} and(fn, 1) {} {
                fn := shr(1, fn)
                sn := shr(1, sn)
            }

            // node: 0x01 || left || right, hashed in place at the free memory pointer.
            let node := mload(0x40)
            let left := add(node, 1)
            let right := add(node, 33)
            mstore8(node, 1)

            // Step 6.
            for {} lt(next, end) { next := add(next, 32) } {
                if iszero(sn) {
                    valid := 0
                    break
                }
                switch or(and(fn, 1), eq(fn, sn))
                case 0 {
                    mstore(left, sr)
                    calldatacopy(right, next, 32)
                    valid := and(valid, staticcall(gas(), 2, node, 65, 0, 32))
                    sr := mload(0)
                }
                default {
                    calldatacopy(left, next, 32)
                    mstore(right, fr)
                    valid := and(valid, staticcall(gas(), 2, node, 65, 0, 32))
                    fr := mload(0)
                    mstore(right, sr)
                    valid := and(valid, staticcall(gas(), 2, node, 65, 0, 32))
                    sr := mload(0)
                    for {} iszero(or(and(fn, 1), iszero(fn))) {} {
                        fn := shr(1, fn)
                        sn := shr(1, sn)
                    }
                }
                fn := shr(1, fn)
                sn := shr(1, sn)
            }

            // Step 7.
            valid := and(valid, and(iszero(sn), and(eq(fr, fromRoot), eq(sr, toRoot))))
        }
    }

    /// @notice Whether `leafHash` is the `index`-th leaf of a tree (section 2.1.3.2).
    /// @param size Leaves of the tree, less than 2^64.
    /// @param root Root of the tree.
    /// @param index Zero-based index of the leaf.
    /// @param leafHash SHA-256(0x00 || entry).
    /// @param path The inclusion proof, from the leaf upwards.
    /// @return valid Whether `path` reproduces the root, has exactly the length due, and `index` < `size`.
    function verifyInclusion(uint256 size, bytes32 root, uint256 index, bytes32 leafHash, bytes32[] calldata path)
        internal
        view
        returns (bool valid)
    {
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let next := path.offset
            let end := add(next, shl(5, path.length))
            let fn := index
            let sn := sub(size, 1)
            let r := leafHash
            valid := lt(index, size)

            let node := mload(0x40)
            let left := add(node, 1)
            let right := add(node, 33)
            mstore8(node, 1)

            // Step 4.
            for {} lt(next, end) { next := add(next, 32) } {
                if iszero(sn) {
                    valid := 0
                    break
                }
                switch or(and(fn, 1), eq(fn, sn))
                case 0 {
                    mstore(left, r)
                    calldatacopy(right, next, 32)
                }
                default {
                    calldatacopy(left, next, 32)
                    mstore(right, r)
                    for {} iszero(or(and(fn, 1), iszero(fn))) {} {
                        fn := shr(1, fn)
                        sn := shr(1, sn)
                    }
                }
                valid := and(valid, staticcall(gas(), 2, node, 65, 0, 32))
                r := mload(0)
                fn := shr(1, fn)
                sn := shr(1, sn)
            }

            // Step 5.
            valid := and(valid, and(iszero(sn), eq(r, root)))
        }
    }
}
