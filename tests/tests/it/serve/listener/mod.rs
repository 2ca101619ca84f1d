//! The listener: sockets, connections, limits and the origin of requests.

mod connections;
mod limits;
mod origin;
mod socket;
mod socket_activation;
