/** The contract broken on purpose, one line at a time: what the forge tests must notice, and an auditor can try. */

export interface Mutant {
  /** What the broken contract does. */
  readonly name: string;
  /** The source, beside contracts/README.md. */
  readonly file: 'ReadingLog.sol' | 'Rfc9162.sol';
  /** Stands in the source once. */
  readonly find: string;
  readonly replace: string;
}

type Row = readonly [name: string, find: string, replace: string];

const READING_LOG: readonly Row[] = [
  ['anybody anchors', 'if (msg.sender != operator) {', 'if (operator == address(0)) {'],
  [
    'the owner anchors as well',
    'if (msg.sender != operator) {',
    'if (msg.sender != operator && msg.sender != log.owner) {',
  ],
  [
    'the proposed operator anchors before accepting',
    'if (msg.sender != operator) {',
    'if (msg.sender != operator && msg.sender != log.proposedOperator) {',
  ],
  ['the same size is anchored again', 'if (size <= from) revert', 'if (size < from) revert'],
  ['a smaller size is anchored', 'if (size <= from) revert', 'if (size == from) revert'],
  [
    'a root of zero is anchored',
    'if (root == 0) revert ZeroRoot',
    'if (root == 0 && size == 0) revert ZeroRoot',
  ],
  ['the proof of a first anchor is not looked at', '? consistencyProof.length == 0', '? true'],
  ['no proof is looked at', 'if (!consistent) revert', 'if (!consistent && size == 0) revert'],
  ['small logs need no proof', 'bool consistent = from == 0', 'bool consistent = from < 8'],
  ['the size is not kept', 'log.size = size;', 'if (from == 0) log.size = size;'],
  ['the root is not kept', 'log.roots[size] = root;', 'if (from == 0) log.roots[size] = root;'],
  [
    'the root before is overwritten',
    'log.roots[size] = root;',
    'log.roots[size] = root; log.roots[from] = root;',
  ],
  ['old roots are forgotten', 'log.roots[size] = root;', 'log.roots[size] = root; delete log.roots[from];'],
  [
    'the root is written to another log too',
    'log.roots[size] = root;',
    'log.roots[size] = root; _logs[bytes32(uint256(logId) ^ 1)].roots[size] = root;',
  ],
  ['an anchor is not told', 'emit Anchored(logId, size, root);', ''],
  [
    'an anchor is told with the size before',
    'emit Anchored(logId, size, root);',
    'emit Anchored(logId, from, root);',
  ],
  ['a log is opened again', 'if (log.operator != address(0)) revert AlreadyOpen(logId);', ''],
  ['a log is opened without an operator', 'if (operator == address(0)) revert ZeroOperator();', ''],
  [
    'an identifier can be taken by whoever is first',
    'logId = logIdOf(msg.sender, logKeyHash);',
    'logId = logIdOf(address(0), logKeyHash);',
  ],
  [
    'an identifier holds on every chain',
    'abi.encode(block.chainid, address(this), opener',
    'abi.encode(address(this), opener',
  ],
  [
    'an identifier holds in every contract',
    'abi.encode(block.chainid, address(this), opener',
    'abi.encode(block.chainid, opener',
  ],
  [
    'anybody accepts the operation',
    'if (msg.sender != log.proposedOperator) revert',
    'if (log.proposedOperator == address(0)) revert',
  ],
  [
    'anybody accepts the ownership',
    'if (msg.sender != log.proposedOwner) revert',
    'if (log.proposedOwner == address(0)) revert',
  ],
  [
    'an accepted operator stays proposed',
    'log.operator = msg.sender;\n        delete log.proposedOperator;',
    'log.operator = msg.sender;',
  ],
  [
    'an accepted owner stays proposed',
    'log.owner = msg.sender;\n        delete log.proposedOwner;',
    'log.owner = msg.sender;',
  ],
  [
    'an operator whom the owner before proposed may still accept',
    'if (log.proposedOperator != address(0)) {',
    'if (log.owner == address(0)) {',
  ],
  ['a lapsed proposal is not told', 'emit OperatorProposed(logId, address(0));', ''],
  [
    'the operator changes in one step',
    '_ownedLog(logId).proposedOperator = operator;',
    '_ownedLog(logId).operator = operator;',
  ],
  [
    'the owner changes in one step',
    '_ownedLog(logId).proposedOwner = owner;',
    '_ownedLog(logId).owner = owner;',
  ],
  [
    'the operator proposes as well',
    'if (msg.sender != log.owner) revert',
    'if (msg.sender != log.owner && msg.sender != log.operator) revert',
  ],
  ['anybody proposes', 'if (msg.sender != log.owner) revert', 'if (log.owner == address(0)) revert'],
  ['a size never anchored has a root', 'if (root == 0) revert UnknownSize(logId, size);', ''],
  [
    'ether is taken',
    '    /// @inheritdoc IReadingLog\n    function open(',
    '    receive() external payable {}\n\n    /// @inheritdoc IReadingLog\n    function open(',
  ],
  [
    'a call of no function is taken',
    '    /// @inheritdoc IReadingLog\n    function open(',
    '    fallback() external {}\n\n    /// @inheritdoc IReadingLog\n    function open(',
  ],
  [
    'it stands where there is no SHA-256',
    'if (sha256("") != SHA256_OF_NOTHING) revert',
    'if (SHA256_OF_NOTHING == 0) revert',
  ],
];

const CONSISTENCY_END = 'valid := and(valid, and(iszero(sn), and(eq(fr, fromRoot), eq(sr, toRoot))))';
const INCLUSION_END = 'valid := and(valid, and(iszero(sn), eq(r, root)))';
const LOOP = `            for {} lt(next, end) { next := add(next, 32) } {
                if iszero(sn) {`;
const CLIMB = 'for {} iszero(or(and(fn, 1), iszero(fn))) {} {';
const SIBLING = 'switch or(and(fn, 1), eq(fn, sn))\n                case 0 {\n                    ';
/** The start of a node, as it stands before the two loops. */
const NODE = `let node := mload(0x40)
            let left := add(node, 1)
            let right := add(node, 33)
            mstore8(node, 1)

            // Step`;
const INCLUSION_STEP = `                    calldatacopy(left, next, 32)
                    mstore(right, r)
`;
const RFC_9162: readonly Row[] = [
  [
    'the old root is not compared',
    CONSISTENCY_END,
    CONSISTENCY_END.replace('eq(fr, fromRoot)', 'eq(fromRoot, fromRoot)'),
  ],
  [
    'the new root is not compared',
    CONSISTENCY_END,
    CONSISTENCY_END.replace('eq(sr, toRoot)', 'eq(toRoot, toRoot)'),
  ],
  ['a consistency proof may be too short', CONSISTENCY_END, CONSISTENCY_END.replace('iszero(sn)', '1')],
  [
    'what went wrong in the loop is forgotten',
    CONSISTENCY_END,
    CONSISTENCY_END.replace('and(valid, ', 'and(1, '),
  ],
  [
    'only the low 32 bits of a size count',
    'let sn := sub(toSize, 1)',
    'let sn := and(sub(toSize, 1), 0xffffffff)',
  ],
  ['the old size is off by one', 'let fn := sub(fromSize, 1)', 'let fn := fromSize'],
  ['the right edge of the old tree is not skipped', 'for {} and(fn, 1) {} {', 'for {} 0 {} {'],
  ['every old tree is taken for complete', 'if and(fn, fromSize) {', 'if 0 {'],
  ['no old tree is taken for complete', 'if and(fn, fromSize) {', 'if 1 {'],
  ['nodes are hashed as leaves', `${NODE} 6`, `${NODE} 6`.replace('mstore8(node, 1)', 'mstore8(node, 0)')],
  [
    'a consistency proof may be too long',
    `// Step 6.\n${LOOP}`,
    `// Step 6.\n${LOOP.replace('iszero(sn)', '0')}`,
  ],
  [
    'an old tree on the right edge is not seen',
    `${SIBLING}mstore(left, sr)`,
    `${SIBLING}mstore(left, sr)`.replace('eq(fn, sn)', '0'),
  ],
  [
    'levels without a sibling are not skipped',
    `sr := mload(0)\n                    ${CLIMB}`,
    'sr := mload(0)\n                    for {} 0 {} {',
  ],
  [
    'old nodes are hashed the wrong way round',
    'mstore(right, fr)',
    'calldatacopy(right, next, 32)\n                    mstore(left, fr)',
  ],
  ['memory of the caller is overwritten', `${NODE} 6`, `${NODE} 6`.replace('mload(0x40)', '0x80')],
  [
    'memory of the caller is overwritten by an inclusion proof',
    `${NODE} 4`,
    `${NODE} 4`.replace('mload(0x40)', '0x80'),
  ],
  [
    'an inclusion proof may be too long',
    `// Step 4.\n${LOOP}`,
    `// Step 4.\n${LOOP.replace('iszero(sn)', '0')}`,
  ],
  [
    'a leaf on the right edge is not seen',
    `${SIBLING}mstore(left, r)`,
    `${SIBLING}mstore(left, r)`.replace('eq(fn, sn)', '0'),
  ],
  [
    'levels without a sibling are not skipped for a leaf',
    `mstore(right, r)\n                    ${CLIMB}`,
    'mstore(right, r)\n                    for {} 0 {} {',
  ],
  ['a leaf may be beyond the tree', 'valid := lt(index, size)', 'valid := 1'],
  [
    'the root of an inclusion proof is not compared',
    INCLUSION_END,
    INCLUSION_END.replace('eq(r, root)', 'eq(root, root)'),
  ],
  ['an inclusion proof may be too short', INCLUSION_END, INCLUSION_END.replace('iszero(sn)', '1')],
  [
    'a left sibling is taken for a right one',
    INCLUSION_STEP,
    INCLUSION_STEP.replace('(left, next', '(right, next').replace('(right, r)', '(left, r)'),
  ],
  ['only the low 32 bits of an index count', 'let fn := index', 'let fn := and(index, 0xffffffff)'],
];

const of =
  (file: Mutant['file']) =>
  ([name, find, replace]: Row): Mutant => ({ name, file, find, replace });

export const MUTANTS: readonly Mutant[] = [
  ...READING_LOG.map(of('ReadingLog.sol')),
  ...RFC_9162.map(of('Rfc9162.sol')),
];

/** The source with the mutant in it. @throws RangeError unless what it replaces stands there once. */
export function mutate(source: string, { name, find, replace }: Mutant): string {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new RangeError(`${name}: stands ${parts.length - 1} times in the source: ${find}`);
  return parts.join(replace);
}
