// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Rfc9162} from "../Rfc9162.sol";
import {vm} from "./Vm.sol";

/// @dev The library takes proofs from calldata, so it is called from outside. What stood in memory stays as it was.
contract Verifier {
    modifier keepsMemory() {
        bytes memory held = abi.encodePacked(msg.data, keccak256("held"));
        bytes32 digest = keccak256(held);
        _;
        vm.assertEq(keccak256(held), digest, "memory was overwritten");
    }

    function consistency(uint256 from, bytes32 fromRoot, uint256 to, bytes32 toRoot, bytes32[] calldata proof)
        external
        view
        keepsMemory
        returns (bool)
    {
        return Rfc9162.verifyConsistency(from, fromRoot, to, toRoot, proof);
    }

    function inclusion(uint256 size, bytes32 root, uint256 index, bytes32 leafHash, bytes32[] calldata path)
        external
        view
        keepsMemory
        returns (bool)
    {
        return Rfc9162.verifyInclusion(size, root, index, leafHash, path);
    }

    /// @dev What the library itself takes, without the calldata.
    function gasOfBoth(uint256 from, uint256 to, bytes32 root, bytes32[] calldata proof)
        external
        view
        returns (uint256 used)
    {
        used = gasleft();
        bool valid = Rfc9162.verifyConsistency(from, root, to, root, proof);
        valid = Rfc9162.verifyInclusion(to, root, from, root, proof) || valid;
        used -= gasleft();
        vm.assertFalse(valid, "accepted");
    }
}
