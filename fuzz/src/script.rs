//! The input of `server_bytes` and `client_bytes`: a stream, and what happens while it arrives.

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::scene::Scene;
use crate::stream::Stream;

/// One connection from its beginning to its end. What is left of the stream after the last step arrives at once, and
/// then the stream ends.
///
/// As bytes: the scene, the number of steps, two bytes for each, and the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub scene: Scene,
    pub steps: Vec<Step>,
    pub stream: Stream,
}

/// Something that happens, and a number whose meaning depends on what: a length, a time, a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step(pub Action, pub u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// So many bytes of the stream arrive.
    Feed,
    /// The same, and nobody looks at them yet.
    FeedUnseen,
    /// So many units of time pass.
    Wait,
    /// The clock is set back.
    ClockBack,
    /// The next deadline comes, and is noticed so much later.
    Deadline,
    /// The transport takes so many bytes.
    Write,
    /// So many bytes are taken out, to be credited later.
    Take,
    /// So many bytes that were taken out are credited.
    Credit,
    SendText,
    SendBinary,
    Ping,
    Pong,
    Close,
    Decide,
    EndOfInput,
    ReadFailed,
    WriteFailed,
    /// The owner takes in what arrives if the number is odd, and does not if it is even.
    SetReading,
}

const ACTIONS: [Action; 18] = [
    Action::Feed,
    Action::FeedUnseen,
    Action::Wait,
    Action::ClockBack,
    Action::Deadline,
    Action::Write,
    Action::Take,
    Action::Credit,
    Action::SendText,
    Action::SendBinary,
    Action::Ping,
    Action::Pong,
    Action::Close,
    Action::Decide,
    Action::EndOfInput,
    Action::ReadFailed,
    Action::WriteFailed,
    Action::SetReading,
];

impl<'a> Arbitrary<'a> for Script {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let scene = Scene::take(u)?;
        let count = u.arbitrary::<u8>()?;
        let steps = (0..count).map_while(|_| {
            let [action, number] = *u.bytes(2).ok()?.first_chunk()?;
            Some(Step(ACTIONS[usize::from(action) % ACTIONS.len()], number))
        });
        let steps = steps.collect();
        Ok(Self { scene, steps, stream: Stream::take_rest(u)? })
    }
}

impl Script {
    /// The input that becomes this script.
    pub fn encode(&self) -> Vec<u8> {
        let mut input = Vec::new();
        self.scene.encode(&mut input);
        input.push(u8::try_from(self.steps.len()).expect("at most 255 steps"));
        for Step(action, number) in &self.steps {
            let place = ACTIONS.iter().position(|other| other == action).unwrap_or_default();
            input.extend([place as u8, *number]);
        }
        self.stream.encode(&mut input);
        input
    }
}
