// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReadingLog} from "../IReadingLog.sol";
import {ReadingLog} from "../ReadingLog.sol";
import {Crowd} from "./Crowd.sol";
import {History} from "./History.sol";
import {Reference} from "./Reference.sol";
import {Subjects} from "./Subjects.sol";
import {vm} from "./Vm.sol";

/// @dev What holds after every call of any sequence. The crowd judges each call by itself.
contract ReadingLogInvariantTest {
    ReadingLog private readingLog;
    Crowd private crowd;

    function setUp() external {
        readingLog = Subjects.readingLog();
        crowd = new Crowd(readingLog);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(crowd);
    }

    /// @dev The head is what was anchored last and the largest, and every earlier tree is the beginning of it.
    function invariant_AppendOnlyForEver() external view {
        bytes32[] memory logIds = crowd.logIds();
        for (uint256 i = 0; i < logIds.length; i++) {
            History memory log = crowd.expectedOf(logIds[i]);
            uint256 anchors = log.sizes.length;
            (uint64 size, bytes32 root) = readingLog.head(logIds[i]);
            vm.assertEq(size, anchors == 0 ? 0 : log.sizes[anchors - 1], "size of the head");
            vm.assertEq(root, anchors == 0 ? bytes32(0) : log.roots[anchors - 1], "root of the head");
            for (uint256 j = 1; j < anchors; j++) vm.assertTrue(log.sizes[j - 1] < log.sizes[j], "order");
            if (anchors != 0) assertLeafProvable(logIds[i], i, log.sizes[0] - 1, size);
        }
    }

    /// @dev Roots and roles of each log are what the calls upon it made them; the crowd looks at the storage besides.
    function invariant_OneLogCannotTouchAnother() external view {
        bytes32[] memory logIds = crowd.logIds();
        for (uint256 i = 0; i < logIds.length; i++) {
            assertRoles(logIds[i], crowd.expectedOf(logIds[i]));
            for (uint256 j = 0; j < logIds.length; j++) {
                if (i != j) assertNoRootsOf(crowd.expectedOf(logIds[j]), logIds[i], crowd.expectedOf(logIds[i]));
            }
        }
    }

    /// @dev Whoever calls, a log has the roots that its operators anchored: as many as the crowd let through.
    function invariant_NobodyButTheOperatorMovesIt() external view {
        bytes32[] memory logIds = crowd.logIds();
        for (uint256 i = 0; i < logIds.length; i++) {
            History memory log = crowd.expectedOf(logIds[i]);
            (uint64 size,) = readingLog.head(logIds[i]);
            (, address operator,,,) = readingLog.logOf(logIds[i]);
            vm.assertEq(operator, log.operator, "operator");
            vm.assertEq(size, log.sizes.length == 0 ? 0 : log.sizes[log.sizes.length - 1], "size of the head");
        }
    }

    function invariant_EveryAnchoredRootStaysReadable() external view {
        bytes32[] memory logIds = crowd.logIds();
        for (uint256 i = 0; i < logIds.length; i++) {
            History memory log = crowd.expectedOf(logIds[i]);
            for (uint256 j = 0; j < log.sizes.length; j++) {
                vm.assertEq(readingLog.rootAt(logIds[i], log.sizes[j]), log.roots[j], "a root has changed");
            }
        }
    }

    function invariant_NoEtherIsTrapped() external view {
        vm.assertEq(address(readingLog).balance, crowd.forced(), "ether was taken");
    }

    /// @dev Roles and anchors, every one in its order, from the events and nothing else.
    function invariant_EventsTellTheWholeHistory() external view {
        bytes32[] memory logIds = crowd.logIds();
        for (uint256 i = 0; i < logIds.length; i++) {
            bytes32 told = keccak256(abi.encode(crowd.indexer().historyOf(logIds[i])));
            vm.assertEq(told, keccak256(abi.encode(crowd.expectedOf(logIds[i]))), "the events tell another history");
        }
    }

    function assertRoles(bytes32 logId, History memory log) private view {
        (address owner, address operator, address proposedOwner, address proposedOperator, bytes32 logKeyHash) =
            readingLog.logOf(logId);
        vm.assertEq(owner, log.owner, "owner");
        vm.assertEq(operator, log.operator, "operator");
        vm.assertEq(proposedOwner, log.proposedOwner, "proposed owner");
        vm.assertEq(proposedOperator, log.proposedOperator, "proposed operator");
        vm.assertEq(logKeyHash, log.logKeyHash, "key");
    }

    function assertNoRootsOf(History memory other, bytes32 logId, History memory log) private view {
        for (uint256 i = 0; i < other.sizes.length; i++) {
            bool own = false;
            for (uint256 j = 0; j < log.sizes.length; j++) own = own || log.sizes[j] == other.sizes[i];
            if (own) continue;
            try readingLog.rootAt(logId, other.sizes[i]) {
                vm.assertTrue(false, "a root of another log");
            } catch (bytes memory reason) {
                vm.assertEq(bytes4(reason), IReadingLog.UnknownSize.selector, "no root");
            }
        }
    }

    function assertLeafProvable(bytes32 logId, uint256 which, uint256 index, uint256 size) private view {
        uint256 first = crowd.firstLeafOf(which);
        bytes32[] memory path = Reference.proveInclusion(first, index, size, false);
        bytes32 leafHash = Reference.leaf(first + index);
        bool included = readingLog.verifyInclusion(logId, uint64(size), uint64(index), leafHash, path);
        vm.assertTrue(included, "a leaf can no longer be proven");
    }
}
