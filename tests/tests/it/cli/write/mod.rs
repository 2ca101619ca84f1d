//! `km write`.

mod cas;
mod lost_response;
mod other_fields;
mod values;
