//! Events that wait for somebody to read.

use alloc::collections::VecDeque;

use crate::event::Event;

/// Events that were found by whoever wrote, for whoever reads next.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    events: VecDeque<Event>,
    /// What the messages among them weigh.
    weight: usize,
    controls: usize,
}

impl Parked {
    /// Messages wait up to this many bytes (and one message more); then the transport is not read any more.
    const MAX_WEIGHT: usize = 64 * 1024;
    /// Pings and Pongs wait up to this many; then they are passed over, lest they stop the reading.
    const MAX_CONTROLS: usize = 16;

    pub(crate) fn push(&mut self, event: Event) {
        match &event {
            Event::Ping(_) | Event::Pong { .. } => {
                if self.controls >= Self::MAX_CONTROLS {
                    return;
                }
                self.controls = self.controls.saturating_add(1);
            }
            event => self.weight = self.weight.saturating_add(weight(event)),
        }
        self.events.push_back(event);
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        match &event {
            Event::Ping(_) | Event::Pong { .. } => self.controls = self.controls.saturating_sub(1),
            event => self.weight = self.weight.saturating_sub(weight(event)),
        }
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
        Some(event)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.weight >= Self::MAX_WEIGHT
    }
}

fn weight(event: &Event) -> usize {
    let payload = match event {
        Event::Message(message) => message.len(),
        Event::Chunk(chunk) => chunk.piece.len(),
        _ => 0,
    };
    payload.saturating_add(size_of::<Event>())
}
