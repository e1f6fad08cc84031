//! Room for the rest of a large message, which is lent to whoever reads.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/open.rs"]
mod open;
#[path = "support/wire.rs"]
mod wire;

use bytes::BytesMut;
use counting::{allocations, live};
use open::upgraded;
use proptest::prelude::*;
use websocket_proto::{Config, Connection, Delivery, Event, Message, Role, Timestamp};
use wire::{frame, header, masked};

const NOW: Timestamp = Timestamp::from_nanos(0);

fn server() -> Connection {
    upgraded(Role::Server, Config::default())
}

/// What there is to hear, until `input` is empty.
fn hear(connection: &mut Connection, input: &mut BytesMut) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(event) = connection.poll_event(input, NOW) {
        match event {
            Event::Message(message) => messages.push(message),
            Event::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(input.is_empty());
    messages
}

/// As much of `bytes` as there is room for, taken from their front.
fn read(input: &mut BytesMut, bytes: &mut &[u8]) {
    let count = bytes.len().min(input.capacity());
    input.extend_from_slice(bytes.split_off(..count).unwrap());
}

/// Hears a message of which all but the beginning is read into room that is lent. Returns the buffer of the last read.
fn hear_in_lent_room(connection: &mut Connection, mut bytes: &[u8]) -> BytesMut {
    let mut input = BytesMut::with_capacity(16 * 1024);
    while !bytes.is_empty() {
        read(&mut input, &mut bytes);
        hear(connection, &mut input);
        assert!(connection.lend_room(&mut input) || bytes.is_empty());
    }
    input
}

#[test]
fn the_rest_of_a_message_that_fits_the_buffer_is_read_behind_its_beginning() {
    let mut server = server();
    let payload = vec![7; 16 * 1024];
    let bytes = frame(Role::Server, 0x82, &payload);
    let mut input = BytesMut::with_capacity(bytes.len() + 100);
    input.extend_from_slice(&bytes[..10_000]);
    let place = input[bytes.len() - payload.len()..].as_ptr();
    assert_eq!(hear(&mut server, &mut input), []);

    assert!(server.lend_room(&mut input));
    assert_eq!(input.capacity(), bytes.len() - 10_000, "for nothing that comes after it");
    input.extend_from_slice(&bytes[10_000..]);
    let messages = hear(&mut server, &mut input);
    assert_eq!(messages, [Message::from(payload)]);
    assert_eq!(messages[0].payload().as_ptr(), place);
    assert!(!server.lend_room(&mut input));
}

#[test]
fn a_large_message_moves_twice() {
    for first in [0x81, 0x82] {
        let mut server = server();
        let payload = vec![b'a'; 1 << 20];
        let bytes = frame(Role::Server, first, &payload);
        let mut rest = &bytes[..];
        let mut input = BytesMut::with_capacity(16 * 1024);
        read(&mut input, &mut rest);
        assert_eq!(hear(&mut server, &mut input), []);
        let (mut end, mut moves) = (input.as_ptr(), 0);
        while !rest.is_empty() {
            assert!(server.lend_room(&mut input));
            moves += usize::from(input.as_ptr() != end);
            assert!(input.capacity() <= 64 * 1024, "more than a cache holds");
            read(&mut input, &mut rest);
            end = input.as_ptr_range().end;
            let messages = hear(&mut server, &mut input);
            assert_eq!(messages.len(), usize::from(rest.is_empty()));
            assert!(messages.iter().all(|message| message.payload()[..] == payload));
        }
        assert_eq!(moves, 2);
    }
}

/// What was lent is not remembered as the size of a buffer, which decides on what is copied.
#[test]
fn what_was_lent_does_not_make_messages_after_it_small() {
    let mut server = server();
    let bytes = frame(Role::Server, 0x82, &vec![7; 1 << 20]);
    hear_in_lent_room(&mut server, &bytes);
    let mut input = BytesMut::with_capacity(16 * 1024);
    input.extend_from_slice(&frame(Role::Server, 0x82, &[7; 2000]));
    let kept = hear(&mut server, &mut input);
    assert_eq!(kept.len(), 1);
    assert!(!input.try_reclaim(16 * 1024), "it shares the buffer");
}

/// And the owner's buffers are seen also where they hold the rest of a message.
#[test]
fn a_kept_message_holds_no_buffer_that_was_filled_with_the_rest_of_another() {
    let mut server = server();
    let large = frame(Role::Server, 0x82, &[7; 70_000]);
    hear(&mut server, &mut BytesMut::from(&large[..10_000]));
    let mut input = BytesMut::from(&[&large[10_000..], &frame(Role::Server, 0x82, &[7; 2000])].concat()[..]);
    let capacity = input.capacity();
    let kept = hear(&mut server, &mut input);
    assert_eq!(kept.len(), 2);
    assert!(input.try_reclaim(capacity));
}

/// A buffer that a message filled goes back to its owner, but none that grew for a message.
#[test]
fn the_owner_does_not_go_on_in_what_a_message_took() {
    let mut server = server();
    let bytes = frame(Role::Server, 0x82, &vec![7; 1 << 20]);
    let mut input = hear_in_lent_room(&mut server, &bytes);
    assert!(!input.try_reclaim(1));

    let bytes = frame(Role::Server, 0x82, &[7; 16 * 1024]);
    let mut input = BytesMut::with_capacity(bytes.len());
    input.extend_from_slice(&bytes[..10_000]);
    hear(&mut server, &mut input);
    assert!(server.lend_room(&mut input));
    input.extend_from_slice(&bytes[10_000..]);
    hear(&mut server, &mut input);
    assert!(input.try_reclaim(bytes.len()));
}

/// A message that grew in fragments, and ended in room that was lent, does not keep what it grew to.
#[test]
fn a_kept_message_holds_none_of_the_room_it_did_not_need() {
    const MIB: usize = 1 << 20;
    let mut server = server();
    let mut send = |first: u8, len: usize, cut: usize| {
        let bytes = frame(Role::Server, first, &vec![7; len]);
        let mut messages = hear(&mut server, &mut BytesMut::from(&bytes[..cut.min(bytes.len())]));
        let mut rest = &bytes[cut.min(bytes.len())..];
        while !rest.is_empty() {
            let mut input = BytesMut::new();
            assert!(server.lend_room(&mut input));
            read(&mut input, &mut rest);
            messages.extend(hear(&mut server, &mut input));
        }
        messages
    };
    let before = live();
    send(0x02, MIB, usize::MAX);
    send(0x00, 1024, usize::MAX);
    let kept = send(0x80, 20 * 1024, 10_000);
    let len = kept[0].payload().len();
    assert_eq!(len, MIB + 21 * 1024);
    let held = live() - before;
    assert!(held <= (len + len / 4 + 1024) as isize, "{held} bytes for {len}");
}

#[test]
fn room_that_was_dropped_is_there_again() {
    let mut server = server();
    let bytes = frame(Role::Server, 0x82, &vec![7; 60_000]);
    let mut input = BytesMut::with_capacity(16 * 1024);
    let mut rest = &bytes[..];
    read(&mut input, &mut rest);
    hear(&mut server, &mut input);
    assert!(server.lend_room(&mut input));
    let (place, before) = (input.as_ptr(), allocations());
    input = BytesMut::new();
    assert!(server.lend_room(&mut input));
    assert_eq!((input.as_ptr(), input.capacity()), (place, rest.len()));
    assert_eq!(allocations(), before);
}

#[test]
fn where_there_is_nothing_to_lend_the_buffer_stays_as_it_is() {
    let mut chunks = Config::default();
    chunks.delivery = Delivery::Chunks;
    let large = frame(Role::Server, 0x82, &[7; 60_000]);
    let table = [
        ("nothing began", Config::default(), Vec::new()),
        ("a header in part", Config::default(), large[..5].to_vec()),
        ("a beginning that is too small", Config::default(), large[..1000].to_vec()),
        ("a fragment that is over", Config::default(), frame(Role::Server, 0x02, &[7; 60_000])),
        ("a message in chunks", chunks, large[..20_000].to_vec()),
        (
            "a control frame",
            Config::default(),
            [frame(Role::Server, 0x02, &[7; 60_000]), frame(Role::Server, 0x89, &[7; 100])[..50].to_vec()]
                .concat(),
        ),
    ];
    for (what, config, bytes) in table {
        let mut server = upgraded(Role::Server, config);
        let mut input = BytesMut::from(&bytes[..]);
        while server.poll_event(&mut input, NOW).is_some() {}
        let mut input = BytesMut::with_capacity(500);
        assert!(!server.lend_room(&mut input), "{what}");
        assert_eq!(input.capacity(), 500, "{what}");
    }
    let mut server = server();
    hear(&mut server, &mut BytesMut::from(&large[..20_000]));
    let mut input = BytesMut::from(&large[20_000..20_100]);
    assert!(!server.lend_room(&mut input), "it is not parsed yet");
    assert_eq!(input.len(), 100);
}

#[test]
fn room_is_lent_for_what_came_and_not_for_what_is_claimed() {
    let mut server = server();
    let mut came = 0;
    let before = live();
    let mut input = BytesMut::from(&header(Role::Server, 0x82, 16 << 20)[..]);
    while came < 4 << 20 {
        assert_eq!(hear(&mut server, &mut input), []);
        if !server.lend_room(&mut input) {
            input = BytesMut::with_capacity(4000);
        }
        let held = live() - before;
        assert!(held <= (8 * came + 16 * 1024) as isize, "of {came} bytes it holds {held}");
        let count = input.capacity().min(4000);
        input.extend_from_slice(&[7; 4000][..count]);
        came += count;
    }
    drop((input, server));
    assert!(live() <= before);
}

/// How the next piece is read.
#[derive(Clone, Copy, Debug)]
enum Into {
    Lent,
    /// A buffer of this size.
    Other(usize),
    /// Room was lent, but nothing was read into it.
    OtherAfterLent(usize),
}

fn into() -> impl Strategy<Value = Into> {
    prop_oneof![
        3 => Just(Into::Lent),
        1 => (1_usize..40_000).prop_map(Into::Other),
        1 => (1_usize..40_000).prop_map(Into::OtherAfterLent),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn wherever_it_is_read_the_messages_are_the_same(
        role in prop::sample::select(vec![Role::Client, Role::Server]),
        sizes in prop::collection::vec((any::<bool>(), 0_usize..200_000), 1..5),
        in_fragments: bool,
        reads in prop::collection::vec((into(), 1_usize..50_000), 1..40),
    ) {
        let text = "a ж 語 🙂 ";
        let mut bytes = Vec::new();
        let mut expected = Vec::new();
        for (is_text, size) in sizes {
            let payload = text.repeat(size / text.len()).into_bytes();
            let first = if is_text { 0x81 } else { 0x82 };
            if in_fragments {
                let (front, back) = payload.split_at(payload.len() / 2);
                bytes.extend(frame(role, first & 0x0f, front));
                bytes.extend(frame(role, 0x89, b"between"));
                bytes.extend(frame(role, 0x80, back));
            } else {
                bytes.extend(header(role, first, payload.len() as u64));
                bytes.extend(masked(role, &payload));
            }
            expected.push(if is_text {
                Message::from(String::from_utf8(payload).unwrap())
            } else {
                Message::from(payload)
            });
        }
        let mut connection = upgraded(role, Config::default());
        let mut messages = Vec::new();
        let mut input = BytesMut::new();
        let mut rest = &bytes[..];
        for (into, most) in reads.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            match into {
                Into::Lent => {
                    if !connection.lend_room(&mut input) {
                        input.reserve(16 * 1024);
                    }
                }
                Into::Other(size) => input = BytesMut::with_capacity(size),
                Into::OtherAfterLent(size) => {
                    connection.lend_room(&mut input);
                    input = BytesMut::with_capacity(size);
                }
            }
            let count = most.min(rest.len()).min(input.capacity());
            input.extend_from_slice(rest.split_off(..count).unwrap());
            messages.extend(hear(&mut connection, &mut input));
        }
        prop_assert!(messages == expected);
    }
}

#[cfg(feature = "tokio")]
mod over_tokio {
    use super::{Config, Event, Message, Role, frame, upgraded};

    use std::io::Result;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use websocket_proto::tokio::WebSocketStream;

    /// Gives at most 20,000 bytes a read, and notes where they went.
    struct Source {
        bytes: Vec<u8>,
        at: usize,
        places: Arc<Mutex<Vec<usize>>>,
    }

    impl AsyncRead for Source {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<Result<()>> {
            let count = buf.remaining().min(20_000).min(self.bytes.len() - self.at);
            buf.put_slice(&self.bytes[self.at..][..count]);
            self.at += count;
            self.places.lock().unwrap().push(buf.filled().as_ptr() as usize);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Source {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn the_adapter_reads_to_where_the_message_will_be() {
        let payload = vec![7; 120_000];
        let places = Arc::<Mutex<Vec<usize>>>::default();
        let source = Source { bytes: frame(Role::Server, 0x82, &payload), at: 0, places: places.clone() };
        let mut socket = WebSocketStream::new(source, upgraded(Role::Server, Config::default()));
        let Some(Event::Message(message)) = socket.next_event().await else { panic!("it is a message") };
        assert_eq!(message, Message::from(payload));
        let range = message.payload().as_ptr_range();
        let places = places.lock().unwrap();
        assert!(places.len() > 5);
        assert!(places[1..].iter().all(|place| (range.start as usize..range.end as usize).contains(place)));
    }
}
