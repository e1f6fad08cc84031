//! The heartbeat, as options of the command line.

use std::time::Duration;

use clap::{Args, ValueEnum};
use websocket_proto::{Heartbeat, TextHeartbeat};

#[derive(Args)]
pub(crate) struct HeartbeatOptions {
    /// Ping after so many seconds of silence, 0.1 or more; 0 turns the heartbeat off
    #[arg(long = "heartbeat", value_name = "SECONDS", default_value = "25", value_parser = seconds_or_zero)]
    interval: Duration,
    /// How many seconds to wait for a sign of life after that, 0.1 or more
    #[arg(long = "heartbeat-margin", value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    margin: Duration,
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
    pub(crate) fn heartbeat(&self) -> Result<Option<Heartbeat>, &'static str> {
        let text = self.text.map(|text| match text {
            Text::Send => TextHeartbeat::sent(),
            Text::Answer => TextHeartbeat::answered(),
            Text::Both => TextHeartbeat::sent_and_answered(),
        });
        if self.interval.is_zero() {
            return if text.is_none() {
                Ok(None)
            } else {
                Err("--text-heartbeat needs a heartbeat that is on")
            };
        }
        let mut heartbeat = Heartbeat::new(self.interval, self.margin);
        heartbeat.text = text;
        Ok(Some(heartbeat))
    }
}

fn seconds_or_zero(text: &str) -> Result<Duration, &'static str> {
    if text.parse() == Ok(0.0) { Ok(Duration::ZERO) } else { seconds(text) }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds: f64 = text.parse().map_err(|_| "it is no number of seconds")?;
    let day = 86_400.0;
    if (0.1..=day).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("it is not from 0.1 to 86400")
    }
}
