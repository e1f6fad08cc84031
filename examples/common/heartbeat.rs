//! The heartbeat, as options of the command line.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use websocket_proto::{Heartbeat, TextHeartbeat};

#[derive(Args)]
pub(crate) struct HeartbeatOptions {
    /// Ping after so many seconds of silence; 0 turns the heartbeat off
    #[arg(long = "heartbeat", value_name = "SECONDS", default_value = "25")]
    interval: Seconds,
    /// How many seconds to wait for a sign of life after that
    #[arg(long = "heartbeat-margin", value_name = "SECONDS", default_value = "10")]
    margin: Seconds,
    /// Whether to send the text "ping" in place of Pings, to answer it with "pong", or both
    #[arg(long = "text-heartbeat", value_name = "HOW")]
    text: Option<Text>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Text {
    Send,
    Answer,
    Both,
}

impl HeartbeatOptions {
    pub(crate) fn heartbeat(&self) -> Option<Heartbeat> {
        let text = self.text.map(|text| match text {
            Text::Send => TextHeartbeat::sent(),
            Text::Answer => TextHeartbeat::answered(),
            Text::Both => TextHeartbeat::sent_and_answered(),
        });
        let mut heartbeat = Heartbeat::new(self.interval.0, self.margin.0);
        heartbeat.text = text;
        (!self.interval.0.is_zero()).then_some(heartbeat)
    }
}

#[derive(Clone, Copy)]
struct Seconds(Duration);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds: f64 = text.parse().map_err(|_| "it is no number of seconds")?;
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|error| error.to_string())
    }
}
