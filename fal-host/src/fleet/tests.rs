//! The fleet under a simulated clock, against scripted runners.

mod chance;
mod day;
mod ending;
mod first_pass;
mod give_up;
mod limits;
mod min_healthy;
mod ordering;
mod random_histories;
mod replacing;
mod rolling_restart;
mod scaling;
mod simulation;
mod snapshots;
mod spares;
mod stalls;
mod starting;
