// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title Append-only commitments to Merkle logs of signed readings
/// @notice Keeps, for every log, the root of each size that its operator anchored. A new root enters only with an
/// RFC 9162 consistency proof from the root before it, so nobody, the operator included, can take back, alter or
/// reorder what an earlier root covered.
/// @dev Trees are those of RFC 9162 section 2.1.1 with SHA-256: a leaf hash is SHA-256(0x00 || entry), a node hash
/// SHA-256(0x01 || left || right). Two roles: the owner appoints, the operator anchors. There is no administrator,
/// no upgrade, no pause, and no way to pay ether in.
interface IReadingLog {
    /// @notice A log was opened.
    /// @param logId The log's identifier, see `logIdOf`.
    /// @param owner Who opened it.
    /// @param operator Who may anchor.
    /// @param logKeyHash RFC 9679 thumbprint of the key that signs the log's receipts and checkpoints.
    event Opened(bytes32 indexed logId, address indexed owner, address operator, bytes32 logKeyHash);

    /// @notice A log has grown.
    /// @param logId The log.
    /// @param size Number of leaves that `root` covers; larger than any before.
    /// @param root RFC 9162 root hash over the first `size` leaves.
    event Anchored(bytes32 indexed logId, uint64 size, bytes32 root);

    /// @notice The owner proposed an operator; the present one keeps anchoring until the proposed one accepts.
    /// @param logId The log.
    /// @param proposed The proposed operator, or the zero address when a proposal was withdrawn.
    event OperatorProposed(bytes32 indexed logId, address indexed proposed);

    /// @notice The proposed operator accepted and is the operator from here on.
    /// @param logId The log.
    /// @param previous The operator until now.
    /// @param operator The operator from here on.
    event OperatorChanged(bytes32 indexed logId, address indexed previous, address indexed operator);

    /// @notice The owner proposed a new owner; nothing changes until that one accepts.
    /// @param logId The log.
    /// @param proposed The proposed owner, or the zero address when a proposal was withdrawn.
    event OwnerProposed(bytes32 indexed logId, address indexed proposed);

    /// @notice The proposed owner accepted and is the owner from here on.
    /// @param logId The log.
    /// @param previous The owner until now.
    /// @param owner The owner from here on.
    event OwnerChanged(bytes32 indexed logId, address indexed previous, address indexed owner);

    /// @notice No log has this identifier.
    error UnknownLog(bytes32 logId);

    /// @notice The caller has already opened a log for this key.
    error AlreadyOpen(bytes32 logId);

    /// @notice The zero address can be nobody's operator.
    error ZeroOperator();

    /// @notice Only `operator` may do this.
    error NotOperator(bytes32 logId, address caller, address operator);

    /// @notice Only `owner` may do this.
    error NotOwner(bytes32 logId, address caller, address owner);

    /// @notice Only `proposed` may accept; it is the zero address when nobody is proposed.
    error NotProposed(bytes32 logId, address caller, address proposed);

    /// @notice A log only ever grows: `size` must exceed `current`.
    error SizeNotGrowing(bytes32 logId, uint64 current, uint64 size);

    /// @notice Zero is the root of no tree. It would be indistinguishable from a size never anchored.
    error ZeroRoot(bytes32 logId, uint64 size);

    /// @notice The proof does not show that the log at `from` leaves is a prefix of `root` at `size` leaves.
    error InvalidConsistencyProof(bytes32 logId, uint64 from, uint64 size, bytes32 root);

    /// @notice No root of exactly this size was anchored.
    error UnknownSize(bytes32 logId, uint64 size);

    /// @notice Opens an empty log owned by the caller.
    /// @dev The identifier depends on the caller, so nobody can take it first. Reverts with `AlreadyOpen` when the
    /// caller has opened a log for this key before, and with `ZeroOperator`.
    /// @param operator Who may anchor.
    /// @param logKeyHash RFC 9679 SHA-256 thumbprint of the key that signs the log's receipts and checkpoints.
    /// @return logId The log's identifier, equal to `logIdOf(caller, logKeyHash)`.
    function open(address operator, bytes32 logKeyHash) external returns (bytes32 logId);

    /// @notice Commits the log to its first `size` leaves. Operator only.
    /// @dev Reverts with `UnknownLog`, `NotOperator`, `SizeNotGrowing`, `ZeroRoot` or `InvalidConsistencyProof`; nothing is
    /// stored then. A proof in the RFC's exact length is required: no node missing, none left over.
    /// @param logId The log.
    /// @param size Number of leaves; must exceed the size anchored last.
    /// @param root RFC 9162 root hash over the first `size` leaves; not zero.
    /// @param consistencyProof RFC 9162 section 2.1.4.1 proof from the size anchored last; empty for the first anchor.
    function anchor(bytes32 logId, uint64 size, bytes32 root, bytes32[] calldata consistencyProof) external;

    /// @notice Proposes another operator, who takes over by `acceptOperator`. Owner only.
    /// @dev Replaces an earlier proposal; the zero address withdraws it. Reverts with `UnknownLog` or `NotOwner`.
    /// @param logId The log.
    /// @param operator The proposed operator.
    function proposeOperator(bytes32 logId, address operator) external;

    /// @notice Makes the caller the operator. Only who was proposed last.
    /// @dev Reverts with `UnknownLog` or `NotProposed`.
    /// @param logId The log.
    function acceptOperator(bytes32 logId) external;

    /// @notice Proposes another owner, who takes over by `acceptOwner`. Owner only.
    /// @dev Replaces an earlier proposal; the zero address withdraws it. Reverts with `UnknownLog` or `NotOwner`.
    /// @param logId The log.
    /// @param owner The proposed owner.
    function proposeOwner(bytes32 logId, address owner) external;

    /// @notice Makes the caller the owner. Only who was proposed last.
    /// @dev An operator the previous owner proposed lapses: the new owner inherits no open invitation.
    /// Reverts with `UnknownLog` or `NotProposed`.
    /// @param logId The log.
    function acceptOwner(bytes32 logId) external;

    /// @notice The largest anchored size and its root.
    /// @dev Reverts with `UnknownLog`.
    /// @param logId The log.
    /// @return size Number of leaves; zero before the first anchor.
    /// @return root The root hash; zero before the first anchor.
    function head(bytes32 logId) external view returns (uint64 size, bytes32 root);

    /// @notice The root of a size that was anchored, however long ago.
    /// @dev Reverts with `UnknownSize` when exactly this size was never anchored.
    /// @param logId The log.
    /// @param size Number of leaves.
    /// @return root The root hash; never zero.
    function rootAt(bytes32 logId, uint64 size) external view returns (bytes32 root);

    /// @notice Whether a leaf is the `index`-th of an anchored tree (RFC 9162 section 2.1.3.2).
    /// @dev A wrong index, path, path length or leaf hash gives false. Reverts with `UnknownSize` when there is nothing
    /// to check against. Compute `leafHash` from the entry yourself; do not take it from whom you check.
    /// @param logId The log.
    /// @param size Number of leaves of an anchored tree.
    /// @param index Zero-based index of the leaf.
    /// @param leafHash SHA-256(0x00 || entry); the entry is the SHA-256 of the signed statement.
    /// @param path The inclusion proof, from the leaf upwards.
    /// @return included Whether the proof holds.
    function verifyInclusion(bytes32 logId, uint64 size, uint64 index, bytes32 leafHash, bytes32[] calldata path)
        external
        view
        returns (bool included);

    /// @notice Who may do what, and under which key the log signs.
    /// @dev Reverts with `UnknownLog`.
    /// @param logId The log.
    /// @return owner Who appoints the operator.
    /// @return operator Who may anchor.
    /// @return proposedOwner Who may accept the ownership; zero when nobody.
    /// @return proposedOperator Who may accept the operation; zero when nobody.
    /// @return logKeyHash RFC 9679 thumbprint of the key that signs the log's receipts and checkpoints.
    function logOf(bytes32 logId)
        external
        view
        returns (address owner, address operator, address proposedOwner, address proposedOperator, bytes32 logKeyHash);

    /// @notice The identifier of the log that `opener` opens, or has opened, for this key.
    /// @param opener The account that calls `open`; a later change of owner does not change the identifier.
    /// @param logKeyHash RFC 9679 thumbprint of the log's key.
    /// @return logId keccak256(abi.encode(chain id, this contract, opener, logKeyHash)).
    function logIdOf(address opener, bytes32 logKeyHash) external view returns (bytes32 logId);
}
