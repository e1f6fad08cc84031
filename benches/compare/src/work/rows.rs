//! The list of rows.

use super::{
    Work,
    compressed::Compressed,
    echo::Echo,
    handshake::{Accept, Client, Connect},
    receive::{Content, Reads, Receive},
    send::{How, Send},
};
use crate::{
    grid::number,
    peers::{Compression, Role},
};

/// One row of the table.
pub(crate) struct Row {
    /// What `--row` takes.
    pub(crate) name: String,
    /// The head of the row.
    pub(crate) title: String,
    make: Box<dyn Fn() -> Box<dyn Work> + std::marker::Send + Sync>,
}

impl Row {
    fn new<W: Work + 'static>(
        name: String,
        title: String,
        make: impl Fn() -> W + std::marker::Send + Sync + 'static,
    ) -> Self {
        Self { name, title, make: Box::new(move || Box::new(make())) }
    }

    pub(crate) fn prepare(&self) -> Box<dyn Work> {
        (self.make)()
    }
}

/// To how many connections the broadcasts go: enough for a count, which is the same for each of them.
pub(crate) const COUNTED_CROWD: usize = 1_000;

/// For a time there are so many that they do not all lie in the CPU's caches.
pub(crate) const TIMED_CROWD: usize = 10_000;

/// All rows, in their order; broadcasts go to `crowd` connections.
pub(crate) fn rows(crowd: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for reads in [Reads::Frames(1), Reads::Bytes(16 * 1024)] {
        for content in [Content::Binary, Content::Ascii, Content::Mixed] {
            for size in [0, 16, 125, 1024, 16 * 1024, 64 * 1024, 1024 * 1024] {
                if size > 0 || content == Content::Binary {
                    rows.push(receive(content, size, reads));
                }
            }
        }
    }
    for role in [Role::Server, Role::Client] {
        for per_flush in [1, 16] {
            for size in [16, 125, 1024, 16 * 1024] {
                rows.push(send(role, size, per_flush));
            }
        }
    }
    rows.extend([echo(125, 1), echo(125, 16)]);
    rows.extend([accept(Client::Minimal), accept(Client::Browser)]);
    rows.push(Row::new("handshake-client".into(), "handshake, client".into(), Connect::new));
    rows.extend([broadcast(crowd, How::Plain), broadcast(crowd, How::Prepared)]);
    rows
}

/// The rows with compression, which are a part of their own.
pub(crate) fn compressed_rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for size in [1024, 16 * 1024] {
        for takeover in [false, true] {
            for level in [1, 6] {
                rows.push(compressed(size, Compression { level, takeover, window_bits: 15 }));
            }
        }
    }
    rows
}

fn compressed(size: usize, compression: Compression) -> Row {
    let Compression { level, takeover, .. } = compression;
    let (word, long) = if takeover { ("takeover", "context takeover") } else { ("alone", "no takeover") };
    Row::new(
        format!("deflate-{}-{word}-{level}", short(size)),
        format!("echo of {} of JSON, {long}, level {level}", spoken(size)),
        move || Compressed::new(size, compression),
    )
}

fn receive(content: Content, size: usize, reads: Reads) -> Row {
    let (word, long) = match content {
        Content::Binary => ("binary", "binary"),
        Content::Ascii => ("ascii", "ASCII text"),
        Content::Mixed => ("mixed", "mixed text"),
    };
    let (cut, read) = match reads {
        Reads::Frames(_) => ("frame", "one frame a read"),
        Reads::Bytes(_) => ("16k", "16 KiB reads"),
    };
    Row::new(
        format!("receive-{}-{word}-{cut}", short(size)),
        format!("receive {}, {long}, {read}", spoken(size)),
        move || Receive::new(content, size, reads),
    )
}

fn send(role: Role, size: usize, per_flush: usize) -> Row {
    let who = if role == Role::Server { "server" } else { "client" };
    let flush = if per_flush == 1 { "a flush each".to_owned() } else { format!("a flush per {per_flush}") };
    Row::new(
        format!("send-{who}-{}-{per_flush}", short(size)),
        format!("{who} sends {}, {flush}", spoken(size)),
        move || Send::new(role, size, per_flush),
    )
}

fn echo(size: usize, per_read: usize) -> Row {
    let read =
        if per_read == 1 { "one frame a read".to_owned() } else { format!("{per_read} frames a read") };
    Row::new(
        format!("echo-{}-{per_read}", short(size)),
        format!("echo of {}, {read}", spoken(size)),
        move || Echo::new(size, per_read),
    )
}

fn accept(client: Client) -> Row {
    let (word, long) = match client {
        Client::Minimal => ("minimal", "a minimal request"),
        Client::Browser => ("browser", "a browser's request"),
    };
    Row::new(format!("handshake-server-{word}"), format!("handshake, server, {long}"), move || {
        Accept::new(client)
    })
}

fn broadcast(crowd: usize, how: How) -> Row {
    let (word, long) = match how {
        How::Plain => ("plain", ""),
        How::Prepared => ("prepared", ", prepared"),
    };
    Row::new(
        format!("broadcast-{word}"),
        format!("server sends 1 KiB to {} connections, each{long}", number(crowd as f64, 0)),
        move || Send::broadcast(1024, crowd, how),
    )
}

fn short(size: usize) -> String {
    match size {
        0..1024 => size.to_string(),
        1024..1_048_576 => format!("{}k", size / 1024),
        _ => format!("{}m", size / 1_048_576),
    }
}

fn spoken(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{} KiB", size / 1024),
        _ => format!("{} MiB", size / 1_048_576),
    }
}
