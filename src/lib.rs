mod config;
mod domain;
mod operation;
mod store;
