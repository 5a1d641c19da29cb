//! The only room that says SQL or rusqlite.
//!
//! [`Db`] opens the file and owns its connections: one writer thread ([`writer`]) and a few read-only readers. Work gets
//! a [`ReadTx`] or a [`WriteTx`]; the aggregates' files add to these two what can be found, listed, inserted and updated.
//! A reader cannot write by type.

mod api_key;
mod application;
pub mod audit;
mod autopilot;
mod backup;
mod column;
mod db;
mod delivery;
mod dispute;
mod error;
mod event;
#[cfg(feature = "failpoints")]
mod failpoint;
mod idempotency;
mod ledger;
mod merge;
mod message;
mod migrate;
mod notification;
mod referral;
mod server_key;
mod session;
mod simulated_human;
mod snapshot;
mod submission;
mod task;
mod task_list;
mod test_clock;
mod told;
mod tx;
mod user;
mod view;
mod webhook;
mod writer;

pub use api_key::ApiKey;
pub use autopilot::DueStep;
pub use backup::{backup_to, check_file};
pub use db::{Db, Lasting, lock};
pub use delivery::{Attempt, Delivery};
pub use dispute::Dispute;
pub use event::{Arrival, Event, KeptEvent};
pub use idempotency::SavedAnswer;
pub use ledger::{Account, StatementLine, Transfer};
pub use message::Message;
pub use notification::Notification;
pub use referral::Referral;
pub use session::Session;
pub use snapshot::Snapshot;
pub use submission::Submission;
pub use task_list::TaskFilter;
pub use tx::{Page, ReadTx, WriteTx};
pub use user::User;
pub use view::View;
pub use webhook::Webhook;
