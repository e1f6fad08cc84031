//! sockudo-ws in two columns: its inner protocol, and its tokio stream.
//!
//! Features: the default ones (`permessage-deflate` among them, which nothing here negotiates). Its documentation
//! recommends the allocator mimalloc as well; all columns share one allocator, so that is left out.

pub(super) mod protocol;
pub(super) mod stream;

use ::sockudo_ws::Message;
use ::sockudo_ws::protocol::Role as TheirRole;

use super::{Failure, Received, Role};

fn role(role: Role) -> TheirRole {
    match role {
        Role::Client => TheirRole::Client,
        Role::Server => TheirRole::Server,
    }
}

fn seen(message: &Message) -> Result<Received<'_>, Failure> {
    match message {
        Message::Text(text) => Ok(Received::text(text)),
        Message::Binary(payload) => Ok(Received::binary(payload)),
        other => Err(format!("unexpected: {other:?}").into()),
    }
}
