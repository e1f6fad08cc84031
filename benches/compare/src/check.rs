//! Before anything is counted: every column must deliver the same messages from the same bytes.

use crate::{
    peers::{Failure, Peer},
    transport::Transport,
    work::Work,
};

/// Every column receives every workload twice round. What it delivers is compared with the payloads that the script
/// was made from, so no column is another's measure.
pub(crate) fn all(peers: &[&dyn Peer], works: &[Work]) -> Result<String, Failure> {
    for work in works {
        for peer in peers {
            one(*peer, work).map_err(|failure| format!("{}: {}: {failure}", peer.name(), work.name))?;
        }
    }
    Ok(format!("{} columns deliver the same messages in {} workloads", peers.len(), works.len()))
}

fn one(peer: &dyn Peer, work: &Work) -> Result<(), Failure> {
    let script = work.script();
    let wanted = 2 * script.len();
    let mut delivered = 0;
    let mut first_wrong = None;
    peer.receive(Transport::new(&script), wanted, &mut |message| {
        if first_wrong.is_none() && message != script.expected(delivered) {
            first_wrong = Some(format!("message {delivered} is {message:?}"));
        }
        delivered += 1;
    })?;
    match first_wrong {
        Some(wrong) => Err(wrong.into()),
        None if delivered != wanted => Err(format!("{delivered} messages instead of {wanted}").into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        peers::{PEERS, Received},
        work::WORKS,
    };

    type Each<'a> = &'a mut dyn FnMut(Received<'_>);
    type Fault = fn(usize, Received<'_>, Each<'_>);

    /// Passes on what a real column delivers, but for one fault.
    struct Faulty(Fault);

    impl Peer for Faulty {
        fn name(&self) -> &'static str {
            "faulty"
        }

        fn package(&self) -> &'static str {
            "none"
        }

        fn receive(&self, transport: Transport<'_>, count: usize, each: Each<'_>) -> Result<(), Failure> {
            let mut index = 0;
            PEERS[0].receive(transport, count, &mut |message| {
                self.0(index, message, each);
                index += 1;
            })
        }
    }

    fn verdict(fault: Fault) -> Result<String, String> {
        all(&[PEERS[0], &Faulty(fault)], &WORKS[..1]).map_err(|failure| failure.to_string())
    }

    #[test]
    fn an_honest_column_passes() {
        assert!(verdict(|_, message, each| each(message)).is_ok());
    }

    #[test]
    fn a_missing_message_is_found() {
        let verdict = verdict(|index, message, each| {
            if index != 8191 {
                each(message);
            }
        });
        assert_eq!(verdict.unwrap_err(), "faulty: receive-125-frame: 8191 messages instead of 8192");
    }

    #[test]
    fn a_wrong_byte_is_found() {
        let verdict = verdict(|index, message, each| match message {
            Received::Binary(payload) if index == 7 => {
                let mut payload = payload.to_vec();
                payload[124] ^= 1;
                each(Received::Binary(&payload));
            }
            message => each(message),
        });
        assert!(verdict.unwrap_err().starts_with("faulty: receive-125-frame: message 7 is Binary(["));
    }
}
