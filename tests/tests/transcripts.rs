//! Every transcript, in every order it allows, whole, byte by byte and split at random

use std::path::PathBuf;

use ftp_tests::script::{Script, run_script};

fn scripts() -> Vec<Script> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ftp"))
        .collect();
    paths.sort();
    paths.iter().map(|path| Script::load(path)).collect()
}

#[test]
fn transcripts_run_as_written() {
    let scripts = scripts();
    assert!(scripts.len() > 100, "the transcripts are missing");
    let mut failures = Vec::new();
    let mut runs = 0;
    for script in &scripts {
        match std::panic::catch_unwind(|| run_script(script, 8)) {
            Ok(count) => runs += count,
            Err(_) => failures.push(script.name.clone()),
        }
    }
    println!("{} transcripts, {runs} runs", scripts.len());
    assert!(failures.is_empty(), "{failures:#?}");
}
