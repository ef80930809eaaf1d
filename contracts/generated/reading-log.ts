// Written by contracts/compile.ts from the Solidity sources; not to be edited.

/** ABI of ReadingLog. */
export const READING_LOG_ABI = [
  {
    "inputs": [],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      }
    ],
    "name": "AlreadyOpen",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "uint64",
        "name": "from",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "size",
        "type": "uint64"
      },
      {
        "internalType": "bytes32",
        "name": "root",
        "type": "bytes32"
      }
    ],
    "name": "InvalidConsistencyProof",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NoSha256Precompile",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "address",
        "name": "caller",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "operator",
        "type": "address"
      }
    ],
    "name": "NotOperator",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "address",
        "name": "caller",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "owner",
        "type": "address"
      }
    ],
    "name": "NotOwner",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "address",
        "name": "caller",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "proposed",
        "type": "address"
      }
    ],
    "name": "NotProposed",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "uint64",
        "name": "current",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "size",
        "type": "uint64"
      }
    ],
    "name": "SizeNotGrowing",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      }
    ],
    "name": "UnknownLog",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "uint64",
        "name": "size",
        "type": "uint64"
      }
    ],
    "name": "UnknownSize",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroOperator",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "uint64",
        "name": "size",
        "type": "uint64"
      }
    ],
    "name": "ZeroRoot",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "size",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "root",
        "type": "bytes32"
      }
    ],
    "name": "Anchored",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "owner",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "address",
        "name": "operator",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "logKeyHash",
        "type": "bytes32"
      }
    ],
    "name": "Opened",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "previous",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "operator",
        "type": "address"
      }
    ],
    "name": "OperatorChanged",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "proposed",
        "type": "address"
      }
    ],
    "name": "OperatorProposed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "previous",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "owner",
        "type": "address"
      }
    ],
    "name": "OwnerChanged",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "proposed",
        "type": "address"
      }
    ],
    "name": "OwnerProposed",
    "type": "event"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      }
    ],
    "name": "acceptOperator",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      }
    ],
    "name": "acceptOwner",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "uint64",
        "name": "size",
        "type": "uint64"
      },
      {
        "internalType": "bytes32",
        "name": "root",
        "type": "bytes32"
      },
      {
        "internalType": "bytes32[]",
        "name": "consistencyProof",
        "type": "bytes32[]"
      }
    ],
    "name": "anchor",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      }
    ],
    "name": "head",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "size",
        "type": "uint64"
      },
      {
        "internalType": "bytes32",
        "name": "root",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "opener",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "logKeyHash",
        "type": "bytes32"
      }
    ],
    "name": "logIdOf",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      }
    ],
    "name": "logOf",
    "outputs": [
      {
        "internalType": "address",
        "name": "owner",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "operator",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "proposedOwner",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "proposedOperator",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "logKeyHash",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "operator",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "logKeyHash",
        "type": "bytes32"
      }
    ],
    "name": "open",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "address",
        "name": "operator",
        "type": "address"
      }
    ],
    "name": "proposeOperator",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "address",
        "name": "owner",
        "type": "address"
      }
    ],
    "name": "proposeOwner",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "uint64",
        "name": "size",
        "type": "uint64"
      }
    ],
    "name": "rootAt",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "root",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "logId",
        "type": "bytes32"
      },
      {
        "internalType": "uint64",
        "name": "size",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "index",
        "type": "uint64"
      },
      {
        "internalType": "bytes32",
        "name": "leafHash",
        "type": "bytes32"
      },
      {
        "internalType": "bytes32[]",
        "name": "path",
        "type": "bytes32[]"
      }
    ],
    "name": "verifyInclusion",
    "outputs": [
      {
        "internalType": "bool",
        "name": "included",
        "type": "bool"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  }
] as const;

/** Deployment code of ReadingLog, 0x-prefixed hex. */
export const READING_LOG_BYTECODE =
  '0x6080604052348015600f57600080fd5b506040517fe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85590600290602081600081855afa1580156051573d6000803e3d6000fd5b5050506040513d601f19601f82011682018060405250810190607291906093565b14608f576040516339abe75960e01b815260040160405180910390fd5b60ab565b60006020828403121560a457600080fd5b5051919050565b6110a8806100ba6000396000f3fe608060405234801561001057600080fd5b50600436106100c95760003560e01c80635ee07c2011610081578063930b6ace1161005b578063930b6ace146101d3578063eed96158146101e6578063f339e3b2146101f957600080fd5b80635ee07c201461019a57806388a1bb60146101ad5780638a0aa665146101c057600080fd5b806335c790d1116100b257806335c790d1146100f65780633db5ada71461011c5780635e5d16431461013f57600080fd5b806303ba33a4146100ce5780630d85eb49146100e3575b600080fd5b6100e16100dc366004610ed2565b61022c565b005b6100e16100f1366004610efe565b6102ab565b610109610104366004610f17565b61043b565b6040519081526020015b60405180910390f35b61012f61012a366004610fa5565b610495565b6040519015158152602001610113565b61015261014d366004610efe565b6104cd565b6040805173ffffffffffffffffffffffffffffffffffffffff96871681529486166020860152928516928401929092529092166060820152608081019190915260a001610113565b6100e16101a8366004610ed2565b610527565b6100e16101bb366004610efe565b6105a6565b6101096101ce366004610f17565b6106b1565b6101096101e136600461101d565b610806565b6100e16101f4366004611040565b610878565b61020c610207366004610efe565b610b6d565b6040805167ffffffffffffffff9093168352602083019190915201610113565b8061023683610bbd565b60030180547fffffffffffffffffffffffff00000000000000000000000000000000000000001673ffffffffffffffffffffffffffffffffffffffff9283161790556040519082169083907f74c7020e06186b367d894701f3191cd380d94af9d232575a5dc245b6007b6be190600090a35050565b60006102b682610c4e565b600381015490915073ffffffffffffffffffffffffffffffffffffffff16331461033c5760038101546040517fc5cefb0a0000000000000000000000000000000000000000000000000000000081526004810184905233602482015273ffffffffffffffffffffffffffffffffffffffff90911660448201526064015b60405180910390fd5b6001810154604051339173ffffffffffffffffffffffffffffffffffffffff169084907f06e9c07310f63759634ddbb7257dbb19ca404f90bd6bdef1d3386fab033cebce90600090a46001810180547fffffffffffffffffffffffff000000000000000000000000000000000000000090811633179091556003820180549091169055600281015473ffffffffffffffffffffffffffffffffffffffff1615610437576002810180547fffffffffffffffffffffffff000000000000000000000000000000000000000016905560405160009083907f88fbad3225a3fb415d213b68bfdc067c270fe5b94dfb5485f91515807cf31ff7908390a35b5050565b60408051466020820152309181019190915273ffffffffffffffffffffffffffffffffffffffff831660608201526080810182905260009060a0016040516020818303038152906040528051906020012090505b92915050565b60006104c28667ffffffffffffffff166104af8989610806565b8767ffffffffffffffff16878787610cad565b979650505050505050565b6000806000806000806104df87610c4e565b600181015481546003830154600284015460049094015473ffffffffffffffffffffffffffffffffffffffff9384169c9284169b509083169950919092169650945092505050565b8061053183610bbd565b60020180547fffffffffffffffffffffffff00000000000000000000000000000000000000001673ffffffffffffffffffffffffffffffffffffffff9283161790556040519082169083907f88fbad3225a3fb415d213b68bfdc067c270fe5b94dfb5485f91515807cf31ff790600090a35050565b60006105b182610c4e565b600281015490915073ffffffffffffffffffffffffffffffffffffffff1633146106325760028101546040517fc5cefb0a0000000000000000000000000000000000000000000000000000000081526004810184905233602482015273ffffffffffffffffffffffffffffffffffffffff9091166044820152606401610333565b8054604051339173ffffffffffffffffffffffffffffffffffffffff169084907fca740bd5cca56b72a44eb89e8a703e2e1269576576b5b5ce52a1ba317d20d78d90600090a480547fffffffffffffffffffffffff00000000000000000000000000000000000000009081163317825560029091018054909116905550565b600073ffffffffffffffffffffffffffffffffffffffff8316610700576040517f89961e9100000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b61070a338361043b565b600081815260208190526040902080549192509073ffffffffffffffffffffffffffffffffffffffff161561076e576040517f869d901000000000000000000000000000000000000000000000000000000000815260048101839052602401610333565b80547fffffffffffffffffffffffff000000000000000000000000000000000000000090811673ffffffffffffffffffffffffffffffffffffffff861690811783556001830180543393168317905560048301859055604080519182526020820186905284917f142947617f022060ac375fd9f1509060a2782af9ae960b1141549a1e60e881d8910160405180910390a35092915050565b60008281526020818152604080832067ffffffffffffffff851684526005019091528120549081900361048f576040517fb5d4f5900000000000000000000000000000000000000000000000000000000081526004810184905267ffffffffffffffff83166024820152604401610333565b6000858152602081905260409020805473ffffffffffffffffffffffffffffffffffffffff81169074010000000000000000000000000000000000000000900467ffffffffffffffff163382146109705773ffffffffffffffffffffffffffffffffffffffff8216610919576040517f3d199f1100000000000000000000000000000000000000000000000000000000815260048101899052602401610333565b6040517f393acab90000000000000000000000000000000000000000000000000000000081526004810189905233602482015273ffffffffffffffffffffffffffffffffffffffff83166044820152606401610333565b8067ffffffffffffffff168767ffffffffffffffff16116109d8576040517f719ef6800000000000000000000000000000000000000000000000000000000081526004810189905267ffffffffffffffff808316602483015288166044820152606401610333565b6000869003610a26576040517fdb0029d80000000000000000000000000000000000000000000000000000000081526004810189905267ffffffffffffffff88166024820152604401610333565b600067ffffffffffffffff821615610a685767ffffffffffffffff8083166000818152600587016020526040902054610a63928b168a8a8a610d6f565b610a6b565b84155b905080610ac6576040517fcec5a8a6000000000000000000000000000000000000000000000000000000008152600481018a905267ffffffffffffffff80841660248301528916604482015260648101889052608401610333565b83547fffffffff0000000000000000ffffffffffffffffffffffffffffffffffffffff167401000000000000000000000000000000000000000067ffffffffffffffff8a1690810291909117855560008181526005860160209081526040918290208a9055815192835282018990528a917fbea4d11b910aad40d2df2a90d97a3329219b6389f85777c99daad7eb5fafd439910160405180910390a2505050505050505050565b6000806000610b7b84610c4e565b805474010000000000000000000000000000000000000000900467ffffffffffffffff1660008181526005909201602052604090912054909590945092505050565b6000610bc882610c4e565b600181015490915073ffffffffffffffffffffffffffffffffffffffff163314610c495760018101546040517fa3221ef20000000000000000000000000000000000000000000000000000000081526004810184905233602482015273ffffffffffffffffffffffffffffffffffffffff9091166044820152606401610333565b919050565b6000818152602081905260409020805473ffffffffffffffffffffffffffffffffffffffff16610c49576040517f3d199f1100000000000000000000000000000000000000000000000000000000815260048101839052602401610333565b6000828260051b81018660018a03878b8a1095506040516001810160218201600183535b86881015610d545784610ce75760009850610d54565b60018616868614178015610d1f5760208984378482525b86156001881617610d1a578660011c96508560011c9550610cfe565b610d28565b84835260208983375b506020600060418560025afa8916985060005193508560011c95508460011c9450602088019750610cd1565b50505090159914989098169290921698975050505050505050565b600182600583901b81017fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff808a0190880189828c1615610db6575082841094506020840193355b805b6001841615610dd2578360011c93508260011c9250610db8565b6040516001810160218201600183535b87891015610e8e5785610df85760009950610e8e565b60018716878714178015610e5a5760208a84378582526020600060418660025afa8b169a5060005195508482526020600060418660025afa6000519b169a94505b87156001891617610e55578760011c97508660011c9650610e39565b610e76565b84835260208a83376020600060418660025afa6000519b169a94505b508660011c96508560011c9550602089019850610de2565b50505091159a149714969096169790971691909116979650505050505050565b803573ffffffffffffffffffffffffffffffffffffffff81168114610c4957600080fd5b60008060408385031215610ee557600080fd5b82359150610ef560208401610eae565b90509250929050565b600060208284031215610f1057600080fd5b5035919050565b60008060408385031215610f2a57600080fd5b610f3383610eae565b946020939093013593505050565b803567ffffffffffffffff81168114610c4957600080fd5b60008083601f840112610f6b57600080fd5b50813567ffffffffffffffff811115610f8357600080fd5b6020830191508360208260051b8501011115610f9e57600080fd5b9250929050565b60008060008060008060a08789031215610fbe57600080fd5b86359550610fce60208801610f41565b9450610fdc60408801610f41565b935060608701359250608087013567ffffffffffffffff811115610fff57600080fd5b61100b89828a01610f59565b979a9699509497509295939492505050565b6000806040838503121561103057600080fd5b82359150610ef560208401610f41565b60008060008060006080868803121561105857600080fd5b8535945061106860208701610f41565b935060408601359250606086013567ffffffffffffffff81111561108b57600080fd5b61109788828901610f59565b96999598509396509294939250505056';

/** keccak256 of the code that stands at the address of a deployed ReadingLog, 0x-prefixed hex. */
export const READING_LOG_CODE_HASH = '0x0cb955e703b06af7c6e3c7b3d2971ac81393ceba6f899f2e890879fa03557b3b';
