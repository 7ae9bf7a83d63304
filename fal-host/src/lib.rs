//! Keeps runner processes alive and healthy, and sends them requests.

mod address;
mod id;
mod proxy;

pub use address::Address;
pub use id::RunnerId;
