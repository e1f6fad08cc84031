//! The payload of a Close frame: every code with payloads of every length, reasons that are UTF-8 and reasons that are not.
//!
//! Each pair is fed to a connection of its own. All eight million take minutes in a build without optimization, so there a code
//! meets two of the lengths at a server and one at a client, other ones than the codes beside it, and the codes at the edges of
//! every class meet them all. A build with optimization (`cargo test --release --test wire`) feeds every pair in both roles.

use websocket_proto::{Cause, CloseCode, CloseFrame, Role, Violation};

use super::frames::{closing, frame, other, read};
use super::{NOW, ROLES, ended, open};

/// The longest payload of a control frame, and the longest reason: what is left behind a code.
const MAX_PAYLOAD: usize = 125;

/// Whether a code may stand in a Close frame, by the words of §7.4 and the registry that §11.7 founds.
fn may_be_sent(code: u16) -> bool {
    let unused = code < 1000;
    let never_on_the_wire = [1004, 1005, 1006, 1015].contains(&code);
    let undefined = (1016..3000).contains(&code);
    let beyond_all_ranges = code >= 5000;
    !(unused || never_on_the_wire || undefined || beyond_all_ranges)
}

/// A payload of this length, as far as a code and a reason of it can have it.
fn payload(code: u16, len: usize) -> Vec<u8> {
    let mut payload = closing(code, "grüße".repeat(18).as_bytes());
    payload.truncate(len);
    payload
}

/// What must come of a payload: the frame that is answered, what it is answered for, and what the application is told.
fn assert_outcome(receiver: Role, payload: &[u8]) {
    let mut endpoint = open(receiver);
    endpoint.receive(&frame(other(receiver), 0x88, payload), NOW);
    let reason = payload.get(2..).map(str::from_utf8);
    let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
    let broken = match (code, reason) {
        _ if payload.len() > MAX_PAYLOAD => Some((1002, Violation::ControlTooLong)),
        (Some(_), Some(Err(_))) => Some((1007, Violation::CloseReason)),
        (Some(code), _) if !may_be_sent(code) => Some((1002, Violation::CloseCode(CloseCode::new(code)))),
        (None, _) if !payload.is_empty() => Some((1002, Violation::CloseTooShort)),
        _ => None,
    };
    let expected = match broken {
        Some((code, violation)) => closing(code, violation.to_string().as_bytes()),
        // The echo has the code alone.
        None => payload.get(..2).unwrap_or_default().to_vec(),
    };
    let [answer] = &read(&endpoint.written)[..] else { panic!("one frame: {payload:x?}") };
    assert_eq!((answer.first, &answer.payload), (0x88, &expected), "{payload:x?}");

    let close = ended(&mut endpoint);
    match broken {
        Some((code, violation)) => {
            assert_eq!((close.cause(), close.code()), (Cause::Violation(violation), CloseCode::ABNORMAL));
            assert_eq!((close.sent(), close.received()), (Some(CloseCode::new(code)), None));
            assert_eq!((close.was_clean(), close.reason()), (false, ""), "{payload:x?}");
        }
        None => {
            let code = code.map_or(CloseCode::NO_STATUS, CloseCode::new);
            assert_eq!((close.cause(), close.code()), (Cause::ClosingHandshake, code), "{payload:x?}");
            assert_eq!((close.sent(), close.received()), (Some(code), Some(code)), "{payload:x?}");
            let reason = reason.map_or("", |reason| reason.unwrap());
            assert_eq!((close.was_clean(), close.reason()), (true, reason), "{payload:x?}");
        }
    }
}

/// The lengths that a code meets: every one, or every so many of them.
fn lengths(code: u16, step: usize) -> impl Iterator<Item = usize> {
    let step = if cfg!(debug_assertions) { step } else { 1 };
    (2 + usize::from(code) % step..=MAX_PAYLOAD + 1).step_by(step)
}

#[test]
fn every_code_as_a_server_gets_it() {
    for code in 0..=u16::MAX {
        lengths(code, 62).for_each(|len| assert_outcome(Role::Server, &payload(code, len)));
    }
}

#[test]
fn every_code_as_a_client_gets_it() {
    for code in 0..=u16::MAX {
        lengths(code, 125).for_each(|len| assert_outcome(Role::Client, &payload(code, len)));
    }
}

#[test]
fn the_codes_at_the_edges_of_every_class_with_every_length() {
    let edges =
        (998..=1017).chain([0, 1, 2999, 3000, 3999, 4000, 4999, 5000, 0x7fff, 0x8000, 0xfffe, 0xffff]);
    for code in edges {
        for len in 2..=MAX_PAYLOAD + 1 {
            for receiver in ROLES {
                assert_outcome(receiver, &payload(code, len));
            }
        }
    }
}

#[test]
fn no_code_and_half_a_code() {
    for receiver in ROLES {
        assert_outcome(receiver, &[]);
        for half in 0..=u8::MAX {
            assert_outcome(receiver, &[half]);
        }
    }
}

#[test]
fn a_reason_that_is_not_utf_8_is_1007_wherever_it_breaks_and_whatever_the_code() {
    let wrong: [&[u8]; 8] = [
        b"\xff",
        b"\x80",
        b"\xc3",
        b"\xc0\xaf",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98",
        b"\xf4\x90\x80\x80",
    ];
    for wrong in wrong {
        for before in 0..=MAX_PAYLOAD - 2 - wrong.len() {
            for code in [999, 1000, 1006, 3000] {
                let reason = [&b"r".repeat(before), wrong].concat();
                for receiver in ROLES {
                    assert_outcome(receiver, &closing(code, &reason));
                }
            }
        }
    }
}

#[test]
fn what_may_be_sent_is_what_may_be_received() {
    for code in 0..=u16::MAX {
        assert_eq!(CloseFrame::new(code, "").is_ok(), may_be_sent(code), "{code}");
    }
}

#[test]
fn a_command_to_close_is_one_frame_with_its_code_and_reason() {
    for sender in ROLES {
        for (close, expected) in [
            (None, vec![]),
            (Some(CloseFrame::NORMAL), closing(1000, b"")),
            (Some(CloseFrame::new(4999, "grüße").unwrap()), closing(4999, "grüße".as_bytes())),
        ] {
            let mut endpoint = open(sender);
            endpoint.connection.close(close, NOW);
            endpoint.connection.close(CloseFrame::GOING_AWAY, NOW);
            endpoint.run(NOW);
            let [frame] = &read(&endpoint.written)[..] else { panic!("one frame") };
            assert_eq!((frame.first, &frame.payload), (0x88, &expected));
        }
    }
}
