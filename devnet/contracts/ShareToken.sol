// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A token that keeps shares and shows what they are worth (stETH, aTokens): amounts are rounded to whole shares.
contract ShareToken {
    string public constant name = "Share";
    string public constant symbol = "SHR";
    uint8 public immutable decimals;
    /// What all shares are worth, and how many there are.
    uint256 public immutable pooled;
    uint256 public immutable total;
    /// Whether a transfer moves a share too many rather than one too few.
    bool public immutable roundsUp;
    mapping(address => uint256) public sharesOf;

    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(address owner, uint256 total_, uint256 pooled_, uint8 decimals_, bool roundsUp_) {
        decimals = decimals_;
        pooled = pooled_;
        total = total_;
        roundsUp = roundsUp_;
        sharesOf[owner] = total_;
    }

    function balanceOf(address account) public view returns (uint256) {
        return sharesOf[account] * pooled / total;
    }

    function allowance(address, address) external pure returns (uint256) {
        return 0;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        uint256 shares = (value * total + (roundsUp ? pooled - 1 : 0)) / pooled;
        sharesOf[msg.sender] -= shares;
        sharesOf[to] += shares;
        emit Transfer(msg.sender, to, value);
        return true;
    }
}
