//! A folder in which the command is run.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A temporary folder, which is removed at the end.
pub struct Folder(PathBuf);

/// The outcome of a command.
pub struct Outcome {
    pub code: i32,
    pub out_bytes: Vec<u8>,
    pub err: String,
}

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vdf-basis-vdfb-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Makes `shock.npy`, three cells, and `shock.json`.
    pub fn shock(&self) {
        self.done("synthesise shock --population 3 --cells 12 -o shock.npy");
    }

    /// Runs a command line in the folder.
    pub fn run(&self, line: &str) -> Outcome {
        let command =
            Command::new(env!("CARGO_BIN_EXE_vdfb")).args(line.split_whitespace()).current_dir(&self.0).output();
        let output = command.unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        Outcome { code: output.status.code().unwrap(), out_bytes: output.stdout, err }
    }

    /// A command line that is still running.
    pub fn begun(&self, line: &str) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vdfb"));
        command.args(line.split_whitespace()).current_dir(&self.0).stderr(Stdio::null()).spawn().unwrap()
    }

    /// What a command line prints, if it succeeds.
    pub fn done(&self, line: &str) -> String {
        let outcome = self.run(line);
        assert_eq!(outcome.code, 0, "{line}: {}", outcome.err);
        String::from_utf8(outcome.out_bytes).unwrap()
    }

    /// The JSON that a command line prints.
    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.done(line)).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn read_json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.bytes(name)).unwrap()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// True if no temporary file is left.
    pub fn no_parts(&self) -> bool {
        fs::read_dir(&self.0).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().ends_with(".part"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
