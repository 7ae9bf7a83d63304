//! The fleet under a simulated clock, against scripted runners.

mod chance;
mod ending;
mod replacing;
mod rolling;
mod starting;
mod world;
