// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {vm} from "./Vm.sol";

/// @dev Where a call has written, by the layout of ReadingLog's storage: five slots a log, then its mapping of roots.
library Footprint {
    uint256 internal constant ROLES = 4;
    uint256 internal constant EVERYTHING = 5;

    /// @dev The call wrote to the first `fields` slots of this log and nowhere else.
    function assertWithin(address target, bytes32 logId, uint256 fields) internal view {
        assertWithin(target, logId, fields, false, 0);
    }

    /// @dev The call wrote the size of this log, the root of `size`, and nothing else.
    function assertAnchor(address target, bytes32 logId, uint64 size) internal view {
        assertWithin(target, logId, 1, true, size);
    }

    function assertWithin(address target, bytes32 logId, uint256 fields, bool anchors, uint64 size) private view {
        (, bytes32[] memory writes) = vm.accesses(target);
        uint256 log = uint256(keccak256(abi.encode(logId, uint256(0))));
        bytes32 root = keccak256(abi.encode(uint256(size), log + EVERYTHING));
        for (uint256 i = 0; i < writes.length; i++) {
            bool within = uint256(writes[i]) >= log && uint256(writes[i]) < log + fields;
            vm.assertTrue(within || (anchors && writes[i] == root), "wrote beyond what the call is about");
        }
    }
}
