// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a chain of the OP Stack knows of the chain below, in the storage where its nodes read it for the data fee.
contract L1Block {
    uint64 public number;
    uint64 public timestamp;
    uint256 public basefee;
    bytes32 public hash;
    uint64 public sequenceNumber;
    uint32 public blobBaseFeeScalar;
    uint32 public baseFeeScalar;
    bytes32 public batcherHash;
    uint256 public l1FeeOverhead;
    uint256 public l1FeeScalar;
    uint256 public blobBaseFee;

    function setPrices(uint256 basefee_, uint32 baseFeeScalar_) external {
        basefee = basefee_;
        baseFeeScalar = baseFeeScalar_;
    }
}

/// @notice Tells the data fee by the rule of Fjord, as if no byte could be compressed: the chain's own compresses first.
contract GasPriceOracle {
    L1Block private constant L1_BLOCK = L1Block(0x4200000000000000000000000000000000000015);
    int256 private constant COST_INTERCEPT = -42_585_600;
    int256 private constant COST_PER_BYTE = 836_500;
    int256 private constant MIN_SIZE = 100_000_000;
    uint256 private constant SIGNATURE_BYTES = 68;

    function getL1Fee(bytes calldata unsigned) external view returns (uint256) {
        int256 size = COST_INTERCEPT + COST_PER_BYTE * int256(unsigned.length + SIGNATURE_BYTES);
        if (size < MIN_SIZE) size = MIN_SIZE;
        uint256 price = uint256(L1_BLOCK.baseFeeScalar()) * 16 * L1_BLOCK.basefee()
            + uint256(L1_BLOCK.blobBaseFeeScalar()) * L1_BLOCK.blobBaseFee();
        return uint256(size) * price / 1e12;
    }
}
