//! Where something listens.
/// Where something listens.
#[derive(Clone, Debug)]
pub struct Address;
