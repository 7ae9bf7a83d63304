use std::any::TypeId;
use std::panic::Location;

use super::{App, Declaration};
use crate::Endpoint;

/// An app of this binary, as `#[app]` registers it.
#[derive(Debug)]
pub struct Registered(pub &'static Declaration);

inventory::collect!(Registered);

/// The endpoints of one `impl` block of an app.
#[derive(Debug)]
pub struct Block {
    app: fn() -> TypeId,
    endpoints: &'static [&'static Endpoint],
    place: &'static Location<'static>,
}

inventory::collect!(Block);

impl Block {
    /// The block that stands where this is called.
    #[track_caller]
    pub const fn of<A: App>(endpoints: &'static [&'static Endpoint]) -> Self {
        Self { app: TypeId::of::<A>, endpoints, place: Location::caller() }
    }

    /// The blocks of an app, by file and line: the linker gives them in an order of its own.
    pub(super) fn all(app: TypeId) -> Vec<&'static Self> {
        let mut blocks: Vec<&Self> = Vec::new();
        for block in inventory::iter::<Self>().filter(|block| (block.app)() == app) {
            // There are few: the code of a sort is the most that they would cost.
            let at = blocks.partition_point(|known| known.place <= block.place);
            blocks.insert(at, block);
        }
        blocks
    }

    pub(super) fn endpoints(&self) -> &'static [&'static Endpoint] {
        self.endpoints
    }
}
