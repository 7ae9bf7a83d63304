//! Clients that speak HTTP/2 (S51).

mod budgets;
mod client;
mod frames;
mod lengths;
mod limits;
mod requests;
mod stopping;
