//! Hooks: a command or a URL that gets the events that an operator should know (S86b).

mod command;
mod delivery;
mod destination;
mod pace;
mod post;
mod queue;
mod thread;

pub(super) use self::destination::EventHook;
pub(super) use self::thread::HookThread;
