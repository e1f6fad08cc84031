//! The input of `tokio_adapter`: what the peer sends, and what two tasks and a transport do meanwhile.

use arbitrary::{Arbitrary, Result, Unstructured};
use websocket_proto::Role;

use crate::scene::Settings;
use crate::stream::Stream;

/// One socket from its beginning to its end. What is left of the stream after the last step arrives at once, and then the
/// stream ends.
///
/// As bytes: the role, with a bit for a socket in halves, the settings, the number of steps, two bytes for each, and the
/// stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub role: Role,
    pub in_halves: bool,
    pub settings: Settings,
    pub acts: Vec<(Act, u8)>,
    pub stream: Stream,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    // The two tasks. Each polls once, and gives its future up.
    Poll(Wish),
    /// Whoever was woken polls again, until nobody is.
    Run,
    /// A message of so many times twenty bytes, if the sink said that it is ready.
    StartSend,
    /// One of another task.
    TrySend,
    Ping,
    TakeApart,
    // The peer and the network.
    /// So many bytes of the stream arrive.
    Push,
    End,
    FailRead,
    /// Reads and writes take a few bytes, or wait, in turns that the number says.
    ReadIn,
    WriteIn,
    /// So many more bytes can be written.
    Room,
    FailWrites,
    /// What is written is kept back until it is flushed.
    KeepBack,
    BlockFlush,
    FailFlushes,
    BlockShutdown,
    /// So many units of time pass.
    Pass,
}

/// What a task may wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    // The one that reads.
    Next,
    NextEvent,
    // The one that writes.
    Ready,
    Flush,
    Drive,
    Close,
    SinkClose,
}

const ACTS: [Act; 24] = [
    Act::Poll(Wish::Next),
    Act::Poll(Wish::NextEvent),
    Act::Poll(Wish::Ready),
    Act::Poll(Wish::Flush),
    Act::Poll(Wish::Drive),
    Act::Poll(Wish::Close),
    Act::Poll(Wish::SinkClose),
    Act::Run,
    Act::StartSend,
    Act::TrySend,
    Act::Ping,
    Act::TakeApart,
    Act::Push,
    Act::End,
    Act::FailRead,
    Act::ReadIn,
    Act::WriteIn,
    Act::Room,
    Act::FailWrites,
    Act::KeepBack,
    Act::BlockFlush,
    Act::FailFlushes,
    Act::BlockShutdown,
    Act::Pass,
];

/// What concerns an adapter. What is wrong with a message is told by other targets.
const SETTINGS: u16 = Settings::SMALL_QUEUE
    | Settings::SMALL_OUTGOING_FRAMES
    | Settings::NO_AUTOMATIC_PONG
    | Settings::NO_HEARTBEAT
    | Settings::FAST_HEARTBEAT
    | Settings::INBOUND_IDLE
    | Settings::QUICK_MESSAGES
    | Settings::NO_WRITE_STALL
    | Settings::NO_TIME_TO_CLOSE;

const CLIENT: u8 = 1;
const IN_HALVES: u8 = 2;

impl<'a> Arbitrary<'a> for Session {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let kind = u.arbitrary::<u8>()?;
        let mut settings = u.arbitrary::<u16>()? & SETTINGS;
        if settings & Settings::NO_HEARTBEAT != 0 {
            // Both together are a heartbeat without any time between two Pings.
            settings &= !Settings::FAST_HEARTBEAT;
        }
        let count = u.arbitrary::<u8>()?;
        let acts = (0..count).map_while(|_| {
            let [act, number] = *u.bytes(2).ok()?.first_chunk()?;
            Some((ACTS[usize::from(act) % ACTS.len()], number))
        });
        let acts = acts.collect();
        Ok(Self {
            role: if kind & CLIENT == 0 { Role::Server } else { Role::Client },
            in_halves: kind & IN_HALVES != 0,
            settings: Settings(settings),
            acts,
            stream: Stream::take_rest(u)?,
        })
    }
}

impl Session {
    /// The input that becomes this.
    pub fn encode(&self) -> Vec<u8> {
        let client = if self.role == Role::Client { CLIENT } else { 0 };
        let mut input = vec![client | if self.in_halves { IN_HALVES } else { 0 }];
        input.extend(self.settings.0.to_le_bytes());
        input.push(u8::try_from(self.acts.len()).expect("at most 255 acts"));
        for (act, number) in &self.acts {
            let place = ACTS.iter().position(|other| other == act).unwrap_or_default();
            input.extend([place as u8, *number]);
        }
        self.stream.encode(&mut input);
        input
    }
}
