//! What a machine does to a server: it dies at any statement, loses its power, its disk, its file descriptors.

#[cfg(feature = "failpoints")]
mod kill;
mod shop;
