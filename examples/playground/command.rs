//! What a page can have the server do: texts that begin with `/`.

use std::str::FromStr;

use websocket_proto::CloseFrame;

use crate::server::Stop;

/// The most messages of one flood.
const MAX_FLOOD: u32 = 1_000_000;

#[derive(Debug)]
pub(crate) enum Command {
    /// `/close`, `/close CODE` or `/close CODE REASON…`: begin the closing handshake.
    Close(Option<CloseFrame>),
    /// `/flood N`: send the texts `flood 1/N` to `flood N/N`.
    Flood(u32),
    /// `/silent`: neither read nor write any more, with the TCP connection left open.
    Silent,
    /// `/die`: end the TCP connection without a Close frame.
    Die,
    /// `/violate`: send what is no frame, and end the TCP connection.
    Violate,
    /// `/restart` and `/kill`: the whole server ends, with or without a word, and begins anew.
    Stop(Stop),
    /// `/ping`: send a Ping, and tell as a text how long its Pong took.
    Ping,
}

impl FromStr for Command {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("/close", "") => Ok(Self::Close(None)),
            ("/close", frame) => close_frame(frame).map(Some).map(Self::Close),
            ("/flood", count) => match count.parse() {
                Ok(count @ 1..=MAX_FLOOD) => Ok(Self::Flood(count)),
                _ => Err(format!("/flood takes a number from 1 to {MAX_FLOOD}")),
            },
            ("/silent", "") => Ok(Self::Silent),
            ("/die", "") => Ok(Self::Die),
            ("/violate", "") => Ok(Self::Violate),
            ("/restart", "") => Ok(Self::Stop(Stop::Restart)),
            ("/kill", "") => Ok(Self::Stop(Stop::Kill)),
            ("/ping", "") => Ok(Self::Ping),
            _ => Err("the commands are /close CODE REASON, /flood N, /ping, /silent, /die, /violate, /restart and /kill"
                .to_owned()),
        }
    }
}

fn close_frame(text: &str) -> Result<CloseFrame, String> {
    let (code, reason) = text.split_once(' ').unwrap_or((text, ""));
    let code: u16 = code.parse().map_err(|_| "/close takes a close code, then a reason")?;
    CloseFrame::new(code, reason).map_err(|error| error.to_string())
}
