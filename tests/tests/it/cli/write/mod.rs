//! `km write`.

mod cas;
mod lost_response;
mod values;
