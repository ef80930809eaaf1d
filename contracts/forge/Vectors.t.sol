// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReadingLog} from "../IReadingLog.sol";
import {ReadingLog} from "../ReadingLog.sol";
import {Reference} from "./Reference.sol";
import {Subjects} from "./Subjects.sol";
import {Verifier} from "./Verifier.sol";
import {vm} from "./Vm.sol";

/// @dev The published proofs, which TypeScript made: the contract, the RFC's text and they agree on each.
contract VectorsTest {
    struct Consistency {
        string name;
        uint64 fromSize;
        bytes32 fromRoot;
        uint64 toSize;
        bytes32 toRoot;
        bytes32[] proof;
        bool valid;
        string anchor;
    }

    struct Inclusion {
        string name;
        uint64 index;
        uint64 size;
        bytes32 root;
        bytes32 leafHash;
        bytes32[] path;
        bool valid;
    }

    string private constant FILE = "../docs/vectors/merkle-proofs.json";
    string private constant CONSISTENCY =
        "Consistency(string name,uint64 fromSize,bytes32 fromRoot,uint64 toSize,bytes32 toRoot,"
        "bytes32[] proof,bool valid,string anchor)";
    string private constant INCLUSION =
        "Inclusion(string name,uint64 index,uint64 size,bytes32 root,bytes32 leafHash,bytes32[] path,bool valid)";
    ReadingLog private readingLog = Subjects.readingLog();
    Verifier private verifier = Subjects.verifier();

    function test_JudgesEveryPublishedConsistencyProof() external {
        Consistency[] memory vectors =
            abi.decode(vm.parseJsonTypeArray(vm.readFile(FILE), ".consistency", CONSISTENCY), (Consistency[]));
        for (uint256 i = 0; i < vectors.length; i++) {
            Consistency memory claim = vectors[i];
            if (claim.fromSize != 0 && claim.fromSize < claim.toSize) {
                vm.assertTrue(isConsistent(claim) == claim.valid, claim.name);
            }
            vm.assertEq(answerTo(claim, i), keccak256(bytes(claim.anchor)), claim.name);
        }
        vm.assertTrue(vectors.length > 100, "vectors");
    }

    function test_RefusesTheValidOnesAfterOneBitHasChanged() external {
        Consistency[] memory vectors =
            abi.decode(vm.parseJsonTypeArray(vm.readFile(FILE), ".consistency", CONSISTENCY), (Consistency[]));
        for (uint256 i = 0; i < vectors.length; i++) {
            Consistency memory claim = vectors[i];
            if (!claim.valid || claim.proof.length == 0 || claim.fromSize >= claim.toSize) continue;
            bytes32 flip = bytes32(1 << i % 256);
            claim.toRoot ^= flip;
            vm.assertEq(answerTo(claim, 2 * i), keccak256("InvalidConsistencyProof"), claim.name);
            claim.toRoot ^= flip;
            for (uint256 j = 0; j < claim.proof.length; j++) {
                claim.proof[j] ^= flip;
                vm.assertFalse(isConsistent(claim), claim.name);
                claim.proof[j] ^= flip;
            }
        }
    }

    function test_JudgesEveryPublishedInclusionProof() external {
        Inclusion[] memory vectors =
            abi.decode(vm.parseJsonTypeArray(vm.readFile(FILE), ".inclusion", INCLUSION), (Inclusion[]));
        for (uint256 i = 0; i < vectors.length; i++) {
            Inclusion memory claim = vectors[i];
            bytes32 logId = readingLog.open(address(this), bytes32(i));
            readingLog.anchor(logId, claim.size, claim.root, new bytes32[](0));
            bool valid = readingLog.verifyInclusion(logId, claim.size, claim.index, claim.leafHash, claim.path);
            vm.assertTrue(valid == claim.valid, claim.name);
            valid = Reference.verifyInclusion(claim.size, claim.root, claim.index, claim.leafHash, claim.path);
            vm.assertTrue(valid == claim.valid, claim.name);
        }
        vm.assertTrue(vectors.length > 100, "vectors");
    }

    /// @dev As the assembly and the RFC's text say alike.
    function isConsistent(Consistency memory claim) private view returns (bool valid) {
        valid = verifier.consistency(claim.fromSize, claim.fromRoot, claim.toSize, claim.toRoot, claim.proof);
        bool asTheRfc =
            Reference.verifyConsistency(claim.fromSize, claim.fromRoot, claim.toSize, claim.toRoot, claim.proof);
        vm.assertTrue(valid == asTheRfc, claim.name);
    }

    /// @dev The hash of what the contract says to the claim, where its old tree is the head of a log.
    function answerTo(Consistency memory claim, uint256 key) private returns (bytes32) {
        bytes32 logId = readingLog.open(address(this), bytes32(key));
        if (claim.fromSize != 0) readingLog.anchor(logId, claim.fromSize, claim.fromRoot, new bytes32[](0));
        try readingLog.anchor(logId, claim.toSize, claim.toRoot, claim.proof) {
            return keccak256("done");
        } catch (bytes memory reason) {
            bytes4 error_ = bytes4(reason);
            if (error_ == IReadingLog.SizeNotGrowing.selector) return keccak256("SizeNotGrowing");
            if (error_ == IReadingLog.ZeroRoot.selector) return keccak256("ZeroRoot");
            if (error_ == IReadingLog.InvalidConsistencyProof.selector) return keccak256("InvalidConsistencyProof");
            return error_;
        }
    }
}
