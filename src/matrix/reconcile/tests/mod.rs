//! What reconcile does, one rule a sentence. [`fixtures`] builds worlds in a line, [`properties`] builds wild ones.

mod chats;
mod classify;
mod fakes;
mod fixtures;
mod forged;
mod numbers;
mod observe;
mod properties;
mod report;
mod rows;
mod run;
mod server;
mod spaces;
mod users;
