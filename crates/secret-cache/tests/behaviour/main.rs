//! The cache from outside, on virtual time: one file per promise, one source that does as it is
//! told, and a model that says what a sequence of events has to answer.

#![cfg(test)]

mod bounds;
mod concurrent;
mod expiry;
mod freshness;
mod handles;
mod herds;
mod loading;
mod miss_path;
mod model;
mod outage;
mod outages;
mod priming;
mod queue;
mod races;
mod source;
mod staleness;
mod surface;
mod threads;
mod waiting;
mod writes;
