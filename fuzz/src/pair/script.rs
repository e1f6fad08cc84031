//! The input of `pair`: who talks, and what happens to both and to the network between them.

use arbitrary::{Arbitrary, Result, Unstructured};
use websocket_proto::Role;

use crate::scene::{Scene, Settings};

/// Two connections from their beginning to their end.
///
/// As bytes: the scene, whose settings are the client's, the settings of the server, how it ends, and two bytes for each
/// move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talk {
    pub scene: Scene,
    pub server: Settings,
    pub finale: Finale,
    pub moves: Vec<Move>,
}

/// How the connections are brought to their ends after the last move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finale {
    /// The client closes, and the network carries everything.
    ClientCloses,
    ServerCloses,
    BothClose,
    /// Both close, and the network carries nothing more.
    Stalled,
    /// The network ends, without a word of either.
    Cut,
}

/// Something that happens on one side, and a number whose meaning depends on what: a length, a time, a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move(pub Role, pub Deed, pub u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    // The application.
    SendText,
    SendBinary,
    Ping,
    Pong,
    Close,
    Decide,
    /// It takes in what arrives if the number is odd, and does not if it is even.
    SetReading,
    /// It asks for events if the number is odd, and does not if it is even.
    SetPolling,
    // Its transport.
    /// So many bytes are written.
    Write,
    /// So many bytes are taken out and written, to be credited later.
    Take,
    Credit,
    /// So many bytes of what was written arrive at the other side, and behind the last one the end.
    Carry,
    /// The other side ended, or so the network says.
    EndOfInput,
    ReadFailed,
    WriteFailed,
    // Both.
    /// Everything is written, carried and parsed.
    Flow,
    /// So many units of time pass, and nobody looks.
    Wait,
    /// So many units of time pass, and both are told.
    Pass,
    /// The next deadline comes, and both are told so much later.
    Deadline,
}

const FINALES: [Finale; 5] =
    [Finale::ClientCloses, Finale::ServerCloses, Finale::BothClose, Finale::Stalled, Finale::Cut];

const DEEDS: [Deed; 19] = [
    Deed::SendText,
    Deed::SendBinary,
    Deed::Ping,
    Deed::Pong,
    Deed::Close,
    Deed::Decide,
    Deed::SetReading,
    Deed::SetPolling,
    Deed::Write,
    Deed::Take,
    Deed::Credit,
    Deed::Carry,
    Deed::EndOfInput,
    Deed::ReadFailed,
    Deed::WriteFailed,
    Deed::Flow,
    Deed::Wait,
    Deed::Pass,
    Deed::Deadline,
];

/// Enough for any order of things; more is only slow.
const MOST_MOVES: usize = 300;

const SERVER: u8 = 0x80;

impl<'a> Arbitrary<'a> for Talk {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let scene = Scene::take(u)?;
        let server = Settings(u.arbitrary()?);
        let finale = FINALES[usize::from(u.arbitrary::<u8>()?) % FINALES.len()];
        let (pairs, _) = u.bytes(u.len())?.as_chunks();
        let moves = pairs.iter().take(MOST_MOVES).map(|[deed, number]| {
            let role = if deed & SERVER == 0 { Role::Client } else { Role::Server };
            Move(role, DEEDS[usize::from(deed & !SERVER) % DEEDS.len()], *number)
        });
        Ok(Self { scene, server, finale, moves: moves.collect() })
    }
}

impl Talk {
    /// The input that becomes this.
    pub fn encode(&self) -> Vec<u8> {
        let mut input = Vec::new();
        self.scene.encode(&mut input);
        input.extend(self.server.0.to_le_bytes());
        input.push(FINALES.iter().position(|finale| *finale == self.finale).unwrap_or_default() as u8);
        for Move(role, deed, number) in &self.moves {
            let place = DEEDS.iter().position(|other| other == deed).unwrap_or_default() as u8;
            input.extend([if *role == Role::Server { place | SERVER } else { place }, *number]);
        }
        input
    }
}
