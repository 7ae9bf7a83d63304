//! Clients that speak HTTP/2 (S51).

mod budgets;
mod client;
mod cuts;
mod frames;
mod limits;
mod messages;
mod requests;
mod stopping;
