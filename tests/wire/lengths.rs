//! Every boundary of the three forms of a length: what is received whole, what is not the shortest form, and what is more than
//! anybody takes, in both roles.

use websocket_proto::{Cause, CloseCode, Event, Limit, Role, Violation};

use super::frames::{KEY, closing, frame, mask, other, read};
use super::pair::Endpoint;
use super::{NOW, ROLES, ended, open};

/// The first bytes of a frame whose length is written in this many bytes after the second, with the client's key.
fn header(sender: Role, first: u8, wide: usize, len: u64) -> Vec<u8> {
    let masked = if sender == Role::Client { 0x80 } else { 0 };
    let short_len = match wide {
        0 => len as u8,
        2 => 126,
        _ => 127,
    };
    let mut header = vec![first, masked | short_len];
    header.extend_from_slice(&len.to_be_bytes()[8 - wide..]);
    if sender == Role::Client {
        header.extend_from_slice(&KEY);
    }
    header
}

/// What a receiver makes of a header alone.
fn given_header(receiver: Role, wide: usize, len: u64) -> Endpoint {
    let mut endpoint = open(receiver);
    endpoint.receive(&header(other(receiver), 0x82, wide, len), NOW);
    endpoint
}

/// The Close frame that it wrote, and why.
fn failure(mut endpoint: Endpoint) -> (u16, Cause) {
    let [close] = &read(&endpoint.written)[..] else { panic!("{:?}", endpoint.written) };
    let code = u16::from_be_bytes(*close.payload.first_chunk().unwrap());
    let ended = ended(&mut endpoint);
    assert_eq!((ended.code(), ended.sent()), (CloseCode::ABNORMAL, Some(CloseCode::new(code))));
    (code, ended.cause())
}

#[test]
fn messages_at_every_boundary_arrive_whole() {
    let table = [(0, 0..=125), (2, 126..=130), (2, 253..=258), (2, 65_533..=65_535), (8, 65_536..=65_539)];
    for receiver in ROLES {
        for (wide, lengths) in table.clone() {
            for len in lengths {
                let payload: Vec<u8> = (0..len).map(|index| (index % 251) as u8).collect();
                let mut bytes = header(other(receiver), 0x82, wide, len);
                let key = if receiver == Role::Server { KEY } else { [0; 4] };
                bytes.extend(mask(&payload, key));
                // The next frame shows that this one ended where it should.
                bytes.extend(frame(other(receiver), 0x89, b"next"));
                let mut endpoint = open(receiver);
                endpoint.receive(&bytes, NOW);
                let [Event::Message(message), Event::Ping(next)] = &endpoint.events[..] else {
                    panic!("{len}: {:?}", endpoint.events)
                };
                assert_eq!((&message.payload()[..], &next[..]), (&payload[..], &b"next"[..]), "{len}");
            }
        }
    }
}

#[test]
fn every_16_bit_length_that_fits_in_7_bits_is_refused_and_no_other() {
    for receiver in ROLES {
        for len in 0..=u64::from(u16::MAX) {
            let endpoint = given_header(receiver, 2, len);
            if len <= 125 {
                assert_eq!(failure(endpoint), (1002, Cause::Violation(Violation::LengthNotMinimal)), "{len}");
            } else {
                assert_eq!(endpoint.written, [], "{len}");
            }
        }
    }
}

#[test]
fn a_64_bit_length_that_fits_in_16_bits_is_refused_before_its_payload() {
    let edges = (0..=256).chain((8..=16).flat_map(|bit| (1 << bit) - 2..=(1 << bit) + 1));
    for receiver in ROLES {
        for len in edges.clone().filter(|len| *len <= u64::from(u16::MAX)) {
            let endpoint = given_header(receiver, 8, len);
            assert_eq!(failure(endpoint), (1002, Cause::Violation(Violation::LengthNotMinimal)), "{len}");
        }
        for len in 65_536..=65_600 {
            assert_eq!(given_header(receiver, 8, len).written, [], "{len}");
        }
    }
}

#[test]
fn a_length_with_its_highest_bit_set_is_refused_whatever_the_rest_says() {
    for receiver in ROLES {
        for low in (0..63).map(|bit| 1 << bit).chain([0, 5, u64::from(u16::MAX), u64::MAX >> 1]) {
            let endpoint = given_header(receiver, 8, 1 << 63 | low);
            assert_eq!(failure(endpoint), (1002, Cause::Violation(Violation::LengthOverflow)), "{low:#x}");
        }
    }
}

#[test]
fn no_length_is_cut_to_32_bits() {
    // Cut to 32 bits, each of these would be a length that is taken.
    let small = [0, 1, 5, 125, 126, 65_535, 65_536, 1 << 20];
    let multiples =
        (32..63).map(|bit| 1_u64 << bit).chain([(1 << 63) - (1 << 32), 3 << 32, 0x7fff_0000 << 32]);
    for multiple in multiples {
        for len in small.map(|small| multiple | small) {
            for receiver in ROLES {
                let (code, cause) = failure(given_header(receiver, 8, len));
                assert_eq!(code, 1009, "{len:#x}");
                assert!(matches!(cause, Cause::Limit(Limit::MessageSize(_))), "{len:#x}: {cause}");
            }
        }
    }
}

#[test]
fn a_continuation_cannot_overflow_what_was_counted_before() {
    for receiver in ROLES {
        for len in [(1 << 63) - 1, (1 << 32) - 5, (1 << 32) - 4] {
            let mut endpoint = open(receiver);
            endpoint.receive(&frame(other(receiver), 0x02, b"12345"), NOW);
            endpoint.receive(&header(other(receiver), 0x80, 8, len), NOW);
            let (code, cause) = failure(endpoint);
            assert_eq!(code, 1009, "{len:#x}");
            assert!(matches!(cause, Cause::Limit(Limit::MessageSize(_))), "{len:#x}: {cause}");
        }
    }
}

#[test]
fn an_endpoint_writes_lengths_in_their_shortest_form() {
    for sender in ROLES {
        for (len, short_len) in
            [(0, 0), (1, 1), (125, 125), (126, 126), (127, 126), (65_535, 126), (65_536, 127), (65_537, 127)]
        {
            let mut endpoint = open(sender);
            endpoint.connection.send(vec![7; len]).unwrap();
            endpoint.run(NOW);
            let [frame] = &read(&endpoint.written)[..] else { panic!("one frame") };
            assert_eq!((frame.first, frame.short_len, frame.payload.len()), (0x82, short_len, len));
        }
        let mut endpoint = open(sender);
        endpoint.connection.ping(&[7; 125]).unwrap();
        endpoint.connection.close(websocket_proto::CloseFrame::new(1000, "r".repeat(123)).unwrap(), NOW);
        endpoint.run(NOW);
        let frames = read(&endpoint.written);
        assert_eq!(frames.iter().map(|frame| frame.short_len).collect::<Vec<_>>(), [125, 125]);
        assert_eq!(frames[1].payload, closing(1000, &[b'r'; 123]));
    }
}
