//! The fleet under a simulated clock, against scripted runners.

mod ending;
mod replacing;
mod starting;
mod world;
