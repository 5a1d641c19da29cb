//! The disk under a measurement: the machine's own, or one whose syncs take longer (`tests/api/faults/disk.c`).

use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Disk {
    pub directory: PathBuf,
    /// The library that makes it slow, and by how many ms a sync.
    slow: Option<(PathBuf, u32)>,
}

impl Disk {
    pub fn new(directory: PathBuf, sync_ms: Option<u32>) -> Self {
        let slow = sync_ms.map(|ms| (library(&directory), ms));
        Disk { directory, slow }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The command on this disk.
    pub fn slow<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        if let Some((library, ms)) = &self.slow {
            command.env("LD_PRELOAD", library).env("DISK_SYNC_MS", ms.to_string());
        }
        command
    }
}

fn library(directory: &Path) -> PathBuf {
    let (source, library) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/faults/disk.c"), directory.join("disk.so"));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let built = Command::new(compiler).args(["-shared", "-fPIC", "-O2", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    assert!(built.unwrap().success(), "disk.c does not compile");
    library
}
