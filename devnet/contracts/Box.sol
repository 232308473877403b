// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// Keeps one number and whatever is paid to it.
contract Box {
    uint256 public value;

    event Stored(address indexed by, uint256 value, uint256 paid);

    error Refused(uint256 value);

    function store(uint256 newValue) external payable {
        value = newValue;
        emit Stored(msg.sender, newValue, msg.value);
    }

    /// Always fails, for those who want to see a revert.
    function refuse(uint256 newValue) external payable {
        revert Refused(newValue);
    }

    receive() external payable {}
}
