//! The server: the page and what it asks for over HTTP, the WebSockets, and its own end and new beginning.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use websocket_proto::tokio::accept;
use websocket_proto::{
    Accept, Config, Heartbeat, HttpRequest, InvalidHead, OriginPolicy, Reject, Request, TextHeartbeat,
};

use crate::ledger::Ledger;
use crate::{Failure, HEARTBEAT, PAGE, SUBPROTOCOL, session};

/// How long nobody listens while the server restarts.
const DOWN: Duration = Duration::from_millis(700);

/// Whoever has not left by then is cut off.
const LAST_CALL: Duration = Duration::from_secs(2);

/// The texts of the heartbeat, which `page.html` has, too. A user who types one of them means it.
pub(crate) const BEAT: [&str; 2] = [r#"{"beat":"ping"}"#, r#"{"beat":"pong"}"#];

/// The most bytes in a message, so that a page can exceed it.
pub(crate) const MAX_MESSAGE: u64 = 4 << 20;

/// How the server ends, before it begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It tells everybody: 1012.
    Restart,
    /// It drops all TCP connections, as when its process is killed.
    Kill,
}

/// What all sessions share.
#[derive(Clone)]
pub(crate) struct Shared {
    config: Arc<Config>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) stop: watch::Sender<Option<Stop>>,
}

/// Serves for ever; `told` is given one line for each WebSocket that ended, and for each request that led to none.
pub(crate) async fn serve(mut listener: TcpListener, told: fn(SocketAddr, &str)) -> Result<(), Failure> {
    let address = listener.local_addr()?;
    let ledger = Arc::new(Ledger::default());
    loop {
        let shared =
            Shared { config: Arc::new(config()), ledger: ledger.clone(), stop: watch::Sender::new(None) };
        serve_once(listener, &shared, told).await;
        sleep(DOWN).await;
        listener = TcpListener::bind(address).await?;
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.http_requests = true;
    config.max_message_size = Some(MAX_MESSAGE);
    let [ping, pong] = BEAT;
    config.heartbeat = Some(Heartbeat::default().with_text(TextHeartbeat::answered().with_pair(ping, pong)));
    config
}

/// Serves until a page has the server end.
async fn serve_once(listener: TcpListener, shared: &Shared, told: fn(SocketAddr, &str)) {
    let mut stop = shared.stop.subscribe();
    let mut sessions = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => break,
            Some(_) = sessions.join_next() => continue,
        };
        match accepted {
            Ok((tcp, peer)) => {
                let shared = shared.clone();
                sessions.spawn(async move {
                    match answer(tcp, shared).await {
                        Ok(Some(end)) => told(peer, &end),
                        Ok(None) => {}
                        Err(error) => told(peer, &error.to_string()),
                    }
                });
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "cannot accept a connection: {error}");
                // A lack of file descriptors does not pass at once.
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let _ = timeout(LAST_CALL, async { while sessions.join_next().await.is_some() {} }).await;
}

/// Answers whatever is asked for. How it ended, if that was a WebSocket.
async fn answer(tcp: TcpStream, shared: Shared) -> Result<Option<String>, Failure> {
    let incoming = accept(tcp, shared.config.clone()).await?;
    let answer = match (incoming.request(), incoming.http_request()) {
        (Some(upgrade), _) if upgrade.path() == "/ws" => {
            let accept = agree(upgrade)?;
            let name = upgrade.query().map(str::to_owned);
            let socket = incoming.accept(&accept).await?;
            return Ok(Some(session::run(socket, name.as_deref(), &shared).await));
        }
        (_, Some(plain)) => page(plain, &shared.ledger)?,
        _ => nothing_there()?,
    };
    incoming.reject(&answer).await?;
    Ok(None)
}

fn agree(request: &Request) -> Result<Accept, InvalidHead> {
    let accept = Accept::new(OriginPolicy::SameHost);
    match request.select_subprotocol(&[SUBPROTOCOL]) {
        Some(name) => accept.subprotocol(name),
        None => Ok(accept),
    }
}

fn page(request: &HttpRequest, ledger: &Ledger) -> Result<Reject, InvalidHead> {
    match request.path() {
        "/" => file("text/html", PAGE.to_owned()),
        "/heartbeat.js" => file("text/javascript", HEARTBEAT.to_owned()),
        "/ending" => match ledger.find(request.query().unwrap_or_default()) {
            Some(lines) => file("text/plain", lines),
            None => Reject::new(204),
        },
        "/ws" => Reject::new(426),
        _ => nothing_there(),
    }
}

fn file(media_type: &str, content: String) -> Result<Reject, InvalidHead> {
    let file = Reject::new(200)?.header("Content-Type", &format!("{media_type}; charset=utf-8"))?;
    Ok(file.header("Cache-Control", "no-store")?.body(content))
}

fn nothing_there() -> Result<Reject, InvalidHead> {
    let nothing = Reject::new(404)?.header("Content-Type", "text/plain; charset=utf-8")?;
    Ok(nothing.body("There is the page at / and a WebSocket at /ws, and what they need.\n"))
}
