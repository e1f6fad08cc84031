//! What real endings of a client's connection come to: bytes in, the decision out.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use websocket_proto::{
    Agreement, ClientRequest, CloseEvent, CloseFrame, Config, Connection, Event, Response, Retry, Role,
    Timestamp, TransportFailure,
};

fn refusal(head: &str) -> (Response, CloseEvent) {
    let now = Timestamp::default();
    let request = ClientRequest::new("localhost", "/").unwrap();
    let mut client = Connection::client(&request, Arc::new(Config::default()), [7; 32], now);
    let mut input = BytesMut::from(format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n").as_bytes());
    let Some(Event::Refused(response)) = client.poll_event(&mut input, now) else { panic!("{head}") };
    let Some(Event::Closed(close)) = client.poll_event(&mut input, now) else { panic!("{head}") };
    (response, close)
}

#[test]
fn a_refusal_counts_by_status_and_retry_after() {
    let seconds = |seconds| Retry::After(Duration::from_secs(seconds));
    let dates = "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:48:07 GMT";
    let table = [
        ("503 Service Unavailable".to_owned(), Retry::Later),
        ("503 Service Unavailable\r\nRetry-After: 120".to_owned(), seconds(120)),
        ("503 Service Unavailable\r\nRetry-After: 0".to_owned(), seconds(0)),
        // It is the server's clock that counts.
        (format!("503 Service Unavailable\r\n{dates}"), seconds(90)),
        ("503 x\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), Retry::Later),
        ("503 x\r\nRetry-After: soon".to_owned(), Retry::Later),
        ("429 Too Many Requests\r\nRetry-After: 7".to_owned(), seconds(7)),
        ("500 Internal Server Error\r\nRetry-After: 7".to_owned(), seconds(7)),
        ("401 Unauthorized\r\nRetry-After: 7".to_owned(), Retry::Never),
        ("403 Forbidden".to_owned(), Retry::Never),
        ("404 Not Found".to_owned(), Retry::Never),
        ("301 Moved Permanently\r\nLocation: /elsewhere".to_owned(), Retry::Later),
        // A captive portal, for as long as nobody has logged in.
        ("302 Found\r\nLocation: http://portal.example/".to_owned(), Retry::Later),
        ("307 Temporary Redirect\r\nLocation: /\r\nRetry-After: 7".to_owned(), seconds(7)),
        ("410 Gone".to_owned(), Retry::Never),
        ("200 OK".to_owned(), Retry::Later),
    ];
    for (head, expected) in table {
        let (response, close) = refusal(&head);
        assert_eq!(Retry::after_refusal(&response), expected, "{head}");
        // The end that follows knows the status, and no more.
        assert_eq!(Retry::after_close(&close), Retry::after_status(response.status()), "{head}");
    }
}

/// An open client to which all of this happens in turn, and its end.
fn ends(happens: &[Happens]) -> CloseEvent {
    let mut now = Timestamp::default();
    let config = Arc::new(Config::default());
    let mut client = Connection::upgraded(Role::Client, Agreement::default(), config, [7; 32], now);
    let mut input = BytesMut::new();
    for what in happens {
        match *what {
            Happens::Arrives(bytes) => input.extend_from_slice(bytes),
            Happens::Close => client.close(CloseFrame::new(1000, "").unwrap(), now),
            Happens::EndOfStream => client.end_of_input(now),
            Happens::Reset => client.read_failed(TransportFailure::Reset, now),
            Happens::Silence => now = client.poll_timeout().unwrap(),
        }
        client.handle_timeout(now);
        if let Some(Event::Closed(close)) = client.poll_event(&mut input, now) {
            return close;
        }
        let mut output = client.output(now);
        output.advance(output.remaining());
    }
    panic!("{happens:?}")
}

#[derive(Debug)]
enum Happens {
    Arrives(&'static [u8]),
    Close,
    EndOfStream,
    Reset,
    /// Until the next deadline.
    Silence,
}

#[test]
fn an_end_counts_by_who_closed_and_why() {
    use Happens::{Arrives, Close, EndOfStream, Reset, Silence};

    let echo = Arrives(b"\x88\x02\x03\xe8");
    let table: [(&[Happens], Retry); 14] = [
        (&[Reset], Retry::Soon),
        (&[EndOfStream], Retry::Soon),
        (&[Arrives(b"\x81\x05he"), EndOfStream], Retry::Soon),
        // A ping, the margin, and no sign of life.
        (&[Silence, Silence], Retry::Soon),
        // The peer closes.
        (&[Arrives(b"\x88\x00"), EndOfStream], Retry::Soon),
        (&[Arrives(b"\x88\x02\x03\xe8"), EndOfStream], Retry::Never),
        (&[Arrives(b"\x88\x02\x03\xe9"), EndOfStream], Retry::Soon),
        (&[Arrives(b"\x88\x02\x03\xf0"), EndOfStream], Retry::Never),
        (&[Arrives(b"\x88\x02\x03\xf4"), Reset], Retry::Later),
        (&[Arrives(b"\x88\x02\x03\xf5"), Silence], Retry::Later),
        // The peer broke a rule, and was told.
        (&[Arrives(b"\x83\x00"), EndOfStream], Retry::Soon),
        // This side closes.
        (&[Close, echo, EndOfStream], Retry::Never),
        (&[Close, Silence], Retry::Never),
        (&[Close, Reset], Retry::Never),
    ];
    for (happens, expected) in table {
        let close = ends(happens);
        assert_eq!(Retry::after_close(&close), expected, "{happens:?}: {close}");
    }
}

#[test]
fn an_answer_that_is_no_websocket_server_s_is_asked_again_later() {
    let now = Timestamp::default();
    let request = ClientRequest::new("localhost", "/").unwrap();
    let open = || Connection::client(&request, Arc::new(Config::default()), [7; 32], now);

    let mut client = open();
    let mut input = BytesMut::from(&b"SSH-2.0-OpenSSH_10.0\r\n\r\n"[..]);
    let Some(Event::Closed(close)) = client.poll_event(&mut input, now) else { panic!("it goes on") };
    assert_eq!(Retry::after_close(&close), Retry::Later, "{close}");

    let mut client = open();
    client.close(None, now);
    let Some(Event::Closed(close)) = client.poll_event(&mut BytesMut::new(), now) else {
        panic!("it goes on")
    };
    assert_eq!(Retry::after_close(&close), Retry::Never, "{close}");
}
