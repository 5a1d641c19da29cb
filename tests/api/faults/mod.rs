//! What a machine does to a server: it dies at any statement, loses its power, its disk, its file descriptors, or what it works on is broken.

mod crowd;
#[cfg(target_os = "linux")] // where a library can be preloaded before the system's own
mod disk;
#[cfg(feature = "failpoints")]
mod kill;
mod poison;
#[cfg(target_os = "linux")]
mod power;
mod shop;
