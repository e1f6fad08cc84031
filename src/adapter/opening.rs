//! What the events of an opening handshake come to for whoever waits for its end.

use super::{Driver, Error};
use crate::event::Event;
use crate::upgrade::{HttpRequest, Request, Response};

/// A request that waits for the application's decision.
#[derive(Debug)]
pub(crate) enum Asked {
    Upgrade(Request),
    Http(HttpRequest),
}

impl Asked {
    pub(crate) fn request(&self) -> Option<&Request> {
        match self {
            Self::Upgrade(request) => Some(request),
            Self::Http(_) => None,
        }
    }

    pub(crate) fn http_request(&self) -> Option<&HttpRequest> {
        match self {
            Self::Upgrade(_) => None,
            Self::Http(request) => Some(request),
        }
    }
}

impl Driver {
    /// Server: whether there is a request, or never will be; nothing, if it is still awaited.
    pub(crate) fn asked(&self, event: Option<Event>) -> Option<Result<Asked, Error>> {
        match event {
            Some(Event::Request(request)) => Some(Ok(Asked::Upgrade(request))),
            Some(Event::HttpRequest(request)) => Some(Ok(Asked::Http(request))),
            event => self.no_opening(event),
        }
    }

    /// Client: whether the server has accepted, or never will; nothing, if its answer is still awaited.
    pub(crate) fn answered(&self, event: Option<Event>) -> Option<Result<Response, Error>> {
        match event {
            Some(Event::Open(response)) => Some(Ok(response)),
            Some(Event::Refused(response)) => Some(Err(Error::Refused(response))),
            event => self.no_opening(event),
        }
    }

    fn no_opening<T>(&self, event: Option<Event>) -> Option<Result<T, Error>> {
        match event {
            Some(Event::Closed(close)) => Some(Err(Error::Closed(close))),
            Some(_) => None,
            None => Some(Err(self.ended())),
        }
    }
}
