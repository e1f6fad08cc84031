//! The little of a `ws://` URL that the example clients need.

use std::str::FromStr;

use websocket_proto::{ClientRequest, InvalidHead};

/// A URL such as `ws://127.0.0.1:9002/path?query`.
#[derive(Clone, Debug)]
pub(crate) struct WsUrl {
    /// With the port, if there is one.
    pub(crate) host: String,
    target: String,
}

impl WsUrl {
    /// What to resolve and connect to: the host with its port.
    pub(crate) fn address(&self) -> String {
        // Only an IPv6 address has colons beside that of the port, and it ends in a bracket.
        let has_port = self.host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        if has_port { self.host.clone() } else { format!("{}:80", self.host) }
    }

    /// The request for this URL.
    pub(crate) fn request(&self) -> Result<ClientRequest, InvalidHead> {
        ClientRequest::new(&self.host, &self.target)
    }
}

impl FromStr for WsUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("ws://").ok_or("it does not begin with ws://")?;
        let (host, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        let mut url = Self { host: host.to_owned(), target };
        url.request().map_err(|error| error.to_string())?;
        // An empty port is none, here as in browsers.
        if url.host.ends_with(':') {
            url.host.pop();
        }
        Ok(url)
    }
}
