use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

fn answer(policy: &Deflate, offers: &[&str]) -> Option<String> {
    policy.answer(offers.iter().map(|value| value.as_bytes())).map(|agreed| agreed.to_string())
}

fn agree(policy: &Deflate, answers: &[&str]) -> Result<Option<DeflateParameters>, HandshakeError> {
    policy.agree(answers.iter().map(|value| value.as_bytes()))
}

/// Context takeover both ways, and no limits: what a peer asks for shows.
fn open() -> Deflate {
    Deflate { context_takeover: true, peer_context_takeover: true, ..Deflate::default() }
}

#[test]
fn a_server_answers_the_first_offer_that_it_can() {
    let table: [(&[&str], Option<&str>); 31] = [
        (&[], None),
        (&["", " , ,"], None),
        (&["x-webkit-deflate-frame", "foo; bar"], None),
        (&["permessage-deflate"], Some("")),
        (&["permessage-deflate; client_max_window_bits"], Some("")),
        (&["permessage-deflate; client_max_window_bits=15"], Some("")),
        (&["permessage-deflate; client_max_window_bits=8"], Some("; client_max_window_bits=8")),
        (&["permessage-deflate; client_max_window_bits=\"1\\0\""], Some("; client_max_window_bits=10")),
        (&["permessage-deflate; server_max_window_bits=15"], Some("; server_max_window_bits=15")),
        (&["permessage-deflate; server_max_window_bits=\"9\""], Some("; server_max_window_bits=9")),
        (&["permessage-deflate; server_max_window_bits=8"], Some("; server_max_window_bits=8")),
        (&["permessage-deflate; server_no_context_takeover"], Some("; server_no_context_takeover")),
        (&["permessage-deflate ; client_no_context_takeover "], Some("; client_no_context_takeover")),
        (&["permessage-deflate; server_max_window_bits"], None),
        (&["permessage-deflate; server_max_window_bits=7"], None),
        (&["permessage-deflate; server_max_window_bits=16"], None),
        (&["permessage-deflate; server_max_window_bits=010"], None),
        (&["permessage-deflate; server_max_window_bits=\"\""], None),
        (&["permessage-deflate; server_max_window_bits=1e1"], None),
        (&["permessage-deflate; client_max_window_bits=256"], None),
        (&["permessage-deflate; client_max_window_bits=x"], None),
        (&["permessage-deflate; server_no_context_takeover=true"], None),
        (&["permessage-deflate; client_no_context_takeover=\"1\""], None),
        (&["permessage-deflate; unknown"], None),
        (&["permessage-deflate; client_max_window_bits; client_max_window_bits=9"], None),
        (&["permessage-deflate; server_max_window_bits=9; server_max_window_bits=9"], None),
        (&["permessage-deflate; server_no_context_takeover; server_no_context_takeover"], None),
        (&["permessage-deflate; client_no_context_takeover; client_no_context_takeover"], None),
        (
            &[
                "permessage-deflate; unknown, permessage-deflate; server_max_window_bits=10, permessage-deflate",
            ],
            Some("; server_max_window_bits=10"),
        ),
        (&["a, permessage-deflate; server_max_window_bits=99", "b;c, permessage-deflate"], Some("")),
        (&["permessage-deflate; server_max_window_bits=\"8", "permessage-deflate"], Some("")),
    ];
    for (offers, expected) in table {
        let expected = expected.map(|parameters| format!("permessage-deflate{parameters}"));
        assert_eq!(answer(&open(), offers), expected, "{offers:?}");
    }
}

#[test]
fn a_server_asks_for_what_its_policy_says() {
    let mut policy = Deflate { window_bits: 12, peer_window_bits: 3, ..Deflate::default() };
    let takeover = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    // A client that does not say that it knows client_max_window_bits is not told it (§7.1.2.2).
    let expected = format!("{takeover}; server_max_window_bits=12");
    assert_eq!(answer(&policy, &["permessage-deflate"]), Some(expected.clone()));
    let expected = format!("{expected}; client_max_window_bits=8");
    assert_eq!(answer(&policy, &["permessage-deflate; client_max_window_bits"]), Some(expected));
    policy.window_bits = 200;
    assert_eq!(answer(&policy, &["permessage-deflate"]).as_deref(), Some(takeover));
}

#[test]
fn a_client_takes_only_what_it_offered() {
    use HandshakeError::{ExtensionNotOffered, ExtensionParameters, ExtensionSyntax};

    assert_eq!(open().offer(), "permessage-deflate; client_max_window_bits");
    assert_eq!(agree(&open(), &[]), Ok(None));
    assert_eq!(agree(&open(), &[" ,"]), Ok(None));
    let table = [
        ("", Ok((true, 15, true, 15))),
        ("; server_no_context_takeover; client_no_context_takeover", Ok((false, 15, false, 15))),
        ("; server_max_window_bits=8; client_max_window_bits=\"9\"", Ok((true, 8, true, 9))),
        ("; client_max_window_bits", Err(ExtensionParameters)),
        ("; server_max_window_bits", Err(ExtensionParameters)),
        ("; server_max_window_bits=7", Err(ExtensionParameters)),
        ("; client_max_window_bits=09", Err(ExtensionParameters)),
        ("; server_no_context_takeover=1", Err(ExtensionParameters)),
        ("; unknown", Err(ExtensionParameters)),
        ("; server_max_window_bits=9; server_max_window_bits=9", Err(ExtensionParameters)),
        ("; server_max_window_bits=\"9", Err(ExtensionSyntax)),
        (";;", Err(ExtensionSyntax)),
        (", permessage-deflate", Err(ExtensionNotOffered)),
        (", foo", Err(ExtensionNotOffered)),
        ("-frame", Err(ExtensionNotOffered)),
    ];
    for (parameters, expected) in table {
        let answer = format!("permessage-deflate{parameters}");
        let agreed = agree(&open(), &[&answer]).map(|agreed| {
            let agreed = agreed.unwrap();
            let [server, client] = [Role::Server, Role::Client]
                .map(|role| (agreed.context_takeover(role), agreed.window_bits(role)));
            (server.0, server.1, client.0, client.1)
        });
        assert_eq!(agreed, expected, "{parameters}");
    }
    assert_eq!(agree(&open(), &["permessage-deflate", "permessage-deflate"]), Err(ExtensionNotOffered));
}

#[test]
fn a_client_insists_on_what_it_asked_for() {
    use HandshakeError::ExtensionParameters;

    let policy = Deflate { peer_window_bits: 10, window_bits: 9, ..Deflate::default() };
    assert_eq!(
        policy.offer(),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
         server_max_window_bits=10; client_max_window_bits=9"
    );
    let table = [
        ("", false),
        ("; server_no_context_takeover", false),
        ("; server_max_window_bits=10", false),
        ("; server_no_context_takeover; server_max_window_bits=11", false),
        ("; server_no_context_takeover; server_max_window_bits=10", true),
        ("; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits=15", true),
    ];
    for (parameters, fits) in table {
        let agreed = agree(&policy, &[&format!("permessage-deflate{parameters}")]);
        if !fits {
            assert_eq!(agreed, Err(ExtensionParameters), "{parameters}");
            continue;
        }
        // What it said of itself it does, even if the server did not take it up.
        let agreed = agreed.unwrap().unwrap();
        assert!(!agreed.context_takeover(Role::Client) && agreed.window_bits(Role::Client) == 9);
    }
}

fn policies() -> impl Strategy<Value = Deflate> {
    (any::<[bool; 2]>(), 7_u8..17, 7_u8..17).prop_map(|([own, peer], window_bits, peer_window_bits)| {
        Deflate {
            context_takeover: own,
            peer_context_takeover: peer,
            window_bits,
            peer_window_bits,
            ..Deflate::default()
        }
    })
}

proptest! {
    #[test]
    fn any_two_policies_agree_and_both_mean_the_same(client in policies(), server in policies()) {
        let answered = server.answer([client.offer().as_bytes()]).unwrap();
        let agreed = client.agree([answered.to_string().as_bytes()]).unwrap().unwrap();
        for role in [Role::Client, Role::Server] {
            let (own, peer) = match role {
                Role::Client => (&client, &server),
                Role::Server => (&server, &client),
            };
            prop_assert_eq!(agreed.context_takeover(role), own.context_takeover && peer.peer_context_takeover);
            prop_assert_eq!(answered.context_takeover(role), agreed.context_takeover(role));
            prop_assert_eq!(agreed.window_bits(role), own.window_bits().min(peer.peer_window_bits()));
            prop_assert_eq!(answered.window_bits(role), agreed.window_bits(role));
        }
    }

    #[test]
    fn whatever_is_said_is_read_or_refused(
        words in prop::collection::vec(prop_oneof![
            Just("permessage-deflate"), Just(";"), Just(","), Just("="), Just("\""), Just("\\"), Just(" "),
            Just("client_max_window_bits"), Just("server_max_window_bits"), Just("9"), Just("15"), Just("é"),
            Just("server_no_context_takeover"), Just("client_no_context_takeover"),
        ], 0..16),
    ) {
        let said: Vec<u8> = words.concat().into_bytes();
        if let Some(answered) = open().answer([&said[..]]) {
            let client = Deflate { peer_window_bits: 15, ..open() };
            prop_assert!(client.agree([answered.to_string().as_bytes()]).unwrap().is_some());
        }
        if let Ok(Some(agreed)) = open().agree([&said[..]]) {
            prop_assert_eq!(open().agree([agreed.to_string().as_bytes()]), Ok(Some(agreed)));
        }
    }
}
