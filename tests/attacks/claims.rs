//! Headers that claim much: what they claim is judged in 64 bits, and never allocates.

use std::sync::Arc;

use websocket_proto::{Cause, CloseCode, Limit, Violation};

use crate::scale::Scale;
use crate::wire::{frame, header};
use crate::{ROLES, quiet, with_max_message, without_limits};

/// The largest length that a header may state.
const LONGEST: u64 = u64::MAX >> 1;

/// Around everything that a conversion could cut off or turn negative.
const CLAIMS: [u64; 12] = [
    16 << 20,
    (1 << 31) - 1,
    1 << 31,
    (1 << 31) + 1,
    (1 << 32) - 1,
    1 << 32,
    (1 << 32) + 1,
    (1 << 32) + 125,
    (1 << 33) - 1,
    1 << 62,
    LONGEST - 1,
    LONGEST,
];

#[test]
fn a_claim_within_the_limits_costs_what_has_come_of_it() {
    for role in ROLES {
        for claimed in CLAIMS {
            for first in [0x01, 0x81, 0x02, 0x82] {
                let mut scale = Scale::upgraded(role, &Arc::new(without_limits()));
                scale.feed(&header(role, first, claimed));
                assert_eq!(scale.most, 0, "a header alone, of {claimed} bytes");
                scale.feed(b"a");
                assert!(scale.most <= 64, "one byte of {claimed} takes {}", scale.most);
                scale.feed_in(100, &[b'a'; 1000]);
                assert!(scale.held <= 2 * 1001, "1001 bytes of {claimed} take {}", scale.held);
                scale.end_of_input();
                assert_eq!(scale.messages, 0);
                assert!(scale.held <= 0, "what never became a message is let go");
            }
        }
    }
}

#[test]
fn a_claim_beyond_the_limit_is_refused_by_its_header() {
    for role in ROLES {
        for max in [0, 1, 125, 126, 65_535, 65_536, (1 << 24) - 1] {
            let fits = max;
            for claimed in CLAIMS.into_iter().chain([fits + 1]) {
                let mut scale = Scale::upgraded(role, &Arc::new(with_max_message(max)));
                scale.feed(&header(role, 0x82, claimed));
                scale.end_of_input();
                let limit = Limit::MessageSize(max);
                let told = Some(CloseCode::MESSAGE_TOO_BIG);
                assert_eq!(scale.end, Some((Cause::Limit(limit), told)), "{claimed} bytes, {max} allowed");
            }
            let mut scale = Scale::upgraded(role, &Arc::new(with_max_message(max)));
            scale.feed(&header(role, 0x82, fits));
            scale.end_of_input();
            let (cause, _) = scale.end.unwrap();
            assert!(matches!(cause, Cause::EndOfStream(_)), "{fits} bytes are allowed: {cause}");
        }
    }
}

/// Where fragments add up, the sum is judged, and does not wrap around.
#[test]
fn the_sum_of_two_claims_is_judged() {
    for role in ROLES {
        for claimed in CLAIMS {
            let mut scale = Scale::upgraded(role, &Arc::new(with_max_message(1 << 20)));
            scale.feed(&frame(role, 0x02, &[0; 1000]));
            scale.feed(&header(role, 0x00, claimed));
            scale.end_of_input();
            let (cause, _) = scale.end.unwrap();
            assert_eq!(cause, Cause::Limit(Limit::MessageSize(1 << 20)), "{claimed} bytes");
        }
    }
}

#[test]
fn a_length_with_its_highest_bit_set_is_no_length() {
    for role in ROLES {
        for claimed in [LONGEST + 1, LONGEST + 126, u64::MAX - 1, u64::MAX] {
            let mut scale = Scale::upgraded(role, &Arc::new(without_limits()));
            scale.feed(&header(role, 0x82, claimed));
            scale.end_of_input();
            let told = Some(CloseCode::PROTOCOL_ERROR);
            assert_eq!(scale.end, Some((Cause::Violation(Violation::LengthOverflow), told)), "{claimed:#x}");
        }
    }
}

/// A frame meant for the other side.
#[test]
fn the_wrong_masking_is_refused_by_the_first_two_bytes() {
    let (client, server) = (ROLES[0], ROLES[1]);
    for (role, other, violation) in
        [(client, server, Violation::Masked), (server, client, Violation::Unmasked)]
    {
        for first in [0x01, 0x81, 0x82, 0x88, 0x89, 0x8a] {
            for bytes in [frame(other, first, b""), frame(other, first, b"\x03\xe8payload")] {
                let mut scale = Scale::upgraded(role, &Arc::new(quiet()));
                scale.feed(&bytes[..2]);
                scale.end_of_input();
                let told = Some(CloseCode::PROTOCOL_ERROR);
                assert_eq!(scale.end, Some((Cause::Violation(violation), told)), "{first:#x}");
            }
        }
    }
}
