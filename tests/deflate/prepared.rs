//! Messages that are compressed once for many connections.

use bytes::Buf;
use websocket_proto::{Config, Message, Prepared, Role};

use crate::pair::Pair;
use crate::rules::receiver;
use crate::{RSV1, config, frames, policy, text};

#[test]
fn servers_send_the_same_compressed_bytes() {
    let news = text(20_000, 1);
    let prepared = Prepared::compressed(news.as_str(), &policy(false, 15));
    let mut places = Vec::new();
    for takeover in [false, true] {
        let mut server = receiver(Role::Server, config(policy(takeover, 15)));
        server.connection.send_prepared(&prepared).unwrap();
        let output = server.connection.output(websocket_proto::Timestamp::default());
        assert_eq!(output.chunk()[0], 0x80 | RSV1 | 1);
        assert!(output.remaining() < news.len() / 3);
        assert_eq!(output.remaining(), output.chunk().len());
        places.push(output.chunk().as_ptr());
    }
    assert_eq!(places[0], places[1], "they share it");
}

/// Before and after messages of the connection's own, whose context has not seen it.
#[test]
fn they_pass_between_other_messages_in_both_roles() {
    for takeover in [false, true] {
        for bits in [8, 9, 12, 15] {
            for compressed_with in [8, 9, 12, 15] {
                let mut pair = Pair::with(&config(policy(takeover, bits)));
                let (own, news) = (text(3000, 1), text(3000, 2));
                let prepared = Prepared::compressed(news.as_str(), &policy(false, compressed_with));
                pair.client.written.clear();
                pair.server.written.clear();
                for endpoint in [&mut pair.client, &mut pair.server] {
                    for _ in 0..2 {
                        endpoint.connection.send(own.as_str()).unwrap();
                        endpoint.connection.send_prepared(&prepared).unwrap();
                    }
                    endpoint.connection.set_compression(false);
                    endpoint.connection.send_prepared(&prepared).unwrap();
                }
                pair.run();
                // A window of 512 bytes stands in for one of 256.
                let fits = compressed_with.max(9) <= bits.max(9);
                let told = [&own, &news, &own, &news, &news].map(|text| Message::from(text.as_str()));
                for endpoint in [&pair.client, &pair.server] {
                    assert_eq!(endpoint.messages(), told, "{takeover} {bits} {compressed_with}");
                    let firsts: Vec<bool> =
                        frames::read(&endpoint.written).iter().map(|frame| frame.first & RSV1 != 0).collect();
                    assert_eq!(
                        firsts,
                        [true, fits, true, fits, false],
                        "{takeover} {bits} {compressed_with}"
                    );
                }
            }
        }
    }
}

#[test]
fn where_nothing_was_agreed_on_and_where_it_does_not_pay_they_are_sent_as_they_are() {
    let mut pair = Pair::with(&Config::default());
    pair.server.connection.send_prepared(&Prepared::compressed(text(2000, 1), &policy(false, 15))).unwrap();
    pair.run();
    assert_eq!(pair.client.messages(), [Message::from(text(2000, 1))]);
    let mut pair = Pair::with(&config(policy(true, 15)));
    pair.server.written.clear();
    pair.server.connection.send_prepared(&Prepared::compressed("short", &policy(false, 15))).unwrap();
    pair.server.connection.send_prepared(&Prepared::new(text(2000, 1))).unwrap();
    pair.run();
    assert!(frames::read(&pair.server.written).iter().all(|frame| frame.first == 0x81));
}
