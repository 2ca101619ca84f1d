//! The cache from outside, on virtual time: one file per promise, one source that does as it is
//! told, and a model that says what a sequence of events has to answer.

#![cfg(test)]

mod bounds;
mod concurrent;
mod handles;
mod herds;
mod loading;
mod model;
mod outages;
mod priming;
mod races;
mod source;
mod staleness;
mod surface;
mod threads;
mod writes;
