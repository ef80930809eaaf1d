// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReadingLog} from "../ReadingLog.sol";
import {Verifier} from "./Verifier.sol";
import {vm} from "./Vm.sol";

/// @dev What is tested: the contracts as they are compiled here, or those whose creation code the environment names.
library Subjects {
    function readingLog() internal returns (ReadingLog) {
        return ReadingLog(create(vm.envOr("READING_LOG_CODE", type(ReadingLog).creationCode)));
    }

    function verifier() internal returns (Verifier) {
        return Verifier(create(vm.envOr("VERIFIER_CODE", type(Verifier).creationCode)));
    }

    /// @dev As `new` does it, with the reason when there is one.
    function create(bytes memory code) private returns (address created) {
        // solhint-disable-next-line no-inline-assembly
        assembly {
            created := create(0, add(code, 32), mload(code))
            if iszero(created) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }
}
