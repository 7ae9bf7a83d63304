//! Upgrades: the new version of the program takes over the sockets of the old one (S90 to S94).

mod hindrance;
mod messages;
mod standard_error;
mod successor;
mod takeover;
mod upgrades;

pub(super) use self::standard_error::{STANDARD_ERROR, restore as restore_standard_error};
pub(super) use self::takeover::Takeover;
pub(super) use self::upgrades::{Cancel, UpgradeSettings, Upgrades};

/// The name of the socket over which the two hosts speak with each other, among the inherited ones.
pub(super) const CHANNEL: &str = "upgrade";
