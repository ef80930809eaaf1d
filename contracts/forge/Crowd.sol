// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReadingLog} from "../IReadingLog.sol";
import {ReadingLog} from "../ReadingLog.sol";
import {Footprint} from "./Footprint.sol";
import {History, Indexer} from "./History.sol";
import {Reference} from "./Reference.sol";
import {vm} from "./Vm.sol";

/// @dev Drives one ReadingLog with four accounts that open, anchor, forge, rotate and pay at random, says of each call
/// whether it must succeed or with which error it must not, and keeps its own account of what must have come of it.
contract Crowd {
    struct Claim {
        uint64 size;
        bytes32 root;
        bytes32[] proof;
    }

    bytes4 private constant DONE = 0;
    bytes4 private constant NO_REASON = 0xffffffff;
    uint256 private constant ACCOUNTS = 4;
    uint256 private constant MAX_LOGS = 6;
    uint64 private constant MAX_SIZE = 64;

    ReadingLog public immutable readingLog;
    Indexer public immutable indexer = new Indexer();
    /// @notice Ether that was forced upon the contract, which none can refuse.
    uint256 public forced;
    bytes32[] private _logIds;
    mapping(bytes32 logId => History history) private _expected;

    constructor(ReadingLog readingLog_) {
        readingLog = readingLog_;
    }

    /// @dev Everything that a call writes and emits is looked at.
    modifier watched() {
        vm.record();
        vm.recordLogs();
        _;
        indexer.read(vm.getRecordedLogs());
    }

    function open(uint256 who, uint256 operator, uint256 key) external watched {
        (address owner, bytes32 logKeyHash) = (account(who), bytes32(key % 3));
        bytes32 logId = readingLog.logIdOf(owner, logKeyHash);
        History storage log = _expected[logId];
        bool taken = log.operator != address(0);
        if (_logIds.length == MAX_LOGS && !taken) return;
        bytes4 refusal = attempt(owner, abi.encodeCall(IReadingLog.open, (account(operator), logKeyHash)));
        vm.assertEq(refusal, taken ? IReadingLog.AlreadyOpen.selector : DONE, "opening");
        if (taken) return;
        Footprint.assertWithin(address(readingLog), logId, Footprint.EVERYTHING);
        (log.owner, log.operator, log.logKeyHash) = (owner, account(operator), logKeyHash);
        _logIds.push(logId);
    }

    function anchor(uint256 which, uint64 growth) external watched {
        (bytes32 logId, Claim memory claim) = honestClaim(which, growth);
        if (logId == 0 || claim.size > MAX_SIZE) return;
        History storage log = _expected[logId];
        vm.assertEq(attemptAnchor(logId, log.operator, claim), DONE, "an honest anchor was refused");
        Footprint.assertAnchor(address(readingLog), logId, claim.size);
        log.sizes.push(claim.size);
        log.roots.push(claim.root);
    }

    /// @dev The owner, other logs' operators, who is proposed, a stranger: with a proof that is right.
    function anchorAsAnother(uint256 which, uint256 who, uint64 growth) external watched {
        (bytes32 logId, Claim memory claim) = honestClaim(which, growth);
        address caller = who % 5 == 4 ? address(this) : account(who);
        if (logId == 0 || caller == _expected[logId].operator) return;
        bytes4 refusal = attemptAnchor(logId, caller, claim);
        vm.assertEq(refusal, IReadingLog.NotOperator.selector, "somebody else anchored");
    }

    /// @dev No root; a hash too many or too few; one bit of the root or of a hash of the proof.
    function anchorForged(uint256 which, uint64 growth, uint256 fault, uint256 bit) external watched {
        (bytes32 logId, Claim memory claim) = honestClaim(which, growth);
        if (logId == 0) return;
        uint256 hashes = claim.proof.length;
        fault %= 4 + hashes;
        if (fault > 1 && hashes == 0) return; // Nothing comes before the first anchor that it could contradict.
        bytes4 reason = IReadingLog.InvalidConsistencyProof.selector;
        if (fault == 0) (claim.root, reason) = (bytes32(0), IReadingLog.ZeroRoot.selector);
        else if (fault == 1) claim.proof = Reference.prepend(claim.root, claim.proof);
        else if (fault == 2) claim.proof = Reference.reversed(Reference.reversed(claim.proof, hashes), hashes - 1);
        else if (fault == 3) claim.root ^= bytes32(1 << bit % 256);
        else claim.proof[fault - 4] ^= bytes32(1 << bit % 256);
        bytes4 refusal = attemptAnchor(logId, _expected[logId].operator, claim);
        vm.assertEq(refusal, reason, "a forged anchor was accepted");
    }

    /// @dev The size anchored last with another root, smaller ones, the head's own root under them, larger ones.
    function anchorOtherSize(uint256 which, uint64 growth, uint64 size, bool ownRoot) external watched {
        (bytes32 logId, Claim memory claim) = honestClaim(which, growth);
        if (logId == 0 || _expected[logId].sizes.length == 0) return;
        History storage log = _expected[logId];
        (uint64 from, bytes32 head) = headOf(log);
        claim.size = size % 2 == 0 ? from : size % 3 == 0 ? size : size % MAX_SIZE;
        if (ownRoot) (claim.root, claim.proof) = (head, new bytes32[](0));
        bytes4 reason = IReadingLog.SizeNotGrowing.selector;
        if (claim.size > from) {
            // A root does not say how many leaves it covers: by the RFC itself sizes of one shape pass for each other.
            if (Reference.verifyConsistency(from, head, claim.size, claim.root, claim.proof)) return;
            reason = IReadingLog.InvalidConsistencyProof.selector;
        }
        vm.assertEq(attemptAnchor(logId, log.operator, claim), reason, "another size was accepted");
    }

    /// @dev What is right for one log, sent to another.
    function anchorElsewhere(uint256 which, uint256 other, uint64 growth) external watched {
        (bytes32 source, Claim memory claim) = honestClaim(which, growth);
        if (source == 0) return;
        bytes32 logId = _logIds[other % _logIds.length];
        History storage log = _expected[logId];
        if (logId == source || log.sizes.length == 0) return;
        (uint64 from,) = headOf(log);
        bytes4 reason = claim.size > from
            ? IReadingLog.InvalidConsistencyProof.selector
            : IReadingLog.SizeNotGrowing.selector;
        vm.assertEq(attemptAnchor(logId, log.operator, claim), reason, "another log's anchor was accepted");
    }

    function proposeOperator(uint256 which, uint256 who, uint256 whom) external watched {
        if (_logIds.length == 0) return;
        (bytes32 logId, History storage log) = logAt(which);
        address caller = half(who, log.owner);
        address proposed = whom % 5 == 4 ? address(0) : account(whom);
        bytes4 refusal = attempt(caller, abi.encodeCall(IReadingLog.proposeOperator, (logId, proposed)));
        vm.assertEq(refusal, caller == log.owner ? DONE : IReadingLog.NotOwner.selector, "who may propose");
        Footprint.assertWithin(address(readingLog), logId, Footprint.ROLES);
        if (refusal == DONE) log.proposedOperator = proposed;
    }

    function proposeOwner(uint256 which, uint256 who, uint256 whom) external watched {
        if (_logIds.length == 0) return;
        (bytes32 logId, History storage log) = logAt(which);
        address caller = half(who, log.owner);
        address proposed = whom % 5 == 4 ? address(0) : account(whom);
        bytes4 refusal = attempt(caller, abi.encodeCall(IReadingLog.proposeOwner, (logId, proposed)));
        vm.assertEq(refusal, caller == log.owner ? DONE : IReadingLog.NotOwner.selector, "who may propose");
        Footprint.assertWithin(address(readingLog), logId, Footprint.ROLES);
        if (refusal == DONE) log.proposedOwner = proposed;
    }

    function acceptOperator(uint256 which, uint256 who) external watched {
        if (_logIds.length == 0) return;
        (bytes32 logId, History storage log) = logAt(which);
        address caller = half(who, log.proposedOperator);
        bool proposed = caller == log.proposedOperator;
        bytes4 refusal = attempt(caller, abi.encodeCall(IReadingLog.acceptOperator, (logId)));
        vm.assertEq(refusal, proposed ? DONE : IReadingLog.NotProposed.selector, "who may accept");
        Footprint.assertWithin(address(readingLog), logId, Footprint.ROLES);
        if (proposed) (log.operator, log.proposedOperator) = (caller, address(0));
    }

    function acceptOwner(uint256 which, uint256 who) external watched {
        if (_logIds.length == 0) return;
        (bytes32 logId, History storage log) = logAt(which);
        address caller = half(who, log.proposedOwner);
        bool proposed = caller == log.proposedOwner;
        bytes4 refusal = attempt(caller, abi.encodeCall(IReadingLog.acceptOwner, (logId)));
        vm.assertEq(refusal, proposed ? DONE : IReadingLog.NotProposed.selector, "who may accept");
        Footprint.assertWithin(address(readingLog), logId, Footprint.ROLES);
        if (!proposed) return;
        (log.owner, log.proposedOwner, log.proposedOperator) = (caller, address(0), address(0));
    }

    /// @dev Ether with nothing, with an unknown selector, and with each call that would succeed without.
    function pay(uint256 which, uint64 growth, uint256 how, bytes4 selector) external watched {
        (bytes32 logId, Claim memory claim) = honestClaim(which, growth);
        History storage log = _expected[logId];
        address payer = how % 5 == 3 ? log.operator : log.owner;
        bytes memory data = "";
        if (how % 5 == 1) data = abi.encodePacked(selector);
        if (how % 5 == 2) data = abi.encodeCall(IReadingLog.open, (payer, keccak256(abi.encode(how))));
        if (how % 5 == 3) data = abi.encodeCall(IReadingLog.anchor, (logId, claim.size, claim.root, claim.proof));
        if (how % 5 == 4) data = abi.encodeCall(IReadingLog.proposeOperator, (logId, payer));
        if (how % 5 > 1 && logId == 0) return;
        vm.deal(payer, 1 ether);
        vm.prank(payer);
        // solhint-disable-next-line avoid-low-level-calls
        (bool success,) = address(readingLog).call{value: 1}(data);
        vm.assertFalse(success, "ether was taken");
    }

    /// @dev A contract that ends itself in favour of the log's: no code of the beneficiary is asked.
    function force(uint64 amount) external watched {
        bytes memory code = abi.encodePacked(hex"73", address(readingLog), hex"ff");
        vm.deal(address(this), amount);
        address created;
        // solhint-disable-next-line no-inline-assembly
        assembly {
            created := create(amount, add(code, 32), mload(code))
        }
        vm.assertTrue(created != address(0), "the bomb went off");
        forced += amount;
    }

    function logIds() external view returns (bytes32[] memory) {
        return _logIds;
    }

    function expectedOf(bytes32 logId) external view returns (History memory) {
        return _expected[logId];
    }

    /// @notice The leaves of every log are its own: the i-th opened has those from i * 2^32 on.
    function firstLeafOf(uint256 which) public pure returns (uint256) {
        return which << 32;
    }

    function account(uint256 seed) public pure returns (address) {
        return address(uint160(0xacc000 + seed % ACCOUNTS));
    }

    /// @dev Every second time the one who may, where there is one.
    function half(uint256 who, address entitled) private pure returns (address) {
        return who % 2 == 0 && entitled != address(0) ? entitled : account(who / 2);
    }

    function attemptAnchor(bytes32 logId, address caller, Claim memory claim) private returns (bytes4) {
        return attempt(caller, abi.encodeCall(IReadingLog.anchor, (logId, claim.size, claim.root, claim.proof)));
    }

    /// @dev Whether the contract did it, or the error with which it did not.
    function attempt(address caller, bytes memory data) private returns (bytes4 refusal) {
        vm.prank(caller);
        // solhint-disable-next-line avoid-low-level-calls
        (bool success, bytes memory result) = address(readingLog).call(data);
        if (success) return DONE;
        return result.length < 4 ? NO_REASON : bytes4(result);
    }

    /// @dev What an honest operator would anchor next; no log id while there is no log.
    function honestClaim(uint256 which, uint64 growth) private view returns (bytes32 logId, Claim memory claim) {
        if (_logIds.length == 0) return (0, claim);
        uint256 first = firstLeafOf(which % _logIds.length);
        History storage log;
        (logId, log) = logAt(which);
        (uint64 from,) = headOf(log);
        claim.size = from + 1 + growth % 5;
        claim.root = Reference.mth(first, first + claim.size);
        if (from != 0) claim.proof = Reference.proveConsistency(first, from, claim.size, false);
    }

    function logAt(uint256 which) private view returns (bytes32 logId, History storage log) {
        logId = _logIds[which % _logIds.length];
        log = _expected[logId];
    }

    function headOf(History storage log) private view returns (uint64 size, bytes32 root) {
        uint256 anchors = log.sizes.length;
        if (anchors != 0) (size, root) = (log.sizes[anchors - 1], log.roots[anchors - 1]);
    }
}
