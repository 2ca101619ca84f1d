//! Unit tests of the token machine: single events at chosen times, with a jitter of 0.5.

mod limits;
mod outage;
mod refused;
mod renewal;
mod revocation;
mod same_token;
mod scenario;
mod trial;
mod verify;
