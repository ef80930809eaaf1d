// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IReadingLog} from "./IReadingLog.sol";
import {Rfc9162} from "./Rfc9162.sol";

/// @title ReadingLog
/// @notice The one implementation of `IReadingLog`: any number of logs, none of which can touch another.
contract ReadingLog is IReadingLog {
    /// @dev `operator` and `size` share a slot: an anchor reads both and writes one. The root of the head is not kept
    /// twice; it is `roots[size]`. An open log is one whose operator is not zero.
    struct Log {
        address operator;
        uint64 size;
        address owner;
        address proposedOperator;
        address proposedOwner;
        bytes32 logKeyHash;
        mapping(uint64 size => bytes32 root) roots;
    }

    /// @dev RFC 9162 section 2.1.1: the root of an empty tree, here a known answer for the precompile.
    bytes32 private constant SHA256_OF_NOTHING = 0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855;

    mapping(bytes32 logId => Log log) private _logs;

    /// @notice The chain has no SHA-256 at address 2, without which no proof can be checked.
    error NoSha256Precompile();

    /// @notice Refuses to exist where proofs could not be checked.
    /// @dev A call to an address without code succeeds and returns nothing; the proofs would then run on stale memory.
    constructor() {
        if (sha256("") != SHA256_OF_NOTHING) revert NoSha256Precompile();
    }

    /// @inheritdoc IReadingLog
    function open(address operator, bytes32 logKeyHash) external returns (bytes32 logId) {
        if (operator == address(0)) revert ZeroOperator();
        logId = logIdOf(msg.sender, logKeyHash);
        Log storage log = _logs[logId];
        if (log.operator != address(0)) revert AlreadyOpen(logId);
        log.operator = operator;
        log.owner = msg.sender;
        log.logKeyHash = logKeyHash;
        emit Opened(logId, msg.sender, operator, logKeyHash);
    }

    /// @inheritdoc IReadingLog
    function anchor(bytes32 logId, uint64 size, bytes32 root, bytes32[] calldata consistencyProof) external {
        Log storage log = _logs[logId];
        (address operator, uint64 from) = (log.operator, log.size);
        if (msg.sender != operator) {
            if (operator == address(0)) revert UnknownLog(logId);
            revert NotOperator(logId, msg.sender, operator);
        }
        if (size <= from) revert SizeNotGrowing(logId, from, size);
        if (root == 0) revert ZeroRoot(logId, size);
        bool consistent = from == 0
            ? consistencyProof.length == 0
            : Rfc9162.verifyConsistency(from, log.roots[from], size, root, consistencyProof);
        if (!consistent) revert InvalidConsistencyProof(logId, from, size, root);
        log.size = size;
        log.roots[size] = root;
        emit Anchored(logId, size, root);
    }

    /// @inheritdoc IReadingLog
    function proposeOperator(bytes32 logId, address operator) external {
        _ownedLog(logId).proposedOperator = operator;
        emit OperatorProposed(logId, operator);
    }

    /// @inheritdoc IReadingLog
    function acceptOperator(bytes32 logId) external {
        Log storage log = _openLog(logId);
        if (msg.sender != log.proposedOperator) revert NotProposed(logId, msg.sender, log.proposedOperator);
        emit OperatorChanged(logId, log.operator, msg.sender);
        log.operator = msg.sender;
        delete log.proposedOperator;
    }

    /// @inheritdoc IReadingLog
    function proposeOwner(bytes32 logId, address owner) external {
        _ownedLog(logId).proposedOwner = owner;
        emit OwnerProposed(logId, owner);
    }

    /// @inheritdoc IReadingLog
    function acceptOwner(bytes32 logId) external {
        Log storage log = _openLog(logId);
        if (msg.sender != log.proposedOwner) revert NotProposed(logId, msg.sender, log.proposedOwner);
        emit OwnerChanged(logId, log.owner, msg.sender);
        log.owner = msg.sender;
        delete log.proposedOwner;
        if (log.proposedOperator != address(0)) {
            delete log.proposedOperator;
            emit OperatorProposed(logId, address(0));
        }
    }

    /// @inheritdoc IReadingLog
    function head(bytes32 logId) external view returns (uint64 size, bytes32 root) {
        Log storage log = _openLog(logId);
        size = log.size;
        root = log.roots[size];
    }

    /// @inheritdoc IReadingLog
    function verifyInclusion(bytes32 logId, uint64 size, uint64 index, bytes32 leafHash, bytes32[] calldata path)
        external
        view
        returns (bool included)
    {
        return Rfc9162.verifyInclusion(size, rootAt(logId, size), index, leafHash, path);
    }

    /// @inheritdoc IReadingLog
    function logOf(bytes32 logId)
        external
        view
        returns (address owner, address operator, address proposedOwner, address proposedOperator, bytes32 logKeyHash)
    {
        Log storage log = _openLog(logId);
        return (log.owner, log.operator, log.proposedOwner, log.proposedOperator, log.logKeyHash);
    }

    /// @inheritdoc IReadingLog
    function rootAt(bytes32 logId, uint64 size) public view returns (bytes32 root) {
        root = _logs[logId].roots[size];
        if (root == 0) revert UnknownSize(logId, size);
    }

    /// @inheritdoc IReadingLog
    function logIdOf(address opener, bytes32 logKeyHash) public view returns (bytes32 logId) {
        return keccak256(abi.encode(block.chainid, address(this), opener, logKeyHash));
    }

    function _openLog(bytes32 logId) private view returns (Log storage log) {
        log = _logs[logId];
        if (log.operator == address(0)) revert UnknownLog(logId);
    }

    function _ownedLog(bytes32 logId) private view returns (Log storage log) {
        log = _openLog(logId);
        if (msg.sender != log.owner) revert NotOwner(logId, msg.sender, log.owner);
    }
}
