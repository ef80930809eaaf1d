// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reference} from "./Reference.sol";
import {Subjects} from "./Subjects.sol";
import {Verifier} from "./Verifier.sol";
import {vm} from "./Vm.sol";

/// @dev The assembly against the RFC's text, for valid, nearly valid and arbitrary input.
contract Rfc9162Test {
    uint256 private constant SMALL = 48;
    Verifier private verifier = Subjects.verifier();

    function testFuzz_AcceptsEveryHonestConsistencyProof(uint256 from, uint256 to) external view {
        (from, to) = sizes(from, to, SMALL);
        bytes32[] memory proof = Reference.proveConsistency(0, from, to, false);
        bool valid = verifier.consistency(from, Reference.mth(0, from), to, Reference.mth(0, to), proof);
        vm.assertTrue(valid, "an honest proof was refused");
    }

    function testFuzz_AcceptsSizesUpTo64Bits(uint64 a, uint64 b) external view {
        (uint256 from, uint256 to) = sizes(a, b, type(uint64).max);
        bytes32[] memory proof = Reference.proveConsistency(0, from, to, true);
        bool valid = verifier.consistency(from, Reference.uniformMth(from), to, Reference.uniformMth(to), proof);
        vm.assertTrue(valid, "an honest proof was refused");
    }

    function test_RefusesEachBitFlipOfAConsistencyProof() external view {
        (uint256 from, uint256 to) = (13, 29);
        (bytes32 fromRoot, bytes32 toRoot) = (Reference.mth(0, from), Reference.mth(0, to));
        bytes32[] memory proof = Reference.proveConsistency(0, from, to, false);
        for (uint256 bit = 0; bit < 256; bit++) {
            bytes32 flip = bytes32(1 << bit);
            vm.assertFalse(verifier.consistency(from, fromRoot ^ flip, to, toRoot, proof), "old root");
            vm.assertFalse(verifier.consistency(from, fromRoot, to, toRoot ^ flip, proof), "new root");
            for (uint256 i = 0; i < proof.length; i++) {
                proof[i] ^= flip;
                vm.assertFalse(verifier.consistency(from, fromRoot, to, toRoot, proof), "proof");
                proof[i] ^= flip;
            }
        }
    }

    function test_RefusesEachBitFlipOfAnInclusionProof() external view {
        (uint256 index, uint256 size) = (11, 29);
        bytes32 root = Reference.mth(0, size);
        bytes32 leafHash = Reference.leaf(index);
        bytes32[] memory path = Reference.proveInclusion(0, index, size, false);
        for (uint256 bit = 0; bit < 256; bit++) {
            bytes32 flip = bytes32(1 << bit);
            vm.assertFalse(verifier.inclusion(size, root ^ flip, index, leafHash, path), "root");
            vm.assertFalse(verifier.inclusion(size, root, index, leafHash ^ flip, path), "leaf");
            vm.assertFalse(verifier.inclusion(size, root, index ^ (1 << bit), leafHash, path), "index");
            for (uint256 i = 0; i < path.length; i++) {
                path[i] ^= flip;
                vm.assertFalse(verifier.inclusion(size, root, index, leafHash, path), "path");
                path[i] ^= flip;
            }
        }
    }

    /// @dev Sizes of an honest proof moved a little or at random: the RFC accepts some of them, and the same ones.
    function testFuzz_JudgesOtherSizesAsTheRfcDoes(uint256 from, uint256 to, uint256 otherFrom, uint256 otherTo) external view {
        (from, to) = sizes(from, to, SMALL);
        (otherFrom, otherTo) = sizes(otherFrom, otherTo, SMALL * 2);
        compareConsistency(otherFrom, otherTo, from, to, Reference.proveConsistency(0, from, to, false));
        compareConsistency(from, otherTo > from ? otherTo : to, from, to, Reference.proveConsistency(0, from, to, false));
    }

    function testFuzz_JudgesArbitraryProofsAsTheRfcDoes(uint64 from, uint64 to, bytes32[] calldata proof) external view {
        (uint256 first, uint256 second) = sizes(from, to, type(uint64).max);
        (bytes32 firstHash, bytes32 secondHash) = (Reference.leaf(first), Reference.leaf(second));
        bool expected = Reference.verifyConsistency(first, firstHash, second, secondHash, proof);
        vm.assertTrue(verifier.consistency(first, firstHash, second, secondHash, proof) == expected, "unlike the RFC");
    }

    function testFuzz_AcceptsEveryHonestInclusionProofAndNoOtherIndex(uint256 index, uint256 size, uint256 other) external view {
        size = 1 + size % SMALL;
        index %= size;
        bytes32 root = Reference.mth(0, size);
        bytes32[] memory path = Reference.proveInclusion(0, index, size, false);
        vm.assertTrue(verifier.inclusion(size, root, index, Reference.leaf(index), path), "an honest proof was refused");
        other %= size + 2;
        vm.assume(other != index);
        vm.assertFalse(verifier.inclusion(size, root, other, Reference.leaf(index), path), "another index was accepted");
        vm.assertFalse(verifier.inclusion(size, root, index, Reference.leaf(other), path), "another leaf was accepted");
    }

    /// @dev Leaves are equal here, so another index may well lead to the same root: never with another path's length.
    function testFuzz_AcceptsIndicesUpTo64Bits(uint64 index, uint64 size, uint256 bit) external view {
        if (size == 0) size = 1;
        index %= size;
        bytes32[] memory path = Reference.proveInclusion(0, index, size, true);
        bytes32 root = Reference.uniformMth(size);
        vm.assertTrue(verifier.inclusion(size, root, index, Reference.leaf(0), path), "an honest proof was refused");
        uint256 other = index ^ (1 << bit % 64);
        bool expected = Reference.verifyInclusion(size, root, other, Reference.leaf(0), path);
        bool valid = verifier.inclusion(size, root, other, Reference.leaf(0), path);
        vm.assertTrue(valid == expected, "unlike the RFC");
    }

    function testFuzz_JudgesInclusionUnderOtherSizesAsTheRfcDoes(
        uint256 index,
        uint256 size,
        uint256 otherIndex,
        uint256 otherSize
    ) external view {
        size = 1 + size % SMALL;
        index %= size;
        otherSize = 1 + otherSize % (SMALL * 2);
        otherIndex %= otherSize + 1;
        bytes32 root = Reference.mth(0, size);
        bytes32 leafHash = Reference.leaf(index);
        bytes32[] memory path = Reference.proveInclusion(0, index, size, false);
        bool expected = Reference.verifyInclusion(otherSize, root, otherIndex, leafHash, path);
        vm.assertTrue(verifier.inclusion(otherSize, root, otherIndex, leafHash, path) == expected, "unlike the RFC");
    }

    /// @dev One node too many or too few, at either end. The node too many is the best guess: the root itself.
    function testFuzz_RefusesOtherLengths(uint256 from, uint256 to, uint256 index) external view {
        (from, to) = sizes(from, to, SMALL);
        index %= to;
        (bytes32 fromRoot, bytes32 toRoot) = (Reference.mth(0, from), Reference.mth(0, to));
        bytes32[][4] memory proofs = otherLengths(Reference.proveConsistency(0, from, to, false), toRoot);
        bytes32[][4] memory paths = otherLengths(Reference.proveInclusion(0, index, to, false), toRoot);
        for (uint256 i = 0; i < 4; i++) {
            vm.assertFalse(verifier.consistency(from, fromRoot, to, toRoot, proofs[i]), "consistency");
            vm.assertFalse(verifier.inclusion(to, toRoot, index, Reference.leaf(index), paths[i]), "inclusion");
        }
    }

    /// @dev A tree of less than 2^64 leaves has 64 levels: what comes behind is not looked at.
    function test_ALongProofCostsNoMoreThanTheLongestThereIs() external view {
        bytes32 root = Reference.leaf(0);
        uint256 longest = verifier.gasOfBoth(1, type(uint64).max, root, new bytes32[](65));
        uint256 bomb = verifier.gasOfBoth(1, type(uint64).max, root, new bytes32[](10_000));
        vm.assertEq(bomb, longest, "a longer proof costs more");
    }

    /// @dev The ABI lets the offset of an array be any number, so a proof may begin at any byte.
    function test_ReadsAProofFromAnyByteOfTheCallData() external view {
        (uint256 from, uint256 to) = (13, 29);
        bytes32[] memory proof = Reference.proveConsistency(0, from, to, false);
        bytes memory head = abi.encode(from, Reference.mth(0, from), to, Reference.mth(0, to));
        for (uint256 shift = 0; shift < 33; shift++) {
            bytes memory tail = abi.encodePacked(new bytes(shift), proof.length, proof);
            bytes memory data = abi.encodePacked(Verifier.consistency.selector, head, 5 * 32 + shift, tail);
            // solhint-disable-next-line avoid-low-level-calls
            (bool success, bytes memory result) = address(verifier).staticcall(data);
            vm.assertTrue(success && abi.decode(result, (bool)), "an honest proof was refused");
        }
    }

    function otherLengths(bytes32[] memory proof, bytes32 extra) private pure returns (bytes32[][4] memory) {
        bytes32[] memory backwards = Reference.reversed(proof, proof.length);
        bytes32[] memory appended = Reference.reversed(Reference.prepend(extra, backwards), proof.length + 1);
        bytes32[] memory headless = Reference.reversed(backwards, proof.length - 1);
        bytes32[] memory tailless = Reference.reversed(Reference.reversed(proof, proof.length - 1), proof.length - 1);
        return [appended, Reference.prepend(extra, proof), headless, tailless];
    }

    function compareConsistency(uint256 from, uint256 to, uint256 rootFrom, uint256 rootTo, bytes32[] memory proof)
        private
        view
    {
        (bytes32 fromRoot, bytes32 toRoot) = (Reference.mth(0, rootFrom), Reference.mth(0, rootTo));
        bool expected = Reference.verifyConsistency(from, fromRoot, to, toRoot, proof);
        vm.assertTrue(verifier.consistency(from, fromRoot, to, toRoot, proof) == expected, "unlike the RFC");
    }

    /// @dev Two sizes with 0 < from < to <= limit.
    function sizes(uint256 a, uint256 b, uint256 limit) private pure returns (uint256 from, uint256 to) {
        to = 2 + b % (limit - 1);
        from = 1 + a % (to - 1);
    }
}
