//! Masks that nobody can guess (RFC 6455 §10.3): each frame has its own, and all follow from the seed alone. That there is
//! a seed the type of the constructors says.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Buf;
use websocket_proto::{Agreement, ClientRequest, CloseFrame, Connection, Role, Timestamp};

use crate::quiet;

/// Takes all output of a client and gives the mask of each frame in it; the payload must be what it hides.
fn masks(client: &mut Connection, frames: usize, expected: &[u8]) -> Vec<[u8; 4]> {
    let mut output = client.output(Timestamp::default());
    let bytes = output.copy_to_bytes(output.remaining());
    let mut rest = &bytes[..];
    let mut masks = Vec::new();
    let mut payload = Vec::new();
    while let [_, len, after @ ..] = rest {
        assert!(len & 0x80 != 0, "a client masks every frame");
        let (mask, after) = after.split_first_chunk::<4>().unwrap();
        let (hidden, after) = after.split_at(usize::from(len & 0x7f));
        payload.extend(hidden.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        masks.push(*mask);
        rest = after;
    }
    assert_eq!((masks.len(), &payload[..]), (frames, expected));
    masks
}

/// All the masks of a life in which every kind of frame is sent.
fn all_masks(seed: [u8; 32]) -> Vec<[u8; 4]> {
    let mut config = quiet();
    config.max_outgoing_frame = 125;
    let now = Timestamp::default();
    let mut client = Connection::upgraded(Role::Client, Agreement::default(), Arc::new(config), seed, now);
    let mut found = Vec::new();
    for _ in 0..100 {
        client.send(vec![b'm'; 300]).unwrap();
        found.extend(masks(&mut client, 3, &[b'm'; 300]));
        client.send("").unwrap();
        found.extend(masks(&mut client, 1, b""));
        client.ping(b"ping").unwrap();
        found.extend(masks(&mut client, 1, b"ping"));
        client.pong(b"pong").unwrap();
        found.extend(masks(&mut client, 1, b"pong"));
    }
    client.close(CloseFrame::new(1000, "bye").unwrap(), now);
    found.extend(masks(&mut client, 1, b"\x03\xe8bye"));
    found
}

#[test]
fn every_frame_has_a_mask_of_its_own() {
    let all = all_masks([7; 32]);
    let distinct: HashSet<_> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (601, 601));
    // Every byte of the masks takes many values, and none stands in a fixed relation to the one before it.
    for place in 0..4 {
        let values: HashSet<u8> = all.iter().map(|mask| mask[place]).collect();
        assert!(values.len() > 200, "byte {place} takes {} values", values.len());
        let steps: HashSet<u8> =
            all.windows(2).map(|pair| pair[1][place].wrapping_sub(pair[0][place])).collect();
        assert!(steps.len() > 200, "byte {place} moves by {} steps", steps.len());
    }
}

#[test]
fn masks_follow_from_the_whole_seed() {
    let first = all_masks([7; 32]);
    assert_eq!(first, all_masks([7; 32]));
    let first: HashSet<_> = first.into_iter().collect();
    for place in 0..32 {
        let mut seed = [7; 32];
        seed[place] = 8;
        let others = all_masks(seed);
        assert!(others.iter().all(|mask| !first.contains(mask)), "byte {place} of the seed counts");
    }
}

#[test]
fn the_key_of_the_handshake_follows_from_the_seed() {
    let head = |seed| {
        let request = ClientRequest::new("a", "/").unwrap();
        let mut client = Connection::client(&request, Arc::new(quiet()), seed, Timestamp::default());
        let mut output = client.output(Timestamp::default());
        output.copy_to_bytes(output.remaining())
    };
    assert_eq!(head([1; 32]), head([1; 32]));
    let heads: HashSet<_> = (0..100).map(|seed| head([seed; 32])).collect();
    assert_eq!(heads.len(), 100, "no two connections have the same key");
}
