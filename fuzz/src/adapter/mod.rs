//! A socket over tokio: two tasks that poll and give up at any time, over a transport that does what a script says.
//!
//! What holds: messages come and go in order and whole, the end is told once, nobody is left asleep who could go on, and
//! nobody is kept busy who could not.

mod checks;
mod ledger;
mod script;
mod socket;
mod stage;
mod tasks;

#[path = "../../../tests/support/scripted.rs"]
mod scripted;
#[path = "../../../tests/support/scripted_async.rs"]
mod scripted_async;

use tokio::runtime::{Builder, Runtime};
use tokio::task::unconstrained;

use self::stage::Stage;

pub use script::{Act, Session, Wish};

thread_local! {
    /// Its clock goes on from one input to the next; each socket counts from its own beginning.
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

/// Plays the whole session and panics where a promise is broken.
pub fn attend(session: &Session) {
    // The turns that tokio gives a task are not what is tested.
    RUNTIME.with(|runtime| {
        runtime.block_on(unconstrained(async {
            let mut stage = Stage::new(session);
            for (act, number) in &session.acts {
                stage.play(*act, *number).await;
                stage.check_wakes();
            }
            stage.finish().await;
        }));
    });
}
