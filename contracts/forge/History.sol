// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReadingLog} from "../IReadingLog.sol";
import {vm, Vm} from "./Vm.sol";

/// @dev All there is to know of one log.
struct History {
    address owner;
    address operator;
    address proposedOwner;
    address proposedOperator;
    bytes32 logKeyHash;
    uint64[] sizes;
    bytes32[] roots;
}

/// @dev What an indexer knows, who has nothing but the contract's events.
contract Indexer {
    mapping(bytes32 logId => History history) private _histories;

    function read(Vm.Log[] calldata events) external {
        for (uint256 i = 0; i < events.length; i++) fold(events[i].topics, events[i].data);
    }

    function historyOf(bytes32 logId) external view returns (History memory) {
        return _histories[logId];
    }

    function fold(bytes32[] calldata topics, bytes calldata data) private {
        History storage log = _histories[topics[1]];
        if (topics[0] == IReadingLog.Anchored.selector) {
            (uint64 size, bytes32 root) = abi.decode(data, (uint64, bytes32));
            log.sizes.push(size);
            log.roots.push(root);
            return;
        }
        address named = address(uint160(uint256(topics[2])));
        if (topics[0] == IReadingLog.Opened.selector) {
            log.owner = named;
            (log.operator, log.logKeyHash) = abi.decode(data, (address, bytes32));
        } else if (topics[0] == IReadingLog.OperatorProposed.selector) {
            log.proposedOperator = named;
        } else if (topics[0] == IReadingLog.OwnerProposed.selector) {
            log.proposedOwner = named;
        } else {
            address successor = address(uint160(uint256(topics[3])));
            if (topics[0] == IReadingLog.OperatorChanged.selector) {
                vm.assertEq(named, log.operator, "the operator until now");
                (log.operator, log.proposedOperator) = (successor, address(0));
            } else {
                vm.assertEq(topics[0], IReadingLog.OwnerChanged.selector, "an unknown event");
                vm.assertEq(named, log.owner, "the owner until now");
                (log.owner, log.proposedOwner) = (successor, address(0));
            }
        }
    }
}
