//! How the WebSockets of this server ended, for pages that ask: a browser tells them little.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use websocket_proto::{CloseEvent, Endings};

/// The endings of so many connections can be asked for.
const KEPT: usize = 100;

#[derive(Default)]
pub(crate) struct Ledger(Mutex<Account>);

#[derive(Default)]
struct Account {
    endings: Endings,
    lines: VecDeque<(String, String)>,
}

impl Ledger {
    /// Takes note of an ending under the name that the page gave to its connection, and explains it.
    pub(crate) fn record(&self, name: Option<&str>, close: &CloseEvent) -> String {
        let line = close.explain().to_string();
        let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        account.endings.record(close);
        if let Some(name) = name {
            if account.lines.len() >= KEPT {
                account.lines.pop_front();
            }
            account.lines.push_back((name.to_owned(), line.clone()));
        }
        line
    }

    /// How the connection of this name ended, and after a line break all of them together; `None` before it has.
    pub(crate) fn find(&self, name: &str) -> Option<String> {
        let account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, line) = account.lines.iter().rfind(|(known, _)| known == name)?;
        Some(format!("{line}\n{}", account.endings))
    }
}
