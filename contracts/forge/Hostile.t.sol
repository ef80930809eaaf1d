// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReadingLog} from "../IReadingLog.sol";
import {ReadingLog} from "../ReadingLog.sol";
import {Reference} from "./Reference.sol";
import {Subjects} from "./Subjects.sol";
import {vm} from "./Vm.sol";

/// @dev What others can send, open or deploy upon, one attempt at a time.
contract HostileTest {
    uint64 private constant FROM = 6;
    uint64 private constant TO = 11;
    ReadingLog private readingLog = Subjects.readingLog();
    bytes32 private logId;
    bytes private honest;

    function setUp() external {
        logId = readingLog.open(address(this), keccak256("key"));
        readingLog.anchor(logId, FROM, Reference.mth(0, FROM), new bytes32[](0));
        bytes32[] memory proof = Reference.proveConsistency(0, FROM, TO, false);
        honest = abi.encodeCall(IReadingLog.anchor, (logId, TO, Reference.mth(0, TO), proof));
    }

    /// @dev Selector, log id, size, root, offset, length, hashes: one bit of any is another call, or none. Only a size of
    /// the same shape passes, as by the RFC it must.
    function test_RefusesEachBitFlipOfAnAnchorsCallData() external {
        vm.assertTrue(succeeds(honest), "the honest anchor was refused");
        bytes32 fromRoot = Reference.mth(0, FROM);
        bytes32[] memory proof = Reference.proveConsistency(0, FROM, TO, false);
        uint256 passed = 0;
        for (uint256 bit = 0; bit < honest.length * 8; bit++) {
            bytes memory data = honest;
            data[bit / 8] ^= bytes1(uint8(0x80 >> bit % 8));
            if (!succeeds(data)) continue;
            passed++;
            uint256 end = (4 + 32 + 32) * 8;
            vm.assertTrue(bit < end && bit >= end - 64, "a changed call was accepted");
            uint256 size = TO ^ (1 << (end - 1 - bit));
            bool sameShape = Reference.verifyConsistency(FROM, fromRoot, size, Reference.mth(0, TO), proof);
            vm.assertTrue(size > FROM && sameShape, "another size was accepted");
        }
        vm.assertEq(passed, 3, "sizes of the same shape");
    }

    function test_RefusesAnAnchorCutShortAndIgnoresWhatFollowsIt() external {
        for (uint256 length = 0; length < honest.length; length++) {
            bytes memory data = honest;
            // solhint-disable-next-line no-inline-assembly
            assembly {
                mstore(data, length)
            }
            vm.assertFalse(succeeds(data), "a part of a call was accepted");
        }
        vm.assertTrue(succeeds(abi.encodePacked(honest, keccak256("more"))), "bytes behind a call changed it");
    }

    /// @dev Whoever opens what first, for whom and under which key: the owner's own identifier stays free.
    function testFuzz_NobodyCanTakeAnIdentifierFirst(address owner, address stranger, address operator, bytes32 key)
        external
    {
        vm.assume(owner != stranger && owner != address(0) && operator != address(0));
        vm.assume(owner != address(this) && stranger != address(this));
        vm.prank(stranger);
        bytes32 taken = readingLog.open(operator, key);
        vm.prank(owner);
        bytes32 own = readingLog.open(operator, key);
        vm.assertTrue(own != taken, "one identifier for two");
        vm.assertEq(own, readingLog.logIdOf(owner, key), "the identifier of the opener");
        (address actual,,,,) = readingLog.logOf(own);
        vm.assertEq(actual, owner, "owner");
    }

    /// @dev An anchor signed for one log must mean nothing to another contract, or on another chain.
    function test_AnIdentifierIsOfOneChainAndOneContract() external {
        bytes32 here = readingLog.logIdOf(address(this), 0);
        vm.assertTrue(Subjects.readingLog().logIdOf(address(this), 0) != here, "another contract");
        vm.chainId(block.chainid + 1);
        vm.assertTrue(readingLog.logIdOf(address(this), 0) != here, "another chain");
    }

    function test_NobodysOperatorIsNobody() external {
        vm.assertFalse(succeeds(abi.encodeCall(IReadingLog.open, (address(0), 0))), "opened without an operator");
        vm.assertTrue(succeeds(abi.encodeCall(IReadingLog.open, (address(1), 0))), "not opened");
    }

    function test_WillNotStandWhereThereIsNoSha256() external {
        vm.mockCall(address(2), "", abi.encode(keccak256("another function")));
        vm.assertEq(refusalToDeploy(), ReadingLog.NoSha256Precompile.selector, "where another answers");
        vm.mockCall(address(2), "", "");
        vm.assertEq(refusalToDeploy(), bytes4(0xffffffff), "where nobody answers");
    }

    function deploy() external {
        Subjects.readingLog();
    }

    function refusalToDeploy() private returns (bytes4) {
        try this.deploy() {
            return 0;
        } catch (bytes memory reason) {
            return reason.length == 0 ? bytes4(0xffffffff) : bytes4(reason);
        }
    }

    /// @dev Leaves the contract as it was.
    function succeeds(bytes memory data) private returns (bool success) {
        uint256 before = vm.snapshotState();
        // solhint-disable-next-line avoid-low-level-calls
        (success,) = address(readingLog).call(data);
        vm.revertToState(before);
    }
}
