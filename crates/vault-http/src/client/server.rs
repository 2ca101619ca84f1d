//! The server of a client.

use std::sync::Arc;

use http::{Method, Uri};

use super::leader::LeaderCache;
use super::server_status::ServerObserver;
use crate::address::Address;
use crate::error::{Error, ErrorKind};
use crate::request::Request;
use crate::traceparent::TraceparentSource;
use crate::transport::Transport;

/// The address of the server, the transport to it, its active node and its observed state.
pub(super) struct Server {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) address: Address,
    pub(super) leader: LeaderCache,
    pub(super) observer: ServerObserver,
    pub(super) traceparent: Option<TraceparentSource>,
}

impl Server {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        address: Address,
        traceparent: Option<TraceparentSource>,
    ) -> Self {
        Self {
            transport,
            address,
            leader: LeaderCache::default(),
            observer: ServerObserver::default(),
            traceparent,
        }
    }

    /// Returns the URI of `request` at the configured address.
    pub(super) fn uri(&self, request: &Request) -> Result<Uri, Error> {
        // The target of a CONNECT is not the path, and the response to a TRACE repeats the token.
        if matches!(request.method, Method::CONNECT | Method::TRACE) {
            let error = request.error(ErrorKind::Rejected).mark_not_executed();
            return Err(error.with_detail("the method is not supported"));
        }
        self.address.uri(&request.path, &request.query).map_err(|_| {
            request.error(ErrorKind::Rejected).with_detail("invalid URL").mark_not_executed()
        })
    }
}
