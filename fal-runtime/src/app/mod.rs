//! What `#[app]` declares, with the app's type erased.

mod declaration;
mod instance;
pub(crate) mod lifecycle;
mod registry;
pub(crate) mod runner_index;
pub(crate) mod runner_phase;
mod settings;
mod setup;
mod traits;

pub use declaration::Declaration;
pub use instance::Instance;
pub use registry::{Block, Registered};
pub use settings::{AppOptions, Settings};
pub use setup::Setup;
pub use traits::{App, Shared};
