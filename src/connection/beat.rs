//! The heartbeat of a connection: beats go out, by Ping or by text, and texts that are beats or answers are taken out of what
//! arrives.

use alloc::boxed::Box;

use bytes::Bytes;

use super::life::Sending;
use super::sender::Sender;
use crate::config::TextHeartbeat;
use crate::event::Event;
use crate::heartbeat::Pulse;
use crate::message::{Chunk, Message};
use crate::send::{BeatText, PingKind};

impl Sender {
    /// Draws the interval of the next beat, and what its Ping may carry.
    pub(super) fn draw_beat(&mut self) -> [u8; 8] {
        let [low, high, nonce @ ..]: [u8; 10] = self.outbox.entropy().bytes();
        if let Some(heartbeat) = &self.config.heartbeat {
            self.beat_after = heartbeat.jittered(u16::from_le_bytes([low, high]));
        }
        nonce
    }

    pub(super) fn send_beat(&mut self) {
        let nonce = self.draw_beat();
        // Control frames pass between the chunks of a message; texts do not.
        let text = self.text_heartbeat().filter(|text| text.sends && !self.is_sending_chunks());
        if let Some(text) = text {
            let (ping, pong) = (text.ping.as_bytes().clone(), text.pong.as_bytes().clone());
            self.pulse = Some(Box::new(Pulse::new(pong, true, self.now)));
            self.outbox.push_text(BeatText::Ping, ping);
            return;
        }
        let payload = Bytes::copy_from_slice(&nonce);
        if self.outbox.push_ping(PingKind::Heartbeat, payload.clone()) {
            self.pulse = Some(Box::new(Pulse::new(payload, false, self.now)));
        }
    }

    fn text_heartbeat(&self) -> Option<&TextHeartbeat> {
        self.config.heartbeat.as_ref()?.text.as_ref()
    }

    /// A message that arrived, unless it is one of the heartbeat's texts: what is left of that, if anything, is its event.
    #[inline(never)]
    pub(super) fn sift(&mut self, message: Message) -> Result<Message, Option<Event>> {
        let (Message::Text(said), Some(texts)) = (&message, self.text_heartbeat()) else {
            return Ok(message);
        };
        let beats = texts.sends && *said == texts.pong;
        let asks = texts.answers && *said == texts.ping;
        if beats {
            Err(Some(self.apply_text_pong(message.into_payload())))
        } else if asks {
            let answer = texts.pong.as_bytes().clone();
            self.stats.pings_received = self.stats.pings_received.saturating_add(1);
            if self.life.sending != Sending::Broken {
                self.outbox.push_text(BeatText::Pong, answer);
                if self.is_sending_chunks() {
                    // The answer waits for the end of that message, which may be far. A Pong that nobody asked for is a sign of
                    // life, too (RFC 6455 §5.5.3).
                    self.outbox.push_pong(Bytes::new());
                }
            }
            Err(None)
        } else {
            Ok(message)
        }
    }

    /// As [`sift`](Self::sift), for a chunk: it is a whole message if it is both the first and the last of its message.
    pub(super) fn sift_chunk(&mut self, chunk: Chunk) -> Result<Chunk, Option<Event>> {
        let is_whole = chunk.is_last && !self.telling_chunks;
        self.telling_chunks = !chunk.is_last;
        if is_whole && self.sifts_texts { self.sift(chunk.piece).map(Chunk::last) } else { Ok(chunk) }
    }

    fn apply_text_pong(&mut self, payload: Bytes) -> Event {
        self.stats.pongs_received = self.stats.pongs_received.saturating_add(1);
        let now = self.now;
        let beat = self.pulse.as_ref().filter(|pulse| pulse.by_text);
        let round_trip = beat.and_then(|pulse| pulse.ping.answered_by(&payload, now));
        if round_trip.is_some() {
            let answered = self.pulse.take().map(|pulse| pulse.ping);
            self.note_answer(answered.as_ref(), round_trip);
        }
        Event::Pong { payload, round_trip }
    }
}
