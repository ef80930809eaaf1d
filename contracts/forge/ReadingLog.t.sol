// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReadingLog} from "../ReadingLog.sol";
import {Reference} from "./Reference.sol";
import {vm} from "./Vm.sol";

/// @dev Drives one ReadingLog with four accounts that open, anchor (honestly and not), propose and accept at random,
/// and keeps its own account of what must have come of it.
contract Crowd {
    struct Expected {
        bytes32 logId;
        address owner;
        address operator;
        address proposedOwner;
        address proposedOperator;
        uint64[] sizes;
        bytes32[] roots;
    }

    uint256 private constant ACCOUNTS = 4;
    uint256 private constant MAX_LOGS = 6;
    uint64 private constant MAX_SIZE = 64;

    ReadingLog public immutable readingLog;
    Expected[] private _expected;

    constructor(ReadingLog readingLog_) {
        readingLog = readingLog_;
    }

    function expectedLogs() external view returns (Expected[] memory) {
        return _expected;
    }

    function account(uint256 seed) public pure returns (address) {
        return address(uint160(0xacc000 + seed % ACCOUNTS));
    }

    function open(uint256 who, uint256 operator, uint256 key) external {
        if (_expected.length == MAX_LOGS) return;
        bytes32 logId = readingLog.logIdOf(account(who), bytes32(key % 3));
        bool taken = false;
        for (uint256 i = 0; i < _expected.length; i++) taken = taken || _expected[i].logId == logId;
        vm.prank(account(who));
        try readingLog.open(account(operator), bytes32(key % 3)) returns (bytes32 opened) {
            vm.assertFalse(taken, "a log was opened twice");
            vm.assertEq(opened, logId, "log id");
            Expected storage log = _expected.push();
            (log.logId, log.owner, log.operator) = (opened, account(who), account(operator));
        } catch {
            vm.assertTrue(taken, "a free log could not be opened");
        }
    }

    /// @dev fault 0 to 7: an honest anchor. Above: a flipped root, proof, a shortened or lengthened proof.
    function anchor(uint256 which, uint256 who, uint64 size, uint256 fault, uint256 bit) external {
        if (_expected.length == 0) return;
        Expected storage log = _expected[which % _expected.length];
        uint64 from = log.sizes.length == 0 ? 0 : log.sizes[log.sizes.length - 1];
        size = fault % 2 == 0 ? from + 1 + size % 5 : size % MAX_SIZE;
        if (size > MAX_SIZE) return;
        address caller = fault % 3 == 0 ? account(who) : log.operator;
        bytes32 root = size == 0 ? bytes32(0) : Reference.mth(0, size);
        // Without the rule that sizes grow, a head that is a power of two could be anchored again as a smaller size.
        if (size != 0 && size <= from && bit % 2 == 0) root = log.roots[log.roots.length - 1];
        bytes32[] memory proof =
            from == 0 || size <= from ? new bytes32[](0) : Reference.proveConsistency(from, size, false);
        bool tampered = false;
        (root, proof, tampered) = tamper(root, proof, fault % 12, bit % 256, from);

        vm.prank(caller);
        try readingLog.anchor(log.logId, size, root, proof) {
            vm.assertEq(caller, log.operator, "somebody else anchored");
            vm.assertTrue(size > from, "the log did not grow");
            vm.assertFalse(tampered, "a false proof was accepted");
            log.sizes.push(size);
            log.roots.push(root);
        } catch {
            vm.assertTrue(caller != log.operator || size <= from || tampered, "an honest anchor was refused");
        }
    }

    function propose(uint256 which, uint256 who, uint256 whom, bool owner) external {
        if (_expected.length == 0) return;
        Expected storage log = _expected[which % _expected.length];
        address caller = account(who);
        address proposed = whom % 5 == 4 ? address(0) : account(whom);
        bool done;
        vm.prank(caller);
        if (owner) {
            try readingLog.proposeOwner(log.logId, proposed) {
                (done, log.proposedOwner) = (true, proposed);
            } catch {}
        } else {
            try readingLog.proposeOperator(log.logId, proposed) {
                (done, log.proposedOperator) = (true, proposed);
            } catch {}
        }
        vm.assertTrue(done == (caller == log.owner), "who may propose");
    }

    function accept(uint256 which, uint256 who, bool owner) external {
        if (_expected.length == 0) return;
        Expected storage log = _expected[which % _expected.length];
        address caller = account(who);
        address proposed = owner ? log.proposedOwner : log.proposedOperator;
        bool done;
        vm.prank(caller);
        if (owner) {
            try readingLog.acceptOwner(log.logId) {
                (done, log.owner, log.proposedOwner, log.proposedOperator) = (true, caller, address(0), address(0));
            } catch {}
        } else {
            try readingLog.acceptOperator(log.logId) {
                (done, log.operator, log.proposedOperator) = (true, caller, address(0));
            } catch {}
        }
        vm.assertTrue(done == (caller == proposed), "who may accept");
    }

    /// @dev No call takes ether: neither a bare transfer, nor an unknown selector, nor a call that would succeed without.
    function pay(uint256 who, uint256 how, bytes4 selector) external {
        address payer = account(who);
        bytes memory open_ = abi.encodeCall(ReadingLog.open, (payer, keccak256(abi.encode(how))));
        bytes memory data = how % 3 == 0 ? bytes("") : how % 3 == 1 ? abi.encodePacked(selector) : open_;
        vm.deal(payer, 1 ether);
        vm.prank(payer);
        // solhint-disable-next-line avoid-low-level-calls
        (bool success,) = address(readingLog).call{value: 1}(data);
        vm.assertFalse(success, "ether was taken");
    }

    function tamper(bytes32 root, bytes32[] memory proof, uint256 fault, uint256 bit, uint64 from)
        private
        pure
        returns (bytes32, bytes32[] memory, bool)
    {
        bytes32 flip = bytes32(1 << bit);
        if (fault == 8 && from != 0) return (root ^ flip, proof, true);
        if (fault == 9 && proof.length != 0) {
            proof[bit % proof.length] ^= flip;
            return (root, proof, true);
        }
        if (fault == 10 && proof.length != 0) return (root, Reference.reversed(proof, proof.length - 1), true);
        if (fault == 11) return (root, Reference.prepend(root, proof), true);
        return (root, proof, false);
    }
}

/// @dev What holds after every call of any sequence.
contract ReadingLogInvariantTest {
    ReadingLog private readingLog;
    Crowd private crowd;

    function setUp() external {
        readingLog = new ReadingLog();
        crowd = new Crowd(readingLog);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(crowd);
    }

    function invariant_EveryAnchoredRootStaysReadable() external view {
        Crowd.Expected[] memory logs = crowd.expectedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            for (uint256 j = 0; j < logs[i].sizes.length; j++) {
                bytes32 root = readingLog.rootAt(logs[i].logId, logs[i].sizes[j]);
                vm.assertEq(root, logs[i].roots[j], "a root has changed");
            }
        }
    }

    function invariant_HeadIsTheLargestAnchoredSize() external view {
        Crowd.Expected[] memory logs = crowd.expectedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            (uint64 size, bytes32 root) = readingLog.head(logs[i].logId);
            uint256 anchors = logs[i].sizes.length;
            vm.assertEq(size, anchors == 0 ? 0 : logs[i].sizes[anchors - 1], "size of the head");
            vm.assertEq(root, anchors == 0 ? bytes32(0) : logs[i].roots[anchors - 1], "root of the head");
            for (uint256 j = 1; j < anchors; j++) vm.assertTrue(logs[i].sizes[j - 1] < logs[i].sizes[j], "order");
        }
    }

    /// @dev The account is kept per log: a call that touched another log as well would show here.
    function invariant_RolesChangeOnlyAsTheirHoldersSaid() external view {
        Crowd.Expected[] memory logs = crowd.expectedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            (address owner, address operator, address proposedOwner, address proposedOperator,) =
                readingLog.logOf(logs[i].logId);
            vm.assertEq(owner, logs[i].owner, "owner");
            vm.assertEq(operator, logs[i].operator, "operator");
            vm.assertEq(proposedOwner, logs[i].proposedOwner, "proposed owner");
            vm.assertEq(proposedOperator, logs[i].proposedOperator, "proposed operator");
        }
    }

    function invariant_HoldsNoEther() external view {
        vm.assertEq(address(readingLog).balance, 0, "ether was taken");
    }

    /// @dev A leaf of any anchored tree is provable under every later root.
    function invariant_EveryLeafStaysProvable() external view {
        Crowd.Expected[] memory logs = crowd.expectedLogs();
        if (logs.length == 0) return;
        Crowd.Expected memory log = logs[logs.length - 1];
        if (log.sizes.length == 0) return;
        uint64 index = log.sizes[0] - 1;
        for (uint256 j = 0; j < log.sizes.length; j += 4) {
            uint64 size = log.sizes[j];
            bytes32[] memory path = Reference.proveInclusion(index, size);
            bool included = readingLog.verifyInclusion(log.logId, size, index, Reference.leaf(index), path);
            vm.assertTrue(included, "a leaf can no longer be proven");
        }
    }
}
