//! The client on tokio, over pipes, under a clock that only moves when everybody waits.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::DuplexStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, timeout};
use websocket_proto::tokio::{
    AttemptEnd, BoxError, ClientConfig, ClientEvent, Connector, Disconnected, NextAttempt,
    ReconnectingClient, Unsent, WebSocketStream, WhenFull, accept,
};
use websocket_proto::{
    Accept, Cause, ClientRequest, CloseCode, CloseFrame, Config, Deadline, Message, OriginPolicy, Reject,
    Retry, SendError, State, StopReason,
};

const SECOND: Duration = Duration::from_secs(1);

/// The other ends of the client's transports, with the number of the attempt.
type Servers = UnboundedReceiver<(u64, DuplexStream)>;
type Socket = WebSocketStream<DuplexStream>;

/// A client whose transports hold so many bytes each way.
fn client(
    config: ClientConfig,
    capacity: usize,
) -> (ReconnectingClient<impl Connector<Io = DuplexStream, Future: Send> + Send>, Servers) {
    let (sender, servers) = unbounded_channel();
    let connect = move |attempt| {
        let (near, far) = tokio::io::duplex(capacity);
        let sent = sender.send((attempt, far));
        async move {
            sent.map_err(|_| "nobody listens")?;
            Ok::<_, BoxError>((near, ClientRequest::new("localhost", "/")?))
        }
    };
    (ReconnectingClient::new(connect, config).unwrap(), servers)
}

async fn serve(servers: &mut Servers, config: Config) -> Socket {
    let (_, far) = servers.recv().await.unwrap();
    let incoming = accept(far, Arc::new(config)).await.unwrap();
    incoming.accept(&Accept::new(OriginPolicy::Any)).await.unwrap()
}

/// Lets the client connect.
async fn open(client: &mut ReconnectingClient<impl Connector>, servers: &mut Servers) -> Socket {
    let (event, socket) = tokio::join!(client.next_event(), serve(servers, Config::default()));
    assert!(matches!(event, Some(ClientEvent::Open(_))), "{event:?}");
    socket
}

/// Lets the client do all it can, and nothing happen.
async fn settle(client: &mut ReconnectingClient<impl Connector>) {
    let event = timeout(Duration::from_millis(1), client.next_event()).await;
    assert!(event.is_err(), "{event:?}");
}

async fn disconnected(client: &mut ReconnectingClient<impl Connector>) -> Disconnected {
    match client.next_event().await {
        Some(ClientEvent::Disconnected(lost)) => lost,
        event => panic!("{event:?}"),
    }
}

/// The transport goes without a word.
fn cut(socket: Socket) {
    drop(socket.into_parts());
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.as_text().unwrap()).collect()
}

async fn read(socket: &mut Socket) -> String {
    socket.next().await.unwrap().unwrap().as_text().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn it_tells_what_happens_and_when_the_next_attempt_is() {
    let (mut client, mut servers) = client(ClientConfig::default(), 1024);
    assert!(client.get_ref().is_none());
    let mut socket = open(&mut client, &mut servers).await;
    assert_eq!(client.get_ref().map(WebSocketStream::state), Some(State::Open));
    socket.send("hello".into()).await.unwrap();
    let event = client.next_event().await;
    assert!(matches!(event, Some(ClientEvent::Message(message)) if message == Message::from("hello")));

    let restart = CloseFrame::new(CloseCode::SERVICE_RESTART, "").unwrap();
    let (lost, _) = tokio::join!(disconnected(&mut client), socket.close(restart));
    assert_eq!(lost.attempt, 1);
    let AttemptEnd::Closed(close) = &lost.end else { panic!("{lost}") };
    assert_eq!(close.code(), CloseCode::SERVICE_RESTART);
    let NextAttempt::At(at) = lost.next else { panic!("{lost}") };
    let wait = at - Instant::now();
    assert!(wait >= 5 * SECOND && wait <= 30 * SECOND, "{wait:?}");
    assert!(
        lost.to_string()
            .starts_with("attempt 1: 1012 Service Restart, clean: the closing handshake; the next is in ")
    );

    let (attempt, far) = tokio::select! {
        event = client.next_event() => panic!("{event:?}"),
        server = servers.recv() => server.unwrap(),
    };
    assert_eq!(attempt, 2);
    let late = Instant::now() - at;
    assert!(late < Duration::from_millis(2), "{late:?}");
    // It is gone before the handshake.
    drop(far);
    let lost = disconnected(&mut client).await;
    assert!(matches!((lost.attempt, &lost.end), (2, AttemptEnd::Closed(_))), "{lost}");
}

#[tokio::test(start_paused = true)]
async fn what_was_written_is_handed_back_and_what_was_not_is_sent_again() {
    let (mut client, mut servers) = client(ClientConfig::default(), 1000);
    let sender = client.sender();
    sender.try_send("before there was a connection").unwrap();
    let mut socket = open(&mut client, &mut servers).await;
    let (_, first) = tokio::join!(settle(&mut client), read(&mut socket));
    assert_eq!(first, "before there was a connection");

    // The peer reads nothing any more: some is written, one message in part, and some not at all.
    let large = "x".repeat(2000);
    for text in ["one", "two", &large, "four", "five"] {
        sender.try_send(text).unwrap();
    }
    settle(&mut client).await;
    cut(socket);
    let lost = disconnected(&mut client).await;
    // The Pong for the first message was on its way, or not.
    let unconfirmed = texts(&lost.unconfirmed);
    assert!(unconfirmed.ends_with(&["one", "two"]), "{lost} {unconfirmed:?}");
    assert_eq!(lost.unsent, []);
    sender.try_send("six").unwrap();

    let mut socket = open(&mut client, &mut servers).await;
    let reading = tokio::spawn(async move {
        let mut read = Vec::new();
        while read.len() < 4 {
            read.push(socket.next().await.unwrap().unwrap());
        }
        (socket, read)
    });
    settle(&mut client).await;
    let (_socket, read) = reading.await.unwrap();
    assert_eq!(texts(&read), [&large, "four", "five", "six"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_pong_has_confirmed_is_not_handed_back() {
    let (mut client, mut servers) = client(ClientConfig::default(), 1000);
    let sender = client.sender();
    let mut socket = open(&mut client, &mut servers).await;
    sender.try_send("confirmed").unwrap();
    let (_, first) = tokio::join!(settle(&mut client), async {
        let first = read(&mut socket).await;
        // It reads the Ping behind the message, and answers.
        assert!(timeout(SECOND, socket.next()).await.is_err());
        first
    });
    assert_eq!(first, "confirmed");
    settle(&mut client).await;
    assert_eq!(client.get_ref().unwrap().stats().messages_confirmed, 1);
    sender.try_send("unconfirmed").unwrap();
    settle(&mut client).await;
    cut(socket);
    let lost = disconnected(&mut client).await;
    assert_eq!(texts(&lost.unconfirmed), ["unconfirmed"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_first_confirms_nothing() {
    let (mut client, mut servers) = client(ClientConfig::default(), 1000);
    let sender = client.sender();
    let mut socket = open(&mut client, &mut servers).await;
    // It says goodbye and reads no further; then the message comes.
    let mut closing = pin!(socket.close(CloseFrame::new(CloseCode::GOING_AWAY, "").unwrap()));
    assert!(closing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    sender.try_send("too late").unwrap();
    let (lost, close) = tokio::join!(disconnected(&mut client), closing);
    assert!(close.was_clean());
    assert_eq!(texts(&lost.unconfirmed), ["too late"]);
}

#[tokio::test(start_paused = true)]
async fn close_frames_that_cross_confirm_nothing_though_their_code_is_the_same() {
    let (mut client, mut servers) = client(ClientConfig::default(), 1000);
    let sender = client.sender();
    let mut socket = open(&mut client, &mut servers).await;
    let normal = || CloseFrame::new(CloseCode::NORMAL, "").unwrap();
    let mut closing = pin!(socket.close(normal()));
    assert!(closing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    sender.try_send("too late").unwrap();
    // It has not read yet that the server closes.
    let (lost, close) = tokio::join!(client.close(normal()), closing);
    assert!(close.was_clean());
    assert_eq!(texts(&lost.unconfirmed), ["too late"]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_given_up_may_have_got_what_was_ready_and_no_more() {
    let mut config = ClientConfig::default();
    let mut connection = Config::default();
    connection.heartbeat = None;
    config.connection = Arc::new(connection);
    let (mut client, mut servers) = client(config, 100);
    let sender = client.sender();
    let _socket = open(&mut client, &mut servers).await;
    for text in ["one", "two"] {
        sender.try_send(text).unwrap();
    }
    // As much as is framed ahead, which this may have gone out with; and what waits behind it.
    sender.try_send("x".repeat(70_000)).unwrap();
    for text in ["four", "five"] {
        sender.try_send(text).unwrap();
    }
    let lost = disconnected(&mut client).await;
    let AttemptEnd::Closed(close) = &lost.end else { panic!("{lost}") };
    assert_eq!(close.cause(), Cause::Deadline(Deadline::WriteStall));
    assert_eq!((close.stats().messages_sent, close.stats().messages_in_doubt), (2, 1));
    assert_eq!((lost.unconfirmed.len(), lost.unsent.len()), (3, 0));

    let mut socket = open(&mut client, &mut servers).await;
    sender.try_send("six").unwrap();
    let reading = tokio::spawn(async move {
        let mut texts = Vec::new();
        while texts.len() < 3 {
            texts.push(read(&mut socket).await);
        }
        (socket, texts)
    });
    settle(&mut client).await;
    assert_eq!(reading.await.unwrap().1, ["four", "five", "six"]);
}

#[tokio::test(start_paused = true)]
async fn unsent_messages_are_given_back_if_that_is_wanted() {
    let mut config = ClientConfig::default();
    config.unsent = Unsent::GiveBack;
    let (mut client, mut servers) = client(config, 1000);
    let sender = client.sender();
    let early = sender.try_send("early");
    assert_eq!(early, Err(SendError::NotOpen(State::Connecting, "early".into())));
    let socket = open(&mut client, &mut servers).await;
    let large = "x".repeat(2000);
    for text in ["one", &large, "three"] {
        sender.try_send(text).unwrap();
    }
    settle(&mut client).await;
    sender.try_send("four").unwrap();
    cut(socket);
    let lost = disconnected(&mut client).await;
    assert_eq!(texts(&lost.unconfirmed), ["one"]);
    assert_eq!(texts(&lost.unsent), [&large, "three", "four"]);
    let between = sender.send("between").await;
    assert_eq!(between, Err(SendError::NotOpen(State::Connecting, "between".into())));

    let mut socket = open(&mut client, &mut servers).await;
    sender.try_send("after").unwrap();
    let (_, text) = tokio::join!(settle(&mut client), read(&mut socket));
    assert_eq!(text, "after");
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_where_it_is_of_no_use_and_gives_back_what_waits() {
    let (mut client, mut servers) = client(ClientConfig::default(), 1000);
    let sender = client.sender();
    sender.try_send("never sent").unwrap();
    let refuse = async {
        let (_, far) = servers.recv().await.unwrap();
        let incoming = accept(far, Arc::new(Config::default())).await.unwrap();
        incoming.reject(&Reject::new(401).unwrap()).await.unwrap()
    };
    let (lost, _) = tokio::join!(disconnected(&mut client), refuse);
    let AttemptEnd::Refused(response) = &lost.end else { panic!("{lost}") };
    assert_eq!(response.status(), 401);
    assert_eq!(lost.next, NextAttempt::Never(StopReason::NoUse));
    assert_eq!(texts(&lost.unsent), ["never sent"]);
    let said = "attempt 1: the server answered 401; there is no next: another attempt is of no use";
    assert_eq!(lost.to_string(), said);
    assert!(client.next_event().await.is_none());
    assert_eq!(sender.send("late").await, Err(SendError::NotOpen(State::Closed, "late".into())));
}

#[tokio::test(start_paused = true)]
async fn a_budget_bounds_the_attempts() {
    let mut config = ClientConfig::default();
    config.reconnect.max_attempts = Some(3);
    let (mut client, servers) = client(config, 1000);
    drop(servers);
    for attempt in 1..=3 {
        let lost = disconnected(&mut client).await;
        assert_eq!((lost.attempt, lost.end.to_string()), (attempt, "nobody listens".to_owned()));
        assert_eq!(lost.next == NextAttempt::Never(StopReason::MaxAttempts(3)), attempt == 3);
    }
    assert!(client.next_event().await.is_none());
}

/// Counts those that are alive.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_is_dropped_before_the_next() {
    let alive = Arc::new(AtomicUsize::new(0));
    let connect = {
        let alive = alive.clone();
        move |_| {
            assert_eq!(alive.fetch_add(1, Ordering::SeqCst), 0);
            let alive = Alive(alive.clone());
            async move {
                pending::<()>().await;
                drop(alive);
                Ok::<(DuplexStream, ClientRequest), BoxError>((
                    tokio::io::duplex(1).0,
                    ClientRequest::new("localhost", "/")?,
                ))
            }
        }
    };
    let mut client = ReconnectingClient::new(connect, ClientConfig::default()).unwrap();
    for _ in 0..3 {
        let began = Instant::now();
        let lost = disconnected(&mut client).await;
        assert!(matches!(lost.end, AttemptEnd::TimedOut), "{lost}");
        assert_eq!(alive.load(Ordering::SeqCst), 0);
        assert!(began.elapsed() >= 30 * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_sends_what_waits_and_accounts_for_all() {
    let (mut client, mut servers) = client(ClientConfig::default(), 1000);
    let sender = client.sender();
    let mut socket = open(&mut client, &mut servers).await;
    for number in 0..100 {
        sender.try_send(number.to_string()).unwrap();
    }
    let reading = tokio::spawn(async move {
        let mut count = 0;
        while let Some(Ok(_)) = socket.next().await {
            count += 1;
        }
        count
    });
    let lost = client.close(CloseFrame::new(CloseCode::NORMAL, "done").unwrap()).await;
    assert_eq!(lost.next, NextAttempt::Never(StopReason::Stopped));
    assert_eq!((lost.unconfirmed.len(), lost.unsent.len()), (0, 0), "{lost}");
    assert_eq!(reading.await.unwrap(), 100);
    assert!(client.next_event().await.is_none());
    // There is nothing left to be told.
    let again = client.close(None).await;
    assert!(matches!(again.end, AttemptEnd::Abandoned));
}

#[tokio::test(start_paused = true)]
async fn closing_a_client_whose_server_reads_nothing_accounts_for_all_too() {
    let mut config = ClientConfig::default();
    config.max_unconfirmed = 2000;
    let (mut client, mut servers) = client(config, 500);
    let sender = client.sender();
    let _socket = open(&mut client, &mut servers).await;
    for number in 0..100 {
        sender.try_send(format!("{number:50}")).unwrap();
    }
    // Given up, it goes on where it was.
    assert!(timeout(SECOND, client.close(None)).await.is_err());
    let lost = disconnected(&mut client).await;
    assert_eq!(lost.next, NextAttempt::Never(StopReason::Stopped));
    let all: Vec<_> = lost.unconfirmed.iter().chain(&lost.unsent).cloned().collect();
    assert_eq!(all, (0..100).map(|number| Message::from(format!("{number:50}"))).collect::<Vec<_>>());
    assert!(!lost.unconfirmed.is_empty() && lost.unsent.len() > 80, "{}", lost.unconfirmed.len());
}

#[tokio::test(start_paused = true)]
async fn closing_without_a_connection_gives_back_what_waits() {
    let (mut client, servers) = client(ClientConfig::default(), 1000);
    drop(servers);
    let sender = client.sender();
    sender.try_send("waits").unwrap();
    disconnected(&mut client).await;
    let lost = client.close(None).await;
    assert!(matches!(lost.end, AttemptEnd::Abandoned));
    assert_eq!(texts(&lost.unsent), ["waits"]);
    assert!(client.next_event().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn no_more_than_may_be_unconfirmed_is_sent_to_a_server_that_does_not_answer() {
    let mut config = ClientConfig::default();
    config.max_unconfirmed = 1000;
    let (mut client, mut servers) = client(config, 100_000);
    let sender = client.sender();
    let mut silent = Config::default();
    silent.automatic_pong = false;
    let (_, mut socket) = tokio::join!(client.next_event(), serve(&mut servers, silent));
    for _ in 0..100 {
        sender.try_send("x".repeat(36)).unwrap();
    }
    settle(&mut client).await;
    // A hundred bytes each.
    assert_eq!(client.get_ref().unwrap().stats().messages_sent, 10);
    assert_eq!(client.get_ref().unwrap().stats().pings_sent, 1);
    // It answers one Ping, whose place is behind all ten.
    for _ in 0..10 {
        read(&mut socket).await;
    }
    let Some(websocket_proto::Event::Ping(payload)) = socket.next_event().await else { panic!("no Ping") };
    let mut parts = socket.into_parts().unwrap();
    parts.connection.pong(&payload).unwrap();
    let mut socket = WebSocketStream::from_parts(parts);
    socket.flush().await.unwrap();
    settle(&mut client).await;
    assert_eq!(client.get_ref().unwrap().stats().messages_sent, 20);
    assert_eq!(client.get_ref().unwrap().stats().pings_sent, 2);
}

#[tokio::test(start_paused = true)]
async fn any_poll_may_be_the_last_of_its_future() {
    fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }
    let (mut client, mut servers) = client(ClientConfig::default(), 40);
    let sender = client.sender();
    let (got, mut received) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            let mut socket = serve(&mut servers, Config::default()).await;
            for _ in 0..3 {
                let Ok(Some(Ok(message))) = timeout(SECOND, socket.next()).await else { break };
                got.send(message).unwrap();
            }
            cut(socket);
        }
    });
    for number in 0..30 {
        sender.try_send(number.to_string()).unwrap();
    }
    let (mut unconfirmed, mut connections) = (Vec::new(), 0);
    while connections < 10 {
        match poll_once(client.next_event()) {
            Poll::Ready(Some(ClientEvent::Disconnected(lost))) => unconfirmed.extend(lost.unconfirmed),
            Poll::Ready(Some(_)) => connections += 1,
            Poll::Ready(None) => panic!("it gave up"),
            Poll::Pending => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    let mut fates = unconfirmed;
    while let Ok(message) = received.try_recv() {
        if !fates.contains(&message) {
            fates.push(message);
        }
    }
    let number = |message: &Message| message.as_text().unwrap().parse::<u32>().unwrap();
    fates.sort_by_key(number);
    assert_eq!(fates.iter().map(number).collect::<Vec<_>>(), (0..30).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_connector_may_decide_by_itself() {
    struct Stubborn(u32);
    impl Connector for Stubborn {
        type Io = DuplexStream;
        type Future = std::future::Ready<Result<(DuplexStream, ClientRequest), BoxError>>;

        fn connect(&mut self, _: u64) -> Self::Future {
            std::future::ready(Err("not yet".into()))
        }

        fn retry(&mut self, end: &AttemptEnd) -> Retry {
            assert_eq!(end.retry(), Retry::Soon);
            self.0 += 1;
            if self.0 < 3 { Retry::After(100 * SECOND) } else { Retry::Never }
        }
    }
    let mut client = ReconnectingClient::new(Stubborn(0), ClientConfig::default()).unwrap();
    let began = Instant::now();
    for _ in 0..2 {
        disconnected(&mut client).await;
    }
    assert!(began.elapsed() >= 100 * SECOND);
    assert_eq!(disconnected(&mut client).await.next, NextAttempt::Never(StopReason::NoUse));
}

#[tokio::test(start_paused = true)]
async fn a_connector_is_asked_of_no_end_that_leaves_nothing_to_decide() {
    struct Asked;
    impl Connector for Asked {
        type Io = DuplexStream;
        type Future = std::future::Pending<Result<(DuplexStream, ClientRequest), BoxError>>;

        fn connect(&mut self, _: u64) -> Self::Future {
            pending()
        }

        fn retry(&mut self, end: &AttemptEnd) -> Retry {
            panic!("{end}")
        }
    }
    let mut client = ReconnectingClient::new(Asked, ClientConfig::default()).unwrap();
    settle(&mut client).await;
    assert_eq!(client.close(None).await.next, NextAttempt::Never(StopReason::Stopped));
}

#[tokio::test(start_paused = true)]
async fn senders_of_a_client_that_was_dropped_are_told() {
    let mut config = ClientConfig::default();
    config.max_queued = 1;
    let (client, _servers) = client(config, 1000);
    let sender = client.sender();
    sender.try_send("waits").unwrap();
    let waits = tokio::spawn({
        let sender = sender.clone();
        async move { sender.send("for a place").await }
    });
    tokio::task::yield_now().await;
    drop(client);
    assert_eq!(waits.await.unwrap(), Err(SendError::NotOpen(State::Closed, "for a place".into())));
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_would_close_hands_back_where_there_is_no_peer_to_close() {
    let mut config = ClientConfig::default();
    config.max_queued = 1;
    let (mut client, mut servers) = client(config, 1000);
    let sender = client.sender().when_full(WhenFull::Close);
    sender.try_send("one").unwrap();
    assert_eq!(sender.try_send("two"), Err(SendError::Full("two".into())));
    let sending = tokio::spawn(async move { sender.send("two").await });
    let mut socket = open(&mut client, &mut servers).await;
    let (_, first) = tokio::join!(settle(&mut client), read(&mut socket));
    let (_, second) = tokio::join!(settle(&mut client), read(&mut socket));
    assert_eq!((first.as_str(), second.as_str()), ("one", "two"));
    sending.await.unwrap().unwrap();
}

#[test]
fn clients_go_anywhere() {
    fn anywhere<T: Send + Unpin>(_: T) {}
    let (client, _servers) = client(ClientConfig::default(), 1);
    anywhere(client);
}
