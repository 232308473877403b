// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// An ERC-20 that keeps a part of every transfer: what arrives is less than what leaves.
contract FeeToken {
    string public constant name = "Fee";
    string public constant symbol = "FEE";
    uint8 public constant decimals = 6;
    uint256 public immutable feePercent;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(uint256 supply, address owner, uint256 feePercent_) {
        feePercent = feePercent_;
        totalSupply = supply;
        balanceOf[owner] = supply;
        emit Transfer(address(0), owner, supply);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        uint256 fee = value * feePercent / 100;
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value - fee;
        balanceOf[address(this)] += fee;
        emit Transfer(msg.sender, to, value - fee);
        emit Transfer(msg.sender, address(this), fee);
        return true;
    }
}
